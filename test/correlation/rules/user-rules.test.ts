/** Rules of users: parsing, and the message for each fault. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { builtInRules } from '../../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../../shared/correlation/rules/match.ts';
import { parseUserRules, ruleSchema, userRuleLimits } from '../../../shared/correlation/rules/user-rules.ts';
import { observation } from '../../helpers/observation.ts';

const file = 'rules.yaml';

/** The only fault's sentence behind its place, with the place checked. */
function onlyFault(text: string, line: number, column: number): string {
  const { faults } = parseUserRules(text, file);
  assert.equal(faults.length, 1, JSON.stringify(faults, null, 1));
  const place = `in ${file} line ${line}, column ${column}: `;
  const message = faults[0]?.message ?? '';
  assert.ok(message.includes(place), `'${message}' has not '${place}'`);
  assert.deepEqual([faults[0]?.file, faults[0]?.line, faults[0]?.column], [file, line, column]);
  return message.slice(message.indexOf(place) + place.length);
}

const restart = `rules:
  - id: my-operator.restart
    reporter: my-operator
    group: [example.com, '']
    kind: Database
    reason: [Restarting, Restarted]
    patterns:
      - '^Restarting pod (?<namespace>[^/ ]+)/(?<name>[^ ]+)'
    class: action
    verb: delete
    subject: {kind: Pod, namespace: $namespace}
    firstSign: true
    begins: delete
    home: related
    fails: true
    pair: restart
    phase: restart
    expectsEnd: true
    ends: false
    recurs: true
    probe: false
    waitsFor: node
    heals: true
    remark: false
    service: my-operator
`;

describe('parseUserRules() reads', () => {
  test('every key, a text where a list is expected', () => {
    const { rules, faults } = parseUserRules(restart, file);
    assert.deepEqual(faults, []);
    assert.deepEqual(rules, [
      {
        id: 'my-operator.restart',
        class: 'action',
        reporter: ['my-operator'],
        group: ['example.com', ''],
        kind: ['Database'],
        reason: ['Restarting', 'Restarted'],
        patterns: ['^Restarting pod (?<namespace>[^/ ]+)/(?<name>[^ ]+)'],
        verb: 'delete',
        subject: { kind: 'Pod', namespace: '$namespace' },
        pair: ['restart'],
        phase: 'restart',
        firstSign: true,
        begins: 'delete',
        expectsEnd: true,
        ends: false,
        home: 'related',
        fails: true,
        recurs: true,
        probe: false,
        waitsFor: 'node',
        heals: true,
        remark: false,
        service: 'my-operator',
      },
    ]);
  });

  test('rules that work beside the built-in ones', () => {
    const compiled = compileRules(builtInRules, parseUserRules(restart, file).rules);
    const involved = { apiVersion: 'example.com/v1', kind: 'Database' };
    const message = 'Restarting pod db/main-0';
    const { rule, subject } = meaningOf(compiled, observation({ reporter: 'my-operator', reason: 'Restarting', message, involved }));
    assert.deepEqual([rule, subject?.namespace, subject?.name], ['my-operator.restart', 'db', 'main-0']);
  });

  test('JSON, with tabs too', () => {
    const { rules, faults } = parseUserRules('{\n\t"rules": [\n\t\t{"id": "a", "class": "state", "reason": "R"}\n\t]\n}\n', 'rules.json');
    assert.deepEqual([rules, faults], [[{ id: 'a', class: 'state', reason: ['R'] }], []]);
  });

  test('the good rules beside the faults', () => {
    const { rules, faults } = parseUserRules(
      'rules:\n- {id: a, class: state, kind: Pod}\n- {id: b, class: none, kind: Pod}\n- {id: c, class: end, kind: Pod}\n',
      file,
    );
    assert.deepEqual(
      rules.map(({ id }) => id),
      ['a', 'c'],
    );
    assert.equal(faults.length, 1);
  });

  test('an empty list', () => {
    assert.deepEqual(parseUserRules('rules: []', file), { rules: [], faults: [] });
  });
});

