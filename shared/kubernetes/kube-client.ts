/**
 * The parts of `@kubernetes/client-node` in use. Loading it takes 370 ms: import this file lazily. A bundle drops the rest.
 */
export { KubeConfig, Watch } from '@kubernetes/client-node';
