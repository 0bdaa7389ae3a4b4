/** Load for `throughput.ts`, in a separate process: Events of rollouts, one per request, as from an ApiServerSource. */
import autocannon from 'autocannon';
import { rolloutEvents } from '../helpers/rollout.ts';
import { type Paced, paced } from './paced.ts';

export interface LoadOrder {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second, evenly; 0: as many as go. */
  readonly rate: number;
  /** Event time less the time of day, ms. */
  readonly offset: number;
  /** What the objects are called. */
  readonly round: string;
}

export interface LoadFigures extends Paced {
  readonly bytes: number;
}

const podsEach = 20;
const bytesEach = 1_200;

/** Events dated now, with what a real one carries besides brought to 1.2 kB. */
function* eventsOf(order: LoadOrder): Generator<string> {
  for (let rollout = 0; ; rollout += 1) {
    const at = (Date.now() + order.offset) * 1_000 - 2_000_000;
    const shape = { name: `app-${order.round}-${rollout}`, pods: podsEach, uid: `${order.round}-${rollout}`, at };
    for (const event of rolloutEvents(shape)) {
      const bare = JSON.stringify(event);
      yield `${bare.slice(0, -1)},"reportingInstance":"","filler":"${'x'.repeat(Math.max(0, bytesEach - bare.length - 36))}"}`;
    }
  }
}

async function run(order: LoadOrder): Promise<LoadFigures> {
  const events = eventsOf(order);
  let count = 0;
  let bytes = 0;
  const next = () => {
    const { value: body = '' } = events.next();
    count += 1;
    bytes = body.length;
    const headers = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': `${order.round}-${count}`,
      'ce-source': 'https://10.96.0.1:443',
      'ce-type': 'dev.knative.apiserver.resource.add',
      'ce-kind': 'Event',
      'ce-time': new Date().toISOString(),
      'ce-subject': '/apis/v1/namespaces/shop/events/one',
    };
    return { headers, body };
  };
  if (order.rate > 0) return { ...(await paced({ ...order, next })), bytes };
  const { latency, requests, ...result } = await autocannon({
    url: order.url,
    connections: order.connections,
    duration: order.seconds,
    requests: [{ method: 'POST', path: '/', setupRequest: (request) => ({ ...request, ...next() }) }],
  });
  const failed = result.non2xx + result.errors;
  return { perSecond: requests.average, p50: latency.p50, p99: latency.p99, taken: result['2xx'], failed, bytes };
}

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (figures) => process.send?.(figures),
    (error: unknown) => {
      throw error;
    },
  );
});
