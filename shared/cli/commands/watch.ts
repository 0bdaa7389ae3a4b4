/** `knspan watch`: the traces of a live cluster, each once it has settled. */
import type { Observation } from '../../events/observation.ts';
import { counted } from '../../events/quantity.ts';
import { goDurationMicros } from '../../events/time.ts';
import { InputError } from '../input/input-error.ts';
import { follow } from '../live/cluster-source.ts';
import { createOutput } from '../output/output.ts';
import { Selection } from '../output/selection.ts';
import { Pipeline } from '../pipeline.ts';
import { type ClusterOptions, filterOf, pipelineOptionsOf, readRules, type ShowOptions, setExitCode } from './option-values.ts';

export interface WatchOptions extends ShowOptions, ClusterOptions {
  readonly for?: string;
}

/** What `watch` and `serve` say at their start. */
export const settlingSentence = 'a change is shown 10 to 60 s after its last Event, an incident after 10 minutes without further trouble';

const intervalMs = 1_000;
/** What happened shortly before the start is shown too. */
const lookBack = 10 * 60 * 1_000_000;

export async function watchCommand(options: WatchOptions): Promise<void> {
  const lasts = options.for === undefined ? null : goDurationMicros(options.for);
  if (options.for !== undefined && lasts === null)
    throw new InputError(`Cannot use --for: wanted a duration (30s, 5m), found '${options.for}'`);
  const rules = await readRules(options);
  if (!rules) return;
  const began = Date.now() * 1_000;
  const filter = filterOf({ ...options, since: options.since ?? '10m' }, began);
  const selection = new Selection(filter, options.orphans);
  const say = (sentence: string) => options.quiet || process.stderr.write(`${sentence}\n`);
  const output = await createOutput({ ...options, patient: true }, process.stdout, process.env);
  const early: Observation[] = [];
  let pipeline: Pipeline | null = null;
  const follower = await follow({
    kubeconfig: options.kubeconfig,
    context: options.context,
    namespace: options.namespace,
    since: filter.since ?? began - lookBack,
    onProblem: say,
    onEvent: (observation) => (pipeline ? pipeline.push(observation) : early.push(observation)),
  });
  pipeline = new Pipeline({
    rules,
    objects: follower.objects,
    ...pipelineOptionsOf({ ...options, cluster: options.cluster || follower.cluster }),
  });
  for (const observation of early) pipeline.push(observation);
  let isStopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      isStopped = true;
    });
  const known = `${counted(follower.objects.size, 'object')}, ${counted(early.length, 'recent event')}`;
  say(`Following the cluster: ${known}; ${settlingSentence}`);
  let undelivered = '';
  try {
    const until = lasts === null ? Number.POSITIVE_INFINITY : Date.now() + lasts / 1_000;
    const step = async () => {
      for (const segment of pipeline.advance(follower.knownUntil())) if (selection.takes(segment)) await output.write(segment);
      const sentence = await output.flush();
      if (sentence !== undelivered) say(sentence);
      undelivered = sentence;
    };
    while (!isStopped && Date.now() < until) {
      await step();
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
    await step();
    undelivered = await output.close();
  } finally {
    follower.stop();
    // Watches that are being closed must not keep the process alive.
    setTimeout(() => process.exit(), 500).unref();
  }
  say(`${selection.summary}; ${counted(pipeline.pending, 'occurrence')} not settled yet`);
  setExitCode(options, { isUndelivered: undelivered !== '', failed: selection.failed });
}
