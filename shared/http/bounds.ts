/** The bounds of a function's server on what a sender controls. */
export interface ServerBounds {
  readonly requestsAtOnce: number;
  readonly bodiesAtOnce: number;
  readonly connections: number;
  readonly headers: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly bodyWithinMs: number;
  readonly checkConnectionsMs: number;
}

const mebibyte = 1024 * 1024;
export const bodyLimit = 3 * mebibyte;
export const headerBytesMost = 16 * 1024;
/** Above the 90 s after which queue-proxy's Go pool closes idle connections: the sender must close first. */
export const keepAliveMs = 95_000;
export const bounds: ServerBounds = {
  requestsAtOnce: 1_000,
  bodiesAtOnce: 64 * mebibyte,
  connections: 4_000,
  headers: 128,
  // Go's pool also holds connections without any request yet, so this too stays above 90 s.
  headersTimeoutMs: 100_000,
  requestTimeoutMs: 300_000,
  bodyWithinMs: 30_000,
  checkConnectionsMs: 5_000,
};
