/** An extension that fails, over the local broker with the files of knative/: the main path goes on, and what failed comes late, not never. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startExporter } from '../../functions/exporter/index.ts';
import { createLocalBroker, type LocalBroker } from '../../shared/dev-broker/index.ts';
import type { Source } from '../../shared/dev-broker/manifest-reader.ts';
import { readWiring } from '../../shared/dev-broker/read-wiring.ts';
import { defineFunction, type Handled, segmentType } from '../../shared/extension/index.ts';
import type { Stoppable } from '../../shared/process/run-function.ts';
import { bodyOf, runExtension } from '../helpers/extension.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { PacedClock } from '../helpers/paced-clock.ts';
import { World } from '../helpers/reconcilers.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';
import { until } from '../helpers/until.ts';

const folder = (name: string) => fileURLToPath(new URL(`../../knative/${name}/`, import.meta.url));
/** Beside the exporter, as `knspan extension yaml` deploys it: nothing waits for its replies. */
const tap: Source = { file: 'coinflip.yaml', text: readFileSync(join(folder('overlays/sampling'), 'coinflip.yaml'), 'utf8') };
const flipped = `${segmentType}.flipped`;
/** Its last digit is even: heads. */
const traceId = '0123456789abcdef0123456789abcde0';
const body = bodyOf(segmentOf([spanOf({ traceId })], { traceId }));

describe('a failing coinflip', () => {
  let backend: OtlpReceiver;
  let world: World;
  let broker: LocalBroker;
  let clock: PacedClock;
  let does: () => Handled | Promise<Handled>;
  const running: Stoppable[] = [];
  const urls = new Map<string, string>();

  beforeEach(async () => {
    world = await new World().start();
    backend = new OtlpReceiver();
    // What lasts as long as the Trigger's timeout is a limit.
    clock = new PacedClock(undefined, 5_000);
  });

  afterEach(async () => {
    for (const one of running.splice(0)) await one.close(0);
    await broker.stop();
    await world.stop();
    await backend.stop();
  });

  async function start(manifests: string | Source): Promise<void> {
    const { log, metrics } = surroundingsFor({});
    const wiring = await readWiring(folder('base'), manifests);
    broker = await createLocalBroker({
      wiring,
      urlOf: (name) => urls.get(name) ?? '',
      log,
      metrics,
      clock,
      random: () => 0.5,
      pings: false,
    });
    const coinflip = defineFunction({ name: 'coinflip', types: [segmentType], replies: [flipped], handle: () => does() });
    const K_SINK = broker.sinkOf('coinflip') ?? '';
    const extension = await runExtension(coinflip, { K_SINK });
    running.push({ close: () => extension[Symbol.asyncDispose]() });
    urls.set('coinflip', extension.url);
    const exporter = await startExporter(surroundingsFor({ OTEL_EXPORTER_OTLP_ENDPOINT: await backend.start() }));
    running.push(exporter);
    urls.set('exporter', exporter.url);
    const reconciler = await world.reconciler({ KNSPAN_SUBSCRIBERS: `coinflip=${extension.url},exporter=${exporter.url}` });
    urls.set('reconciler', reconciler.url);
  }

  async function send(): Promise<number> {
    const headers = { 'content-type': 'application/cloudevents+json' };
    return (await fetch(broker.urlOf('traces'), { method: 'POST', headers, body })).status;
  }

  const good = (): Handled => ({ type: flipped, extensions: { flip: 'heads' } });
  const bad = (): Handled => {
    throw new Error('broken');
  };

  it('with sampling: the segment goes to the dead letters, and reaches the backend once coinflip is well', async () => {
    does = bad;
    await start(folder('overlays/sampling'));
    // Put aside, so the correlator's outbox may forget it.
    assert.equal(await send(), 202);
    assert.deepEqual(clock.pauses, [200, 400]);
    assert.equal(backend.taken.length, 0);
    does = good;
    await until('the reconciler waits', () => world.clock.sleeping === 1);
    await world.clock.advance(10_000);
    await until('it has come late', () => backend.taken.length === 1);
    assert.deepEqual(backend.taken, [spanOf({ traceId })]);
    assert.deepEqual(await world.store.listParked(10), []);
  });

  it('as a tap, crashing: the backend has the segment all the same', async () => {
    does = bad;
    await start(tap);
    assert.equal(await send(), 202);
    assert.equal(backend.taken.length, 1);
  });

  it('as a tap, hanging: the backend has the segment before coinflip has answered, and the sender is let go in time', async () => {
    does = () => new Promise(() => {});
    await start(tap);
    const sent = send();
    await until('it has come', () => backend.taken.length === 1);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await until('it waits for coinflip alone', () => clock.limits === 1);
      clock.expire();
    }
    assert.equal(await sent, 202);
    assert.equal(backend.taken.length, 1);
  });
});
