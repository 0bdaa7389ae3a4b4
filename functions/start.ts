/** Where an image starts: `main.ts` as a bundle, with the compiled code that `bundle.ts` has put beside it. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Portable: where the image has it is not where it was made.
enableCompileCache({ directory: fileURLToPath(new URL('compile-cache/', import.meta.url)), portable: true });
await import('./main.ts');
