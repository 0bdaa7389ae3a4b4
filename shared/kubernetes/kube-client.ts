/**
 * What is used of `@kubernetes/client-node`, which costs 370 ms to load as a whole: load this file lazily. A bundle leaves out the rest.
 */
export { KubeConfig, Watch } from '@kubernetes/client-node';
