/** Sending to a backend over HTTP: bounded size and number of requests, and a correct count of rejected spans. */
import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { InputError } from '../../../shared/cli/input/input-error.ts';
import { createSender, type Sender } from '../../../shared/cli/output/otlp-output.ts';
import { parseOtlpRequest } from '../../../shared/spans/parse-otlp.ts';
import type { Span } from '../../../shared/spans/span.ts';
import { segmentOf, spanOf } from '../../helpers/segment.ts';

type Answer = (response: ServerResponse) => void;
const taken: Answer = (response) => response.setHeader('content-type', 'application/json').end('{}');
const refused: Answer = (response) => response.writeHead(400).end('no');
const partly: Answer = (response) =>
  response
    .setHeader('content-type', 'application/json')
    .end(JSON.stringify({ partialSuccess: { rejectedSpans: '5', errorMessage: 'too "old"' } }));

const some = (count: number, fields: Partial<Span> = {}) =>
  segmentOf(Array.from({ length: count }, (_, index) => spanOf({ spanId: (index + 1).toString(16).padStart(16, '0'), ...fields })));

class Backend {
  readonly paths: string[] = [];
  /** Spans in each request. */
  readonly counts: number[] = [];
  readonly ids: string[] = [];
  open = 0;
  openMost = 0;
  readonly #server: Server;

  constructor(answer: Answer) {
    this.#server = createServer(async (request, response) => {
      this.open += 1;
      this.openMost = Math.max(this.openMost, this.open);
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const parsed = parseOtlpRequest(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      assert.ok(parsed.ok);
      this.paths.push(request.url ?? '');
      this.counts.push(parsed.data.spans.length);
      this.ids.push(...parsed.data.spans.map((span) => span.spanId));
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.open -= 1;
      answer(response);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function withBackend(answer: Answer, act: (backend: Backend, url: string) => Promise<void>): Promise<void> {
  const backend = new Backend(answer);
  const url = await backend.start();
  try {
    await act(backend, url);
  } finally {
    await backend.stop();
  }
}

async function sent(url: string, count: number, patient = false): Promise<Awaited<ReturnType<Sender['close']>>> {
  const sender = await createSender({ url, patient });
  await sender.send(some(count));
  return sender.close();
}

describe('createSender', () => {
  test('a trace of 5,000 spans goes out whole, in requests of at most 512, at most 4 at a time', () =>
    withBackend(taken, async (backend, url) => {
      assert.deepEqual(await sent(url, 5_000), { lost: 0, reason: '' });
      assert.deepEqual(
        backend.counts.toSorted((a, b) => b - a),
        [...Array(9).fill(512), 392],
      );
      assert.equal(new Set(backend.ids).size, 5_000);
      assert.ok(backend.openMost <= 4, `${backend.openMost} at a time`);
    }));

  test('long texts make smaller requests', () =>
    withBackend(taken, async (backend, url) => {
      const sender = await createSender({ url });
      await sender.send(some(10, { attributes: { 'k8s.event.message': 'x'.repeat(400_000) } }));
      await sender.close();
      assert.deepEqual(backend.counts.toSorted(), [1, 3, 3, 3]);
    }));

  test('flush sends a single span at once', () =>
    withBackend(taken, async (backend, url) => {
      const sender = await createSender({ url });
      await sender.send(some(1));
      assert.deepEqual(backend.counts, []);
      assert.deepEqual(await sender.flush(), { lost: 0, reason: '' });
      assert.deepEqual(backend.counts, [1]);
      await sender.close();
    }));

  test('what a backend refuses is counted with its reason', () =>
    withBackend(refused, async (_, url) =>
      assert.deepEqual(await sent(url, 600), { lost: 600, reason: 'the backend answered 400 Bad Request: no' }),
    ));

  test('what a backend takes only in part is counted', () =>
    withBackend(partly, async (_, url) => assert.deepEqual(await sent(url, 100), { lost: 5, reason: 'too "old"' })));

  test('gives up a backend that refuses everything, unless it is to be patient', () =>
    withBackend(refused, async (backend, url) => {
      const spans = 512 * 30;
      assert.equal((await sent(url, spans)).lost, spans);
      assert.ok(backend.counts.length < 15, `${backend.counts.length} requests`);
      backend.counts.length = 0;
      assert.equal((await sent(url, spans, true)).lost, spans);
      assert.equal(backend.counts.length, 30);
    }));

  test('takes the base of a collector or the full path', () =>
    withBackend(taken, async (backend, url) => {
      for (const path of ['', '/', '/v1/traces', '/v1/traces/', '/otlp', '/otlp/']) await sent(url + path, 1);
      assert.deepEqual(backend.paths, ['/v1/traces', '/v1/traces', '/v1/traces', '/v1/traces/', '/otlp/v1/traces', '/otlp/v1/traces']);
    }));

  for (const url of ['', 'localhost:4318', '::', 'ftp://x', 'nonsense']) {
    test(`refuses the URL '${url}'`, async () => {
      await assert.rejects(createSender({ url }), (error) => error instanceof InputError && error.message.includes(`'${url}'`));
    });
  }
});
