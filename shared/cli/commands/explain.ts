/** `knspan explain`: why an event has its parent, and which candidates lost by which rule. */

import { clean } from '../output/terminal.ts';
import { Pipeline } from '../pipeline.ts';
import { loadOrList } from './find.ts';
import { rulesOf, type SharedOptions } from './replay.ts';

export async function explainCommand(uid: string, paths: string[], options: SharedOptions): Promise<void> {
  const rules = await rulesOf(options);
  if (!rules) return;
  const { observations, objects, cluster } = await loadOrList(paths, options);
  const pipeline = new Pipeline({ rules, objects, cluster, explains: true });
  for (const observation of observations) pipeline.push(observation);
  pipeline.finish();
  const found = pipeline.explain(uid);
  if (found.length === 0) {
    process.stderr.write(
      `Cannot explain event '${uid}': no such event in the input, wanted the metadata.uid of one of ${observations.length}\n`,
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
