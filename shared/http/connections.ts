/**
 * The connections of a server, to end with it: Node waits for those on which no request has begun yet, and senders keep such ones in
 * their pools. Without this a function that stops would wait for them until its grace period is over.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** So long the head of a request that has begun to come may take, once the server stops. */
const headWithinMs = 2_000;

export class Connections {
  /** Requests under way on each. */
  readonly #open = new Map<Socket, number>();
  #closing = false;

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#open.set(socket, 0);
      socket.once('close', () => this.#open.delete(socket));
      // It was waiting to be accepted when the server stopped.
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

  /** Once the server takes no new ones: at once those on which nothing has come, soon those on which no whole head has. */
  closeUnused(): void {
    this.#closing = true;
    for (const [socket, underWay] of this.#open) if (underWay === 0 && socket.bytesRead === 0) socket.destroy();
    setTimeout(() => {
      for (const [socket, underWay] of this.#open) if (underWay === 0) socket.destroy();
    }, headWithinMs).unref();
  }
}
