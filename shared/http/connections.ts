/**
 * Closes a server's connections when it stops: Node would wait for those without a request yet, which senders keep in their pools, until
 * the grace period is over.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Max time for a partly received request head once the server stops. */
const headWithinMs = 2_000;

export class Connections {
  /** Requests in flight per connection. */
  readonly #open = new Map<Socket, number>();
  #closing = false;

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#open.set(socket, 0);
      socket.once('close', () => this.#open.delete(socket));
      // Accepted after the server had stopped.
      if (this.#closing) socket.destroy();
    });
  }

  begin({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#open.set(socket, (this.#open.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (this.#open.get(socket) ?? 1) - 1;
      if (this.#open.has(socket)) this.#open.set(socket, left);
    });
  }

  /** After the server has stopped accepting: closes idle connections at once, those with a partial head soon. */
  closeUnused(): void {
    this.#closing = true;
    for (const [socket, underWay] of this.#open) if (underWay === 0 && socket.bytesRead === 0) socket.destroy();
    setTimeout(() => {
      for (const [socket, underWay] of this.#open) if (underWay === 0) socket.destroy();
    }, headWithinMs).unref();
  }
}
