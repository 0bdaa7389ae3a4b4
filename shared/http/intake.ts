/** A path of a function for bodies of another protocol than CloudEvents. */
import type { IncomingHttpHeaders } from 'node:http';

export interface IntakeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer | string;
  readonly retryAfterSeconds?: number;
}

export interface Intake {
  readonly path: string;
  /** The body as it came: its content encoding is the taker's. */
  take(body: Buffer, headers: IncomingHttpHeaders): Promise<IntakeAnswer>;
}
