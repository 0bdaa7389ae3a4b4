/** The rules that a function applies: the built-in ones and those of KNSPAN_RULES. */
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { type CompiledRules, compileRules } from '../../shared/correlation/rules/match.ts';
import { messageOf } from '../../shared/process/log.ts';
import { ConfigError, type Settings } from '../../shared/process/settings.ts';

export function rulesFilesOf(settings: Settings): readonly string[] {
  return (settings.optionalText('KNSPAN_RULES', { what: 'additional rules files, separated by commas' }) ?? '')
    .split(',')
    .map((file) => file.trim())
    .filter((file) => file !== '');
}

/** The reader of rules files is loaded only where there are any: it takes longer than all the rest of the start. */
export async function rulesOf({ rules: files }: { readonly rules: readonly string[] }, name = 'correlator'): Promise<CompiledRules> {
  if (files.length === 0) return compileRules(builtInRules, [], 'tested');
  const { loadRules } = await import('../../shared/cli/input/load-input.ts');
  const loaded = await loadRules(files, false).catch((error: unknown) => {
    throw new ConfigError(`Cannot start ${name}: KNSPAN_RULES is '${files.join(',')}': ${messageOf(error)}, wanted files that can be read`);
  });
  if (loaded.ok) return loaded.rules;
  throw new ConfigError(loaded.faults.map((fault) => `Cannot start ${name}: ${fault.message}`).join('\n'));
}
