/** The rules that a correlator applies: the built-in ones and the user's own. */
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { type CompiledRules, compileRules } from '../../shared/correlation/rules/match.ts';
import { messageOf } from '../../shared/process/log.ts';
import { ConfigError } from '../../shared/process/settings.ts';
import type { CorrelatorConfig } from './settings.ts';

/** The reader of rules files is loaded only where there are any: it takes longer than all the rest of the start. */
export async function rulesOf({ rules: files }: Pick<CorrelatorConfig, 'rules'>): Promise<CompiledRules> {
  if (files.length === 0) return compileRules(builtInRules, [], 'tested');
  const { loadRules } = await import('../../shared/cli/input/load-input.ts');
  const loaded = await loadRules(files, false).catch((error: unknown) => {
    throw new ConfigError(
      `Cannot start correlator: KNSPAN_RULES is '${files.join(',')}': ${messageOf(error)}, wanted files that can be read`,
    );
  });
  if (loaded.ok) return loaded.rules;
  throw new ConfigError(loaded.faults.map((fault) => `Cannot start correlator: ${fault.message}`).join('\n'));
}
