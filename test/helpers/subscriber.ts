/** An HTTP server that keeps every request and responds as the test says: a subscriber, a dead letter sink, a source's sink. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

/** 'never' leaves the request without an answer, 'cut' ends its connection. */
export type Answering = (received: Received, count: number) => Answer | 'never' | 'cut' | Promise<Answer | 'never' | 'cut'>;

export class Subscriber {
  readonly received: Received[] = [];
  readonly #server: Server;
  #waiting: (() => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(answering: Answering = () => ({ status: 202 })): Promise<Subscriber> {
    const server = createServer();
    const subscriber = new Subscriber(server);
    server.on('request', async (request, response) => {
      const received = { path: request.url ?? '', headers: request.headers, body: (await buffer(request)).toString() };
      subscriber.received.push(received);
      const count = subscriber.received.length;
      for (const wake of subscriber.#waiting) wake();
      const answer = await answering(received, count);
      if (answer === 'cut') response.destroy();
      else if (answer !== 'never') response.writeHead(answer.status, answer.headers).end(answer.body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return subscriber;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** Once so many requests have come. */
  async arrived(count: number): Promise<void> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  nth(index: number): Received {
    const found = this.received[index];
    if (found === undefined) throw new Error(`Cannot find request ${index}: ${this.received.length} have come`);
    return found;
  }

  header(name: string): (string | string[] | undefined)[] {
    return this.received.map(({ headers }) => headers[name]);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
