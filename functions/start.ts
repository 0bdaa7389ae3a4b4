/** Where an image starts: a function or else `main.ts`, each a bundle, with the compiled code that `npm run build` has put beside them. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { functionNames } from '../shared/process/function-names.ts';

// Portable: where the image has it is not where it was made.
enableCompileCache({ directory: fileURLToPath(new URL('compile-cache/', import.meta.url)), portable: true });
const name = functionNames.find((one) => one === process.argv[2]);
if (name === undefined) await import('./main.ts');
else {
  // In few files of its own, since reading each takes its time; not a constant, or the bundler would look for it now.
  const file = `./${name}/main.js`;
  await import(file);
}
