/**
 * What runs in the thread that decides: it opens the store, the sink and the rules by the same settings as the thread that receives.
 */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { createSink, sinkOptionsOf } from '../../../shared/http/sink.ts';
import { functionContext } from '../../../shared/process/run-function.ts';
import { processEnvironment, Settings } from '../../../shared/process/settings.ts';
import { connectStore, readStoreSettings } from '../../../shared/store/open.ts';
import { StoreError } from '../../../shared/store/store.ts';
import { Tracings } from '../../../shared/telemetry/open-tracing.ts';
import type { DecideMeters } from '../metrics.ts';
import { rulesOf } from '../rules.ts';
import { readConfig } from '../settings.ts';
import { createDeciding } from './deciding.ts';
import type { ThreadOrder, ThreadReport } from './deciding-thread.ts';
import { sendsMost } from './outbox-publisher.ts';
import type { Owned, Owners } from './owner-lookup.ts';

export async function runDecidingThread(): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('Cannot decide: wanted to be a thread of a correlator, found a process');
  const settings = new Settings(processEnvironment());
  const tracings = new Tracings();
  const context = await tracings.into('correlator', functionContext('correlator', settings));
  const config = readConfig(settings);
  const sinkOptions = sinkOptionsOf(settings);
  const storeSettings = readStoreSettings(settings);
  settings.finish('correlator');
  const sink = createSink({ ...sinkOptions, connectionsMost: sendsMost(config.emitAtOnce) });
  const store = await connectStore(storeSettings, context.log);
  const owners = new ReceiverOwners(port);
  const meters = metersOver(port);
  const deciding = createDeciding(context, { store, sink, rules: await rulesOf(config), owners, config, meters, random: Math.random });
  deciding.start();
  const stop = async (graceMs: number): Promise<void> => {
    await deciding.stop(graceMs);
    await tracings.close();
    await store.close();
    sink.close();
    port.close();
  };
  const settle = () =>
    deciding.settle().then(
      () => true,
      () => false,
    );
  const sweep = (ms: number | null) => (ms === null ? settle() : deciding.sweepFor(ms));
  port.on('message', (order: ThreadOrder) => {
    if (order.kind === 'trigger') deciding.trigger();
    else if (order.kind === 'sweep') void sweep(order.ms).then((done) => report(port, { kind: 'swept', id: order.id, done }));
    else if (order.kind === 'learnt') owners.learnt(order.id, order.ok);
    else void stop(order.graceMs);
  });
}

function report(port: MessagePort, what: ThreadReport): void {
  port.postMessage(what);
}

/** Owners are learnt by the thread that receives, which has asked for most of them when their Events came. */
class ReceiverOwners implements Owners {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (ok: boolean) => void>();
  #asked = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  prefetch(): void {}

  async learn(owned: readonly Owned[]): Promise<void> {
    this.#asked += 1;
    const id = this.#asked;
    const ok = await new Promise<boolean>((resolve) => {
      this.#waiting.set(id, resolve);
      report(this.#port, { kind: 'learn', id, owned });
    });
    if (!ok) throw new StoreError('Cannot learn owners: the store does not answer');
  }

  learnt(id: number, ok: boolean): void {
    this.#waiting.get(id)?.(ok);
    this.#waiting.delete(id);
  }
}

function metersOver(port: MessagePort): DecideMeters {
  return {
    routed: (...of) => report(port, { kind: 'meter', name: 'routed', of }),
    decided: (...of) => report(port, { kind: 'meter', name: 'decided', of }),
    sent: (...of) => report(port, { kind: 'meter', name: 'sent', of }),
    swept: (...of) => report(port, { kind: 'meter', name: 'swept', of }),
    held: (...of) => report(port, { kind: 'meter', name: 'held', of }),
    asked: (...of) => report(port, { kind: 'meter', name: 'asked', of }),
    dropped: (...of) => report(port, { kind: 'meter', name: 'dropped', of }),
  };
}
