/** Stands in for a Broker or a subscriber over HTTP: keeps accepted CloudEvents; the test controls its responses. */
import { createServer, type Server } from 'node:http';
import { parseHttp, type ReceivedEvent } from '../../shared/events/cloudevents.ts';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer waits for it. */
  readonly after?: Promise<unknown>;
}

export class Receiver {
  /** What was answered with 2xx. */
  readonly taken: ReceivedEvent[] = [];
  /** All requests, whatever the answer was. */
  requests = 0;
  url = '';
  answer: (event: ReceivedEvent) => Reply = () => ({ status: 202 });
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      this.requests += 1;
      const parsed = parseHttp(request.headers, Buffer.concat(chunks));
      const event = parsed.ok ? parsed.value[0] : undefined;
      if (!event) return response.writeHead(400).end(parsed.ok ? 'no event' : parsed.reason);
      const { status, headers = {}, after } = this.answer(event);
      await after;
      if (status < 300) this.taken.push(event);
      response.writeHead(status, { ...headers, 'content-length': '0' }).end();
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    this.url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
    return this;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  get ids(): string[] {
    return this.taken.map(({ id }) => id);
  }
}
