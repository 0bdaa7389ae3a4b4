/** The functions that are processes of their own in a cluster: each has a folder with a `main.ts`. */
export const functionNames = ['correlator', 'exporter', 'reconciler'] as const;
