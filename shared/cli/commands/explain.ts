/** `knspan explain`: the place of an Event in its trace: its parent, the rule and the evidence, and which candidates lost. */
import { counted } from '../../events/quantity.ts';
import { clean } from '../output/terminal.ts';
import { Pipeline } from '../pipeline.ts';
import { loadOrList, type SourceOptions } from './find.ts';
import { readRules } from './option-values.ts';

export async function explainCommand(uid: string, paths: readonly string[], options: SourceOptions): Promise<void> {
  const rules = await readRules(options);
  if (!rules) return;
  const { observations, objects, cluster } = await loadOrList(paths, options);
  const pipeline = new Pipeline({ rules, objects, cluster, explains: true });
  for (const observation of observations) pipeline.push(observation);
  pipeline.finish();
  const found = pipeline.explain(uid);
  if (found.length === 0) {
    process.stderr.write(
      `Cannot explain Event '${uid}': not among the ${counted(observations.length, 'Event')} of the input, wanted a metadata.uid\n`,
    );
    process.exitCode = 2;
    return;
  }
  for (const one of found) {
    const lines = [
      `${one.occurrence}  ${one.what}`,
      `  parent    ${one.parent === '' || one.parent === 'root' ? 'the root of the change' : `${one.parent}  ${one.parentWhat}`}`,
      `  change    opened by ${one.change}${one.changeWhat === '' ? '' : `  ${one.changeWhat}`}`,
      `  rule      ${one.rule}`,
      `  evidence  ${one.evidence}`,
      ...one.considered.map(({ candidate, verdict }) => `  lost      ${candidate}: ${verdict}`),
    ];
    process.stdout.write(`${lines.map(clean).join('\n')}\n`);
  }
}