describe('parseUserRules() names place, value and permitted values of', () => {
  test('a value out of a closed set', () => {
    const text = 'rules:\n  - id: x\n    kind: Pod\n    class: actoin\n';
    assert.equal(
      parseUserRules(text, file).faults[0]?.message,
      "Cannot use rule 'x' in rules.yaml line 4, column 12: class is 'actoin', permitted are start, action, state, failure, end, noise",
    );
    assert.equal(parseUserRules(text, file).faults[0]?.key, 'class');
  });

  test('verb, phase, home', () => {
    const { faults } = parseUserRules('rules: [{id: x, kind: Pod, class: action, verb: kill, phase: nap, home: here}]', file);
    assert.deepEqual(
      faults.map(({ key }) => key),
      ['verb', 'phase', 'home'],
    );
    assert.match(faults[0]?.message ?? '', /verb is 'kill', permitted are create, delete, scale-up, /u);
    assert.match(faults[2]?.message ?? '', /home is 'here', permitted are related, node, outage$/u);
  });

  test('a service without the reporters that have it', () => {
    const text = 'rules:\n- {id: x, class: state, kind: Pod, service: mine}';
    assert.equal(onlyFault(text, 2, 45), 'reporter is missing, a service needs the reporters whose spans it names');
  });

  test('an unknown key', () => {
    assert.match(
      onlyFault('rules:\n- {id: x, class: state, kinds: Pod, kind: Pod}', 2, 25),
      /^the key 'kinds' is unknown, permitted are id, class, reporter/u,
    );
  });

  test('an unknown key of a subject', () => {
    const text = "rules:\n- {id: x, class: state, patterns: '(?<name>a)', subject: {kind: Pod, group: apps}}";
    assert.equal(onlyFault(text, 2, 70), "the key 'subject.group' is unknown, permitted are kind, name, namespace, uid");
  });

  test('a key that comes twice', () => {
    assert.equal(onlyFault('rules:\n- {id: x, class: state, kind: Pod, kind: Node}', 2, 36), 'the key kind comes twice');
  });

  test('a key that is missing', () => {
    assert.equal(onlyFault('rules:\n- {class: state, kind: Pod}', 2, 3), 'id is missing');
    assert.match(parseUserRules('rules:\n- {class: state, kind: Pod}', file).faults[0]?.message ?? '', /^Cannot use rule 1 in /u);
  });

  test('wrong types', () => {
    const { faults } = parseUserRules(
      'rules:\n- {id: 7, class: [state], kind: {a: b}, reason: null, firstSign: "yes", subject: Pod, patterns: [x, 3]}',
      file,
    );
    assert.deepEqual(
      faults.map(({ message }) => message.slice(message.indexOf(': ') + 2)),
      [
        'id is 7 (a number), wanted a text',
        'class is a list, permitted are start, action, state, failure, end, noise',
        'kind is a map, wanted a text',
        'reason is empty, wanted a text',
        "firstSign is 'yes', permitted are true, false",
        "subject is 'Pod', wanted a map with the keys kind, name, namespace, uid",
        'patterns is 3 (a number), wanted a text',
      ],
    );
  });

  test('an alias', () => {
    assert.equal(onlyFault('rules:\n- {id: x, class: state, kind: &k Pod, reason: *k}', 2, 47), 'reason is an alias, wanted a text');
  });
});

describe('parseUserRules() says what is wrong with', () => {
  test('an id that is taken or malformed', () => {
    const rest = 'class: state, kind: Pod';
    assert.match(onlyFault(`rules: [{id: kubelet.pulled, ${rest}}]`, 1, 14), /^id is 'kubelet.pulled', which a built-in rule has/u);
    assert.match(onlyFault(`rules: [{id: generic.mine, ${rest}}]`, 1, 14), /reserved$/u);
    assert.match(onlyFault(`rules: [{id: a, ${rest}}, {id: a, ${rest}}]`, 1, 48), /which a rule above has/u);
    assert.match(onlyFault(`rules: [{id: My Rule, ${rest}}]`, 1, 14), /wanted small letters/u);
  });

  test('a pattern that is no regular expression', () => {
    assert.match(
      onlyFault("rules:\n- id: x\n  class: state\n  patterns:\n  - '^a'\n  - '(?<name'\n", 6, 5),
      /^the pattern '\(\?<name' is not a regular expression: /u,
    );
  });

  test('a pattern that may run away', () => {
    assert.match(
      onlyFault("rules:\n- {id: x, class: state, patterns: '(a+)+$'}", 2, 35),
      /^the pattern '\(a\+\)\+\$' may take too long: it repeats the group/u,
    );
  });

  test('a subject that no pattern can name', () => {
    const text = "rules:\n- {id: x, class: state, patterns: '^(?<pod>a)', subject: {kind: Pod}}";
    assert.equal(onlyFault(text, 2, 58), "subject.name is '$name', wanted a pattern with the group (?<name>..)");
    assert.match(onlyFault('rules:\n- {id: x, class: state, kind: A, subject: {kind: Pod}}', 2, 43), /^patterns is missing/u);
  });

  test('a rule that fits every Event', () => {
    assert.match(onlyFault('rules:\n- {id: x, class: noise}', 2, 3), /^it fits every Event, wanted at least one of reporter, /u);
  });

  test('a file of another shape', () => {
    assert.equal(onlyFault('', 1, 1), 'the file is missing, wanted a map with the key rules');
    assert.equal(onlyFault('- a', 1, 1), 'the file is a list, wanted a map with the key rules');
    assert.equal(onlyFault('rules: 3', 1, 8), 'rules is 3 (a number), wanted a list');
    assert.equal(onlyFault('rules: []\nrule: []', 2, 1), "the key 'rule' is unknown, permitted is rules");
    assert.match(onlyFault('rules: [3]', 1, 9), /^it is 3 \(a number\), wanted a map/u);
    assert.equal(onlyFault('rules: []\n---\nrules: []\n', 2, 1), 'it holds several documents, wanted one');
  });

  test('broken syntax, of which nothing is used', () => {
    const { rules, faults } = parseUserRules('rules:\n- {id: x, class: state, kind: Pod}\n- {id: y, class: [}\n', file);
    assert.deepEqual(rules, []);
    assert.equal(faults[0]?.line, 3);
  });
});

