/**
 * The causal chains of Kubernetes and its tools, from Events as controllers write them: `chains/*.txt` hold Events and the expected traces, span
 * for span. Their format: `helpers/story.ts`.
 */
import { join } from 'node:path';
import { testStories } from '../helpers/story.ts';

testStories(join(import.meta.dirname, 'chains'));
