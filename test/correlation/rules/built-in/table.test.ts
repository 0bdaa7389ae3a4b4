/** Every built-in rule against the tables of this folder; no rule and no pattern may be missing there. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtInRules } from '../../../../shared/correlation/rules/built-in/index.ts';
import { compileRules, genericPrefix, meaningOf } from '../../../../shared/correlation/rules/match.ts';
import { patternDanger } from '../../../../shared/correlation/rules/safe-pattern.ts';
import { observation } from '../../../helpers/observation.ts';
import { readTables, textOf } from './rows.ts';

const rules = compileRules(builtInRules);
const tables = readTables();
const rows = [...tables.values()].flat();
/** Said by meaningOf itself, without a rule. */
const impliedIds = ['generic.state', 'generic.warning', 'generic.failure'];

for (const [name, table] of tables) {
  describe(`meaningOf() on ${name}`, () => {
    for (const { rule, observed, wanted, place } of table) {
      test(`gives ${rule} for ${observed.reason} '${observed.message.slice(0, 60).replace(/\n.*/su, '..')}'`, () => {
        assert.equal(textOf(meaningOf(rules, observed)), wanted, place);
      });
    }
  });
}

/** Groups that hold a name which somebody has chosen. */
const nameGroups = [
  'name',
  'namespace',
  'node',
  'container',
  'volume',
  'nodegroup',
  'pod',
  'set',
  'operator',
  'queue',
  'network',
  'interface',
];

/** Gives each name in the message another one, by the letters of which none has a meaning. */
function renamingOf(message: string, groups: Readonly<Record<string, string>>): (text: string) => string {
  const captured = nameGroups.flatMap((group) => groups[group] ?? []);
  const quoted = [...message.matchAll(/"([a-z0-9][-a-z0-9.]*)"(?!:)/gu)].map((match) => match[1] ?? '');
  const names = [...new Set([...captured, ...quoted])].filter((name) => /[a-z]/u.test(name)).sort((a, b) => b.length - a.length);
  if (names.length === 0) return (text) => text;
  const whole = new RegExp(
    `(?<![A-Za-z0-9-])(?:${names.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/gu, '\\$&')).join('|')})(?![A-Za-z0-9-])`,
    'gu',
  );
  return (text) =>
    text.replace(whole, (name) => name.replace(/[a-z]/gu, (letter) => String.fromCharCode(97 + ((letter.charCodeAt(0) - 97 + 7) % 26))));
}

describe('built-in rules', () => {
  test('each has a row for each of its patterns', () => {
    const hit = new Set(rows.map(({ rule, observed }) => `${rule} #${patternAt(rule, observed.message)}`));
    const all = builtInRules.flatMap(({ id, patterns }) => (patterns ?? ['']).map((_, i) => `${id} #${i}`));
    assert.deepEqual(
      all.filter((one) => !hit.has(one)),
      [],
    );
  });

  test('each row names a rule that exists', () => {
    const ids = new Set([...builtInRules.map(({ id }) => id), ...impliedIds]);
    assert.deepEqual(
      rows.filter(({ rule }) => !ids.has(rule)).map(({ place }) => place),
      [],
    );
  });

  test('each reason and kind of a rule that takes any message reaches it', () => {
    const lost: string[] = [];
    for (const rule of builtInRules) {
      if (rule.id.startsWith(genericPrefix) || (rule.patterns !== undefined && !rule.patterns.includes('^'))) continue;
      for (const reason of rule.reason ?? []) {
        for (const kind of rule.kind ?? ['Thing']) {
          const apiVersion = rule.group?.[0] ? `${rule.group[0]}/v1` : 'v1';
          const o = observation({
            reporter: rule.reporter?.[0]?.replace('*', 'x') ?? 'x',
            reason,
            message: 'any',
            involved: { apiVersion, kind },
          });
          if (meaningOf(rules, o).rule !== rule.id) lost.push(`${rule.id}: ${kind} ${reason} gives ${meaningOf(rules, o).rule}`);
        }
      }
    }
    assert.deepEqual(lost, []);
  });

  test('each row means the same without a reporter, as hand-made Events have it', () => {
    const changed = rows.filter(({ observed, wanted }) => textOf(meaningOf(rules, { ...observed, reporter: '' })) !== wanted);
    assert.deepEqual(
      changed.map(({ place }) => place),
      [],
    );
  });

  test('each row means the same with other names', () => {
    const renamed = rows.map((row) => ({ ...row, rename: renamingOf(row.observed.message, meaningOf(rules, row.observed).groups) }));
    assert.ok(renamed.filter(({ observed, rename }) => rename(observed.message) !== observed.message).length > 100);
    const changed = renamed.flatMap(({ observed, wanted, place, rename }) => {
      const got = textOf(meaningOf(rules, { ...observed, message: rename(observed.message) }));
      const [head = '', ...effect] = wanted.split('\n');
      return got === [head, ...effect.map(rename)].join('\n') ? [] : [`${place}: ${rename(observed.message)} gives ${got}`];
    });
    assert.deepEqual(changed, []);
  });

  test('each pattern passes the check that users must pass', () => {
    const refused = builtInRules.flatMap(({ id, patterns }) =>
      (patterns ?? []).filter((one) => patternDanger(one) !== '').map((one) => `${id}: ${one}`),
    );
    assert.deepEqual(refused, []);
  });
});

function patternAt(id: string, message: string): number {
  const patterns = builtInRules.find((rule) => rule.id === id)?.patterns;
  return patterns === undefined ? 0 : patterns.findIndex((source) => new RegExp(source, 'su').test(message));
}
