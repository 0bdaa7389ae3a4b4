/** `knspan demo heartbeats`: Knative's demonstration in one process, wired by the same files as in a cluster. */
import { createLocalBroker } from '../../dev-broker/index.ts';
import { readWiring } from '../../dev-broker/read-wiring.ts';
import type { Wiring } from '../../dev-broker/wiring.ts';
import { systemClock } from '../../process/clock.ts';
import { Log } from '../../process/log.ts';
import { Metrics } from '../../process/metrics.ts';
import type { FunctionContext, Stoppable } from '../../process/run-function.ts';
import { type Environment, Settings } from '../../process/settings.ts';
import { Tracings } from '../../telemetry/open-tracing.ts';
import { overlayFolder } from './local-extensions.ts';
import type { GameFigures, GameOptions, LocalFunctions } from './local-run.ts';

const graceMs = 5_000;
const clock = systemClock();

export async function playHeartbeats(
  functions: LocalFunctions,
  { environment, beats, write, log: writeLog }: GameOptions,
): Promise<GameFigures> {
  const wiring = await readWiring(overlayFolder('demo'));
  const metrics = new Map<string, Metrics>();
  const surroundings = (name: string, more: Environment = {}): FunctionContext => {
    const own = new Metrics();
    metrics.set(name, own);
    const log = new Log({ function: name, level: 'warn', clock, write: writeLog });
    return { settings: new Settings({ ...more, ...environment, PORT: '0', KNSPAN_HEARTBEATS: String(beats) }), log, metrics: own, clock };
  };
  const urls = new Map<string, string>();
  const { log, metrics: brokerMetrics } = surroundings('broker');
  const urlOf = (service: string) => urls.get(service) ?? '';
  const broker = await createLocalBroker({ wiring, urlOf, log, metrics: brokerMetrics, clock, random: Math.random });
  const tracings = new Tracings();
  const running: Stoppable[] = [tracings];
  for (const { name, args, environment: own } of wiring.services) {
    const given = await tracings.into(name, surroundings(name, { ...own, K_SINK: broker.sinkOf(name) }));
    const started = await (args[0] === 'event-display'
      ? functions.startEventDisplay(given, write)
      : startSample(functions, args[0] ?? '', given, wiring));
    running.push(started);
    urls.set(name, started.url);
  }
  for (const { name, sink, environment: own } of wiring.containerSources) {
    if (sink.kind !== 'broker') continue;
    const source = await functions.startHeartbeats(
      await tracings.into(name, surroundings(name, { ...own, K_SINK: broker.urlOf(sink.name) })),
    );
    running.push(source);
    await source.done;
  }
  await broker.idle();
  const figures = { beats, flipped: await sidesOf(metrics, 'knspan_flips_total'), shown: await sidesOf(metrics, 'knspan_shown_total') };
  for (const one of running.reverse()) await one.close(graceMs);
  await broker.stop();
  return figures;
}

async function startSample({ samples }: LocalFunctions, name: string, surroundings: FunctionContext, wiring: Wiring) {
  const extension = await samples[name]?.();
  if (extension === undefined) throw new Error(`Cannot start ${name}: wanted a sample of knspan`);
  return extension.start(surroundings, { wiring });
}

/** Over all functions. */
async function sidesOf(metrics: ReadonlyMap<string, Metrics>, metric: string): Promise<Record<string, number>> {
  const sides: Record<string, number> = {};
  for (const one of metrics.values())
    for (const [, side = '', count] of (await one.text()).matchAll(new RegExp(`^${metric}\\{flip="(\\w+)"\\} (\\d+)$`, 'gm')))
      sides[side] = (sides[side] ?? 0) + Number(count);
  return sides;
}
