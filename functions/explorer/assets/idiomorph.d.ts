/** Types of `idiomorph.js`, which is the package's own file, served beside the client scripts. */
export { Idiomorph } from 'idiomorph';
