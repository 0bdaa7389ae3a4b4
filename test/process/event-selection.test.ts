/** The selection of Events: reconciler and Trigger of the correlator agree. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { passes, readFilter } from '../../shared/dev-broker/filters.ts';
import { type ManifestFault, Part } from '../../shared/dev-broker/manifest-reader.ts';
import { field, isJson, textField } from '../../shared/events/json.ts';
import { eventTypes, isSelected, selectionOf } from '../../shared/process/event-selection.ts';
import { Settings } from '../../shared/process/settings.ts';

function objectsIn(file: string): unknown[] {
  const text = readFileSync(new URL(`../../knative/base/${file}`, import.meta.url), 'utf8');
  return parseAllDocuments(text).map((document): unknown => document.toJS());
}

function configOf(data: unknown): Record<string, string> {
  return isJson(data) ? Object.fromEntries(Object.entries(data).map(([name, value]) => [name, String(value)])) : {};
}

describe('the selection of Events', () => {
  it('is the same for the reconciler as for the Trigger of the correlator', () => {
    const trigger = objectsIn('triggers.yaml').find((object) => textField(field(object, 'metadata'), 'name') === 'correlator-events');
    const config = objectsIn('config.yaml').find((object) => textField(object, 'kind') === 'ConfigMap');
    const settings = new Settings(configOf(field(config, 'data')));
    const selection = selectionOf(settings, '');
    settings.finish('test');
    const faults: ManifestFault[] = [];
    const filter = readFilter(new Part(field(trigger, 'spec'), 'spec', faults));
    assert.deepEqual(faults, []);
    let passed = 0;
    for (const namespace of ['knspan', 'shop', 'default', 'kube-system', 'knspan-2'])
      for (const type of [...eventTypes, 'dev.knative.apiserver.resource.delete', 'dev.knspan.event.missed', 'other'])
        for (const kind of ['Event', 'Pod']) {
          const wanted = isSelected(selection, namespace) && eventTypes.includes(type) && kind === 'Event';
          assert.equal(passes(filter, new Map([...Object.entries({ namespace, type, kind })])), wanted, `${namespace} ${type} ${kind}`);
          if (wanted) passed += 1;
        }
    assert.equal(passed, 8);
  });

  it('leaves out our own namespace unless it is told otherwise', () => {
    assert.deepEqual(selectionOf(new Settings({}), 'knspan').excluded, ['knspan']);
    assert.deepEqual(selectionOf(new Settings({ KNSPAN_EXCLUDE_NAMESPACES: 'a, b' }), 'knspan').excluded, ['a', 'b']);
    assert.deepEqual(selectionOf(new Settings({ KNSPAN_EXCLUDE_NAMESPACES: '-' }), 'knspan').excluded, []);
    assert.deepEqual(selectionOf(new Settings({}), '').excluded, []);
  });

  it('says what is wrong with a namespace', () => {
    const settings = new Settings({ KNSPAN_NAMESPACES: 'shop,../x' });
    selectionOf(settings, '');
    assert.throws(() => settings.finish('test'), /KNSPAN_NAMESPACES is 'shop,\.\.\/x', wanted names of namespaces, separated by commas/);
  });
});
