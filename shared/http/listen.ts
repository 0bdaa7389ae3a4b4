/** Listens on a port; rejects with a sentence if it is taken or not permitted. */
import type { Server } from 'node:http';

/** Its message is shown to the user as is. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Returns the actual port, for port 0. */
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
