/**
 * Runs each function of the bundle for one real request, so that V8's compiled code of all that a cold start runs is there when it ends
 * (NODE_COMPILE_CACHE). What would be around it in a cluster is stood in for: an image is built where there is no Redis and no backend.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { functionNames } from '../process/function-names.ts';
import { toSegmentEvents } from '../spans/segment-event.ts';
import type { Segment, Span } from '../spans/span.ts';

type Name = (typeof functionNames)[number];

/**
 * How a function is started; in `Containerfile` too, and compiled code counts only for the flags that it was made with. New objects get
 * 8 MiB from the beginning: the default begins with 1, and the collections while it grows take a tenth of a cold start. Nor does it
 * grow beyond: as far as the default goes it cost 60 MiB more after 10,000 events.
 */
export const nodeFlags = ['--min-semi-space-size=8', '--max-semi-space-size=8'] as const;

const triesMost = 200;
const at = '2026-01-01T00:00:00Z';
const about = { apiVersion: 'v1', kind: 'Pod', namespace: 'warm', name: 'web-1', uid: '22222222-0000-4000-8000-000000000002' };
const event = {
  ...{ apiVersion: 'v1', kind: 'Event', involvedObject: about, reason: 'Started', message: 'Started container app', type: 'Normal' },
  metadata: { name: 'web-1.1879d99da0d1cd15', namespace: 'warm', uid: '11111111-0000-4000-8000-000000000001', resourceVersion: '42' },
  ...{ source: { component: 'kubelet', host: 'node-1' }, count: 1, firstTimestamp: at, lastTimestamp: at },
};
const ids = { traceId: '0'.repeat(31).concat('1'), spanId: '0'.repeat(15).concat('1'), parentSpanId: '' };
const times = { start: 1_767_225_600_000_000, end: 1_767_225_601_000_000 };
const span: Span = {
  ...{ ...ids, ...times, name: 'warm', title: 'warm', attributes: { text: 'a', number: 1 } },
  status: 'unset',
  ...{ statusMessage: '', events: [], links: [], service: 'warm' },
};
const root = { namespace: 'warm', rootKind: 'Pod', rootName: 'web-1' };
const segment: Segment = { traceId: ids.traceId, cluster: 'warm', ...root, severity: 'ok', root: true, spans: [span] };

const bodies: Readonly<Record<Name, () => string>> = {
  correlator: () => cloudEvent('dev.knative.apiserver.resource.add', event),
  exporter: () => toSegmentEvents(segment, { source: '/warm' })[0]?.body ?? '',
  reconciler: () => cloudEvent('dev.knative.sources.ping', {}),
};

export async function warm(file: string, name: Name): Promise<void> {
  const [redis, backend, free] = await Promise.all([
    listening(createRedis()),
    listening(createHttp((request, response) => request.resume().on('end', () => response.end()))),
    listening(createServer()),
  ]);
  const port = portOf(free);
  free.close();
  const env = {
    PORT: String(port),
    REDIS_URL: `redis://127.0.0.1:${portOf(redis)}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${portOf(backend)}`,
    K_SINK: 'http://127.0.0.1:1',
    KNSPAN_CLUSTER: 'warm',
    KNSPAN_LOG_LEVEL: 'error',
    KUBECONFIG: '/nowhere',
  };
  const child = spawn(process.execPath, [...nodeFlags, file, name], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk;
    });
  const ended = once(child, 'exit');
  let status = 0;
  const headers = { 'content-type': 'application/cloudevents+json' };
  for (let tries = 0; tries < triesMost && child.exitCode === null && status === 0; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: bodies[name]() }).catch(() => undefined);
    status = answer?.status ?? 0;
    if (status === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGTERM');
  await ended;
  for (const server of [redis, backend]) server.close();
  // Without a cluster the reconciler can list nothing, and says so.
  if (child.exitCode !== 0 || (status !== 202 && name !== 'reconciler'))
    throw new Error(`Cannot bundle: ${name} answered ${status} and ended with ${child.exitCode}, wanted 202 and 0; it says\n${said}`);
}

function cloudEvent(type: string, data: object): string {
  return JSON.stringify({ specversion: '1.0', id: '1', source: '/warm', type, datacontenttype: 'application/json', data });
}

/** Says just enough for a store that is well and empty. */
function createRedis(): Server {
  const settings = { 'maxmemory-policy': 'noeviction', appendonly: 'yes', appendfsync: 'always', save: '' };
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
  const answers: Readonly<Record<string, (argument: string) => string>> = {
    info: () => bulk('redis_version:7.0.0\r\nloading:0\r\n'),
    config: (argument) => `*2\r\n${bulk(argument)}${bulk(Object.entries(settings).find(([name]) => name === argument)?.[1] ?? '')}`,
    time: () => `*2\r\n${bulk('1767225600')}${bulk('0')}`,
    eval: () => '*0\r\n',
    evalsha: () => '*0\r\n',
    zrange: () => '*0\r\n',
  };
  return createServer((socket) => {
    let rest = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (let taken = takeCommand(rest); taken !== undefined; taken = takeCommand(rest)) {
        rest = rest.slice(taken.length);
        const [command = '', , argument = ''] = taken.words;
        socket.write(answers[command.toLowerCase()]?.(argument) ?? '+OK\r\n');
      }
    });
  });
}

/** The first command, if it is there as a whole: how many words, then each with its length before it. */
function takeCommand(text: string): { words: string[]; length: number } | undefined {
  const count = /^\*(\d+)\r\n/.exec(text);
  let length = count?.[0].length ?? 0;
  const words: string[] = [];
  while (count !== null && words.length < Number(count[1])) {
    const head = /\$(\d+)\r\n/y;
    head.lastIndex = length;
    const size = Number(head.exec(text)?.[1] ?? Number.NaN);
    if (!(text.length >= head.lastIndex + size + 2)) return undefined;
    words.push(text.slice(head.lastIndex, head.lastIndex + size));
    length = head.lastIndex + size + 2;
  }
  return count === null ? undefined : { words, length };
}

async function listening<S extends Server>(server: S): Promise<S> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('Cannot bundle: a server has no port');
  return address.port;
}
