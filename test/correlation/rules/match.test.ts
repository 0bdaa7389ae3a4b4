/** The rule of an Event: by reporter, group, kind, reason and message. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtInRules } from '../../../shared/correlation/rules/built-in/index.ts';
import {
  compileRules,
  groupNamesOf,
  meaningOf,
  messageLengthMax,
  patternFault,
  RuleError,
} from '../../../shared/correlation/rules/match.ts';
import type { Rule } from '../../../shared/correlation/rules/rule.ts';
import { referencesOf } from '../../../shared/correlation/rules/subject.ts';
import { type ObservationFields, observation } from '../../helpers/observation.ts';

function ruleFor(rules: readonly Rule[], fields: ObservationFields, extra: readonly Rule[] = []): string {
  return meaningOf(compileRules(rules, extra), observation(fields)).rule;
}

function subjectFor(rule: Partial<Rule>, message: string, involved: ObservationFields['involved'] = {}): unknown {
  const compiled = compileRules([{ id: 'a', class: 'action', ...rule }]);
  return meaningOf(compiled, observation({ message, involved: { kind: 'Thing', ...involved } })).subject;
}

const state = { class: 'state' } as const;

describe('meaningOf() chooses the rule', () => {
  test('by reporter, whole or by its beginning', () => {
    const rules: readonly Rule[] = [
      { ...state, id: 'whole', reporter: ['kubelet'], reason: ['R'] },
      { ...state, id: 'begin', reporter: ['cert-manager-*'], reason: ['R'] },
    ];
    assert.equal(ruleFor(rules, { reporter: 'kubelet', reason: 'R' }), 'whole');
    assert.equal(ruleFor(rules, { reporter: 'kubelet-2', reason: 'R' }), 'generic.state');
    assert.equal(ruleFor(rules, { reporter: 'cert-manager-orders', reason: 'R' }), 'begin');
  });

  test('by reporter only where the Event has one', () => {
    assert.equal(ruleFor([{ ...state, id: 'a', reporter: ['kubelet'], reason: ['R'] }], { reason: 'R' }), 'a');
  });

  test('by group, which the API version tells where there is one', () => {
    const rules: readonly Rule[] = [
      { ...state, id: 'core', group: [''], reason: ['R'] },
      { ...state, id: 'apps', group: ['apps'], reason: ['R'] },
    ];
    assert.equal(ruleFor(rules, { reason: 'R', involved: { apiVersion: 'v1' } }), 'core');
    assert.equal(ruleFor(rules, { reason: 'R', involved: { apiVersion: 'apps/v1' } }), 'apps');
    assert.equal(ruleFor(rules, { reason: 'R', involved: { apiVersion: 'batch/v1' } }), 'generic.state');
    assert.equal(ruleFor(rules.slice(1), { reason: 'R', involved: { apiVersion: '' } }), 'apps');
  });

  test('by kind, also where the Event has none', () => {
    const rules: readonly Rule[] = [{ ...state, id: 'a', kind: ['Pod', 'Node'], reason: ['R'] }];
    assert.equal(ruleFor(rules, { reason: 'R', involved: { kind: 'Node' } }), 'a');
    assert.equal(ruleFor(rules, { reason: 'R', involved: { kind: '' } }), 'generic.state');
  });

  test('by message, the first pattern that matches', () => {
    const rules: readonly Rule[] = [{ ...state, id: 'a', reason: ['R'], patterns: ['^in (?<duration>\\S+)', '^in'] }];
    const compiled = compileRules(rules);
    assert.deepEqual(meaningOf(compiled, observation({ reason: 'R', message: 'in 4s' })).groups, { duration: '4s' });
    assert.deepEqual(meaningOf(compiled, observation({ reason: 'R', message: 'in' })).groups, {});
    assert.equal(meaningOf(compiled, observation({ reason: 'R', message: 'out' })).rule, 'generic.state');
  });

  test('in their order, those without a reason among them', () => {
    const rules: readonly Rule[] = [
      { ...state, id: 'first', reason: ['R'], patterns: ['^x'] },
      { ...state, id: 'any', kind: ['Pod'] },
      { ...state, id: 'last', reason: ['R'] },
    ];
    assert.equal(ruleFor(rules, { reason: 'R', message: 'x', involved: { kind: 'Pod' } }), 'first');
    assert.equal(ruleFor(rules, { reason: 'R', message: 'y', involved: { kind: 'Pod' } }), 'any');
    assert.equal(ruleFor(rules, { reason: 'other', involved: { kind: 'Pod' } }), 'any');
    assert.equal(ruleFor(rules, { reason: 'R', involved: { kind: 'Node' } }), 'last');
  });

  test("users' rules before built-in ones", () => {
    const fields = { reporter: 'kubelet', reason: 'Pulling', message: 'Pulling image "web:1"', involved: { kind: 'Pod' } };
    assert.equal(ruleFor(builtInRules, fields), 'kubelet.pulling');
    assert.equal(ruleFor(builtInRules, fields, [{ ...state, id: 'mine', reason: ['Pulling'] }]), 'mine');
  });

  test('generic ones last, whatever their place', () => {
    const rules: readonly Rule[] = [
      { id: 'generic.create', class: 'action', patterns: ['^Created'] },
      { ...state, id: 'a', reason: ['R'] },
    ];
    assert.equal(ruleFor(rules, { reason: 'R', message: 'Created Pod x' }), 'a');
    assert.equal(ruleFor(rules, { reason: 'S', message: 'Created Pod x' }), 'generic.create');
  });
});

describe('meaningOf() on Events that no rule knows', () => {
  test('takes Warnings for failures', () => {
    assert.equal(ruleFor([], { type: 'Warning', reason: 'Odd' }), 'generic.warning');
  });

  test('takes reasons that speak of trouble for failures', () => {
    for (const reason of ['InstallFailed', 'ErrorSyncing', 'BackOff', 'NodeUnhealthy'])
      assert.equal(ruleFor([], { reason }), 'generic.failure');
  });

  test('takes all else for a state', () => {
    const meaning = meaningOf(compileRules([]), observation({ reason: 'Odd' }));
    assert.deepEqual(meaning, {
      rule: 'generic.state',
      class: 'state',
      verb: '',
      subject: null,
      others: [],
      pairs: [],
      phase: '',
      firstSign: false,
      begins: '',
      expectsEnd: false,
      ends: false,
      home: '',
      fails: false,
      recurs: false,
      probe: false,
      waitsFor: '',
      heals: false,
      remark: false,
      warns: false,
      service: 'other-controller',
      groups: {},
    });
  });
});

describe('meaningOf() names the service', () => {
  const own: Rule = { ...state, id: 'own', reporter: ['my-operator', 'my-*'], reason: ['R'], service: 'my-service' };
  const serviceFor = (fields: ObservationFields) => meaningOf(compileRules(builtInRules, [own]), observation(fields)).service;

  test('of known reporters and their parts', () => {
    assert.equal(serviceFor({ reporter: 'kubelet', reason: 'Pulling' }), 'kubelet');
    assert.equal(serviceFor({ reporter: 'cert-manager-orders', reason: 'Odd' }), 'cert-manager');
  });

  test('of the reporters that a rule names one for, also for Events of theirs that it does not fit', () => {
    assert.equal(serviceFor({ reporter: 'my-operator', reason: 'R' }), 'my-service');
    assert.equal(serviceFor({ reporter: 'my-operator', reason: 'Odd', message: 'Created Pod x' }), 'my-service');
    assert.equal(serviceFor({ reporter: 'my-sidecar', reason: 'Odd', type: 'Warning' }), 'my-service');
  });

  test('of no other reporter, so that the list of services stays short', () => {
    assert.equal(serviceFor({ reporter: 'their-operator', reason: 'R' }), 'other-controller');
    assert.equal(serviceFor({ reporter: 'kubelets', reason: 'R' }), 'other-controller');
  });
});

describe('meaningOf() reads the message', () => {
  test('across lines and beyond the first one', () => {
    const compiled = compileRules([{ ...state, id: 'a', patterns: ['^a.*z$'] }]);
    assert.equal(meaningOf(compiled, observation({ message: 'a\nz' })).rule, 'a');
  });

  test(`up to ${messageLengthMax} characters`, () => {
    const compiled = compileRules([{ ...state, id: 'a', patterns: ['end'] }]);
    const filler = 'x'.repeat(messageLengthMax - 3);
    assert.equal(meaningOf(compiled, observation({ message: `${filler}end` })).rule, 'a');
    assert.equal(meaningOf(compiled, observation({ message: `${filler}xend` })).rule, 'generic.state');
  });

  test('and leaves out groups that took no part', () => {
    const compiled = compileRules([{ ...state, id: 'a', patterns: ['^to (?<to>\\d+)(?: from (?<from>\\d+))?'] }]);
    assert.deepEqual(Object.keys(meaningOf(compiled, observation({ message: 'to 3' })).groups), ['to']);
  });
});

describe('meaningOf() names the subject', () => {
  test("by default in the involved object's namespace", () => {
    const rule = { patterns: ['^(?<name>\\S+)'], subject: { kind: 'Pod' } };
    assert.deepEqual(subjectFor(rule, 'web-1'), { kind: 'Pod', namespace: 'shop', name: 'web-1', uid: '' });
  });

  test('with namespace, kind and uid from the message', () => {
    const subject = { kind: '$kind', namespace: '$namespace', uid: '$uid' };
    const rule = { patterns: ['^(?<kind>\\S+) (?<namespace>\\S+) (?<name>\\S+) (?<uid>\\S+)$'], subject };
    assert.deepEqual(subjectFor(rule, 'Job tools x u-1'), { kind: 'Job', namespace: 'tools', name: 'x', uid: 'u-1' });
  });

  test('in no namespace where the template is empty', () => {
    const rule = { patterns: ['^(?<name>\\S+)'], subject: { kind: 'Node', namespace: '' } };
    assert.deepEqual(subjectFor(rule, 'n1'), { kind: 'Node', namespace: '', name: 'n1', uid: '' });
  });

  test("in the involved object's namespace where the message leaves it out", () => {
    const rule = { patterns: ['^(?:(?<namespace>[a-z]+)/)?(?<name>[a-z]+)$'], subject: { kind: 'Pod', namespace: '$namespace' } };
    assert.deepEqual(subjectFor(rule, 'web'), { kind: 'Pod', namespace: 'shop', name: 'web', uid: '' });
  });

  test('with literal text around groups', () => {
    const rule = { patterns: ['^(?<uid>\\S+)'], subject: { kind: 'PersistentVolume', name: 'pvc-$uid', namespace: '' } };
    assert.deepEqual(subjectFor(rule, 'u-1'), { kind: 'PersistentVolume', namespace: '', name: 'pvc-u-1', uid: '' });
  });

  test('with the kind as Kubernetes writes it', () => {
    const rule = { patterns: ['^(?<kind>\\S+) (?<name>\\S+)'], subject: { kind: '$kind' } };
    const kinds = ['pod', 'replicaset', 'pvc', 'StatefulSet', 'gateway'].map((word) => subjectFor(rule, `${word} x`));
    assert.deepEqual(
      kinds.map((one) => (typeof one === 'object' && one !== null && 'kind' in one ? one.kind : one)),
      ['Pod', 'ReplicaSet', 'PersistentVolumeClaim', 'StatefulSet', 'Gateway'],
    );
  });

  test('not where the pattern that matched has no name', () => {
    const rule = { patterns: ['^pod (?<name>\\S+)', '^'], subject: { kind: 'Pod' } };
    assert.equal(subjectFor(rule, 'nothing'), null);
  });

  test('not where it is the involved object itself', () => {
    const rule = { patterns: ['^(?<name>\\S+)'], subject: { kind: 'Pod' } };
    assert.equal(subjectFor(rule, 'web', { kind: 'Pod', name: 'web' }), null);
  });
});

describe('compileRules() refuses', () => {
  const bad: readonly [string, readonly Rule[], RegExp][] = [
    [
      'a pattern that is none',
      [{ ...state, id: 'a', patterns: ['('] }],
      /^RuleError: Cannot compile rule 'a': pattern '\(' is not a regular expression: /u,
    ],
    [
      'an id that comes twice',
      [
        { ...state, id: 'a' },
        { ...state, id: 'a' },
      ],
      /another rule has this id/u,
    ],
    ['a subject without patterns', [{ ...state, id: 'a', subject: { kind: 'Pod' } }], /no patterns/u],
    [
      'a subject with a group that no pattern has',
      [{ ...state, id: 'a', patterns: ['^x'], subject: { kind: 'Pod' } }],
      /group 'name', which no pattern has/u,
    ],
  ];
  for (const [what, rules, message] of bad) {
    test(what, () => {
      assert.throws(() => compileRules(rules), message);
      assert.throws(() => compileRules([], rules), RuleError);
    });
  }
});

describe('patterns', () => {
  test('patternFault() says what is wrong', () => {
    assert.equal(patternFault('^a$'), '');
    assert.match(patternFault('a{2,1}'), /out of order/u);
  });

  test('groupNamesOf() finds named groups, not lookbehinds nor escaped ones', () => {
    assert.deepEqual(groupNamesOf('(?<name>a)(?<=b)\\(?<no>(?<to>c)|(?<to>d)'), ['name', 'to']);
  });

  test('referencesOf() finds groups in templates', () => {
    assert.deepEqual(referencesOf('pvc-$uid/$name'), ['uid', 'name']);
  });
});