describe('parseUserRules() bounds', () => {
  const rule = 'class: state, kind: Pod';

  test('the size of the file', () => {
    const { faults } = parseUserRules(`# ${'x'.repeat(userRuleLimits.fileBytesMax)}\nrules: []`, file);
    assert.match(faults[0]?.message ?? '', /its size is 1048588 bytes, permitted are 1048576$/u);
  });

  test('the number of rules', () => {
    const many = Array.from({ length: userRuleLimits.rulesMax + 1 }, (_, i) => `{id: r${i}, ${rule}}`);
    assert.equal(parseUserRules(`rules: [${many.slice(1).join(', ')}]`, file).rules.length, userRuleLimits.rulesMax);
    assert.equal(onlyFault(`rules: [${many.join(', ')}]`, 1, 8), 'rules holds 1001 rules, permitted are 1000');
  });

  test('the number and the length of patterns', () => {
    const patterns = Array.from({ length: userRuleLimits.patternsMax + 1 }, () => 'a').join(', ');
    assert.equal(
      onlyFault(`rules: [{id: x, class: state, patterns: [${patterns}]}]`, 1, 41),
      'patterns holds 21 values, permitted are 1 to 20',
    );
    const long = 'a'.repeat(userRuleLimits.patternLengthMax + 1);
    assert.equal(onlyFault(`rules: [{id: x, class: state, patterns: ${long}}]`, 1, 41), 'patterns has 501 characters, permitted are 500');
  });

  test('the number of faults', () => {
    const keys = Array.from({ length: 2 * userRuleLimits.faultsMax }, (_, i) => `k${i}: 1`).join(', ');
    assert.equal(parseUserRules(`rules: [{id: x, ${rule}, ${keys}}]`, file).faults.length, userRuleLimits.faultsMax);
  });

  test('the depth of nesting', () => {
    const { rules, faults } = parseUserRules(`rules: ${'['.repeat(200_000)}`, file);
    assert.deepEqual(rules, []);
    assert.ok(faults.length > 0);
  });

  test('what text can do: nothing throws', () => {
    const word = fc.constantFrom(
      'rules:',
      '- ',
      '\n',
      '  ',
      'id: a',
      'class: state',
      'kind: Pod',
      '{',
      '}',
      '[',
      ']',
      '&a',
      '*a',
      '!!x',
      "'",
      '"',
      ': ',
      '# ',
      '---',
      '\t',
      '<<: ',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const { rules, faults } = parseUserRules(words.join(''), file);
        compileRules(builtInRules, rules);
        for (const { line, column } of faults) assert.ok(line >= 1 && column >= 1);
      }),
    );
  });
});

test('ruleSchema describes every key with help, and required ones first', () => {
  assert.deepEqual(
    ruleSchema.filter(({ required }) => required).map(({ key }) => key),
    ['id', 'class', 'subject.kind'],
  );
  assert.ok(ruleSchema.every(({ help }) => help.length > 10));
});
