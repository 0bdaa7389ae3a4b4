/** The core decides by the fields of a meaning, never by rule ids, so that any rule can say what a built-in one says. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { builtInRules } from '../../../shared/correlation/rules/built-in/index.ts';

const core = join(import.meta.dirname, '../../../shared/correlation');
const ids = new Set(builtInRules.map(({ id }) => id));
const families = new Set([...ids].map((id) => id.slice(0, id.indexOf('.') + 1)));

/** The lines of a source that name a rule's id, unless to say in `rule: ..` why something was decided, or that read the id of a meaning. */
function faultsIn(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const faults: string[] = [];
  const visit = (node: ts.Node) => {
    const named = ts.isStringLiteralLike(node) && (ids.has(node.text) || families.has(node.text)) && !isReason(node);
    const read = ts.isPropertyAccessExpression(node) && node.name.text === 'rule' && node.expression.getText().endsWith('meaning');
    const taken = ts.isBindingElement(node) && (node.propertyName ?? node.name).getText() === 'rule';
    if (named || taken || (read && !isAttribute(node)))
      faults.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${node.getText()}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

/** `{ rule: 'x' }` or `{ rule: some ? 'x' : 'y' }` */
function isReason(node: ts.Node): boolean {
  let parent = node.parent;
  while (ts.isConditionalExpression(parent) && parent.condition !== node) parent = parent.parent;
  return ts.isPropertyAssignment(parent) && parent.name.getText() === 'rule' && parent.initializer !== undefined;
}

/** `'knspan.event.rule': meaning.rule` */
function isAttribute(node: ts.Node): boolean {
  return ts.isPropertyAssignment(node.parent) && node.parent.name.getText() === "'knspan.event.rule'";
}

test('the core outside rules/ names no rule and reads no id of one', () => {
  const files = readdirSync(core, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('rules'),
  );
  assert.ok(files.length > 15);
  assert.deepEqual(
    files.flatMap((file) => faultsIn(file, readFileSync(join(core, file), 'utf8'))),
    [],
  );
});

test('the check finds comparisons, lists, prefixes and destructured ids', () => {
  for (const text of [
    "if (meaning.rule === 'node.cordon') stop();",
    "const listed = ['job.suspended'];",
    "one.meaning.rule.startsWith('kubelet.');",
    'const { rule } = one.routed.meaning;',
    'decide(meaning.rule);',
    "const rule = first ? 'node.cordon' : 'x';",
  ])
    assert.equal(faultsIn('x.ts', text).length > 0, true, text);
  for (const text of [
    "assign({ rule: 'hpa.rescale' });",
    "assign({ rule: up ? 'hpa.rescale' : 'x' });",
    "({ 'knspan.event.rule': meaning.rule });",
  ])
    assert.deepEqual(faultsIn('x.ts', text), [], text);
});
