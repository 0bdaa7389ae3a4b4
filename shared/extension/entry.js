// `knspan/extension`: the TypeScript of a checkout where there is one, else what the package brings compiled.
import { existsSync } from 'node:fs';

const source = new URL('./index.ts', import.meta.url);
const compiled = new URL('../../dist/package/extension.js', import.meta.url);

export const { defineFunction, segmentType } = await import((existsSync(source) ? source : compiled).href);
