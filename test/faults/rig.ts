/** The functions as processes over a real Redis before a real OTLP receiver, under the clock of what is replayed. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { deliveryQueueKeys, shardKeys } from '../../shared/store/keys.ts';
import { type RedisClient, whenReady } from '../../shared/store/redis/connect.ts';
import { RedisStore } from '../../shared/store/redis/store.ts';
import { defaultBounds, shardCount } from '../../shared/store/store.ts';
import { FunctionProcess } from '../helpers/function-process.ts';
import { tick } from '../helpers/notices.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { type RedisProcess, startRedis } from '../helpers/redis.ts';
import type { Happening } from '../sim/world.ts';
import { openClient } from '../store/contract/harness.ts';

const prefix = 'faults:';
const answersWithin = 5_000;
const reconnectsWithin = 20_000;

export class Rig {
  readonly redis: RedisProcess;
  readonly receiver: OtlpReceiver;
  readonly exporter: FunctionProcess;
  readonly correlators: readonly FunctionProcess[];
  readonly #client: RedisClient;
  readonly #store: RedisStore;
  /** Event time less the time of day, ms. */
  #offset: number;
  refused = 0;
  taken = 0;

  private constructor(parts: Pick<Rig, 'redis' | 'receiver' | 'exporter' | 'correlators'>, client: RedisClient, offset: number) {
    this.redis = parts.redis;
    this.receiver = parts.receiver;
    this.exporter = parts.exporter;
    this.correlators = parts.correlators;
    this.#client = client;
    this.#store = new RedisStore(client, prefix, defaultBounds);
    this.#offset = offset;
  }

  /** `at`: the event time of this moment, ms. */
  static async start(at: number, correlators: number): Promise<Rig> {
    const redis = await startRedis({ appendfsync: 'always' });
    const receiver = new OtlpReceiver();
    const endpoint = await receiver.start();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, KNSPAN_LOG_LEVEL: 'info' };
    const exporter = await FunctionProcess.create({ name: 'exporter', environment });
    const settings = {
      REDIS_URL: redis.url,
      KNSPAN_REDIS_PREFIX: prefix,
      K_SINK: exporter.url,
      KNSPAN_CLUSTER: 'test',
      KNSPAN_LOOKUPS: 'false',
    };
    const all: FunctionProcess[] = [];
    for (let count = 0; count < correlators; count += 1)
      all.push(await FunctionProcess.create({ name: 'correlator', environment: settings }));
    const rig = new Rig({ redis, receiver, exporter, correlators: all }, await openClient(redis.url), at - Date.now());
    await Promise.all([exporter.start(), ...all.map((one) => rig.startCorrelator(one))]);
    return rig;
  }

  /** Event time, ms. */
  now(): number {
    return Date.now() + this.#offset;
  }

  /** Correlators that start from now on are so much later. */
  skip(ms: number): void {
    this.#offset += ms;
  }

  startCorrelator(one: FunctionProcess): Promise<void> {
    return one.start({ KNSPAN_CLOCK_OFFSET: `${this.#offset}ms` });
  }

  /** Time passes: the correlators end and go on later, each with a sweep. */
  async pass(ms: number): Promise<void> {
    this.#offset += ms;
    await Promise.all(this.correlators.map((one) => one.end('SIGTERM')));
    await Promise.all(this.correlators.map((one) => this.startCorrelator(one)));
    await Promise.all(this.correlators.map((one) => tick(one.url)));
  }

  /** The status; 0 when there was no answer. */
  async post(to: FunctionProcess, { cluster, object }: Happening, id: string): Promise<number> {
    const headers = {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': id,
      'ce-source': 'https://10.96.0.1:443',
      'ce-type': 'dev.knative.apiserver.resource.update',
      'ce-kind': 'Event',
      'ce-cluster': cluster,
    };
    try {
      const response = await fetch(to.url, {
        method: 'POST',
        headers,
        body: JSON.stringify(object),
        signal: AbortSignal.timeout(answersWithin),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return 0;
    }
  }

  /** As a source does: again, to any of them, until it is taken. */
  async deliver(happening: Happening, random: () => number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const to = this.correlators[Math.floor(random() * this.correlators.length)];
      if (to && (await this.post(to, happening, `${happening.observation.uid}-${happening.observation.n}-${attempt}`)) === 202) break;
      this.refused += 1;
      await pause(20 + 80 * random());
    }
    this.taken += 1;
  }

  async figures(): ReturnType<RedisStore['sizes']> {
    await this.#connected();
    return this.#store.sizes();
  }

  /** After a kill of Redis the client needs a moment to find it again, and does not queue what it is asked meanwhile. */
  async #connected(): Promise<void> {
    assert.equal(await whenReady(this.#client, reconnectsWithin), '');
  }

  /** As if more time had passed for Redis than leases and pauses take: its own clock cannot be set. */
  async forgetLeases(): Promise<void> {
    await this.#connected();
    for (let shard = 0; shard < shardCount; shard += 1) {
      const keys = shardKeys(prefix, shard);
      const outbox = deliveryQueueKeys(prefix, { kind: 'outbox', shard });
      await this.#client.del(keys.inboxLease);
      for (const key of [keys.leases, outbox.due])
        for (const id of await this.#client.zrange(key, '0', '-1')) await this.#client.zadd(key, 'XX', 0, id);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.exporter, ...this.correlators].map((one) => one.end('SIGKILL')));
    this.#client.disconnect();
    await this.receiver.stop();
    await this.redis.stop();
  }
}
