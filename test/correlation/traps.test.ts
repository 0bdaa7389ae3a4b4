/**
 * What Events lead astray with: uids that are names, names used again, counts that jump, messages lost to merging, causes that nothing
 * tells of. `traps/*.txt` hold what is told and what the traces of it must look like; traps of wording are in `rules/traps.test.ts`.
 */
import { join } from 'node:path';
import { testStories } from '../helpers/story.ts';

testStories(join(import.meta.dirname, 'traps'));
