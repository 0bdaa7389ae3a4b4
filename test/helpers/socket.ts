/** A bare connection, for input that an HTTP client would not send. */
import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends the pieces, and tells all that came back once the other side has closed. */
export async function rawRequest(url: string, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
  });
  // Who is cut off may learn it as a reset.
  socket.on('error', () => {});
  const closed = once(socket, 'close').catch(() => undefined);
  for (const piece of pieces) socket.write(piece);
  await closed;
  return answer;
}
