/** A server that listens; it rejects, with a sentence, when the port is taken or may not be had. */
import type { Server } from 'node:http';

/** One sentence for a person. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** The port that it has: 0 takes a free one. */
export async function listen(server: Server, port: number, host: string | undefined): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const refused = (error: Error) => reject(new ListenError(`Cannot listen on port ${port}: ${error.message}, wanted a free one`));
    server.once('error', refused);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', refused);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}
