/** Reads the body of a request, with a bound per request and one over all requests of the server. */
import type { IncomingMessage } from 'node:http';

export type Body = { readonly kind: 'read'; readonly bytes: Buffer } | { readonly kind: 'too large' | 'no room' | 'too slow' | 'gone' };

export interface BodyBounds {
  /** Max bytes of one body. */
  readonly most: number;
  /** Max bytes of all bodies in flight. */
  readonly mostAtOnce: number;
  /** Max time from head to end, ms: the memory is reserved meanwhile. */
  readonly within: number;
}

/** Excess bytes are read and dropped up to this multiple of the bound, so that the sender can read the response. */
const dropped = 4;
const nothing = Buffer.alloc(0);

export class BodyReader {
  readonly #bounds: BodyBounds;
  #held = 0;

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds;
  }

  /** The bytes are reserved until `release`. */
  read(request: IncomingMessage): Promise<Body> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      let size = 0;
      let refusal: 'too large' | 'no room' | undefined;
      const refuse = (why: 'too large' | 'no room') => {
        refusal ??= why;
        this.#held -= heldOf(chunks);
        chunks.length = 0;
      };
      const late = setTimeout(() => {
        this.#held -= heldOf(chunks);
        done({ kind: 'too slow' });
      }, this.#bounds.within);
      const done = (body: Body) => {
        clearTimeout(late);
        request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone).on('error', ignore);
        resolve(body);
      };
      const onData = (chunk: Buffer) => {
        size += chunk.length;
        if (refusal === undefined) {
          chunks.push(chunk);
          this.#held += chunk.length;
          if (size > this.#bounds.most) refuse('too large');
          else if (this.#held > this.#bounds.mostAtOnce) refuse('no room');
        }
        if (refusal !== undefined && size > this.#bounds.most * dropped) done({ kind: refusal });
      };
      const onEnd = () => done(refusal === undefined ? { kind: 'read', bytes: joined(chunks) } : { kind: refusal });
      const onGone = () => {
        this.#held -= heldOf(chunks);
        done({ kind: 'gone' });
      };
      request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
    });
  }

  release(body: Body): void {
    if (body.kind === 'read') this.#held -= body.bytes.length;
  }
}

/** A sender that disconnects after its request was read is noticed when the response is written. */
function ignore(): void {}

function heldOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function joined(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 ? (chunks[0] ?? nothing) : Buffer.concat(chunks);
}
