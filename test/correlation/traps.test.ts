/**
 * Misleading Events: uids that are names, reused names, jumping counts, messages lost to merging, causes without Events. `traps/*.txt` hold
 * Events and the expected traces; traps of wording are in `rules/built-in/traps.test.ts`.
 */
import { join } from 'node:path';
import { testStories } from '../helpers/story.ts';

testStories(join(import.meta.dirname, 'traps'));
