/**
 * The causal chains of Kubernetes and of the tools on it, from Events as controllers write them: `chains/*.txt` hold what is told and
 * what the traces of it must look like, span for span. How to read them: `helpers/story.ts`.
 */
import { join } from 'node:path';
import { testStories } from '../helpers/story.ts';

testStories(join(import.meta.dirname, 'chains'));
