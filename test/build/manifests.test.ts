/** `npm run manifests`: a release publishes the content of the folders with the release's image, readable by the local broker. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { manifestFolders, released, sampleManifests, top } from '../../shared/build/manifests.ts';
import { readObjects } from '../../shared/dev-broker/kustomize.ts';
import { parseWiring } from '../../shared/dev-broker/read-wiring.ts';

const image = 'registry.example:5000/someone/knspan:1.2.3';

describe('released', () => {
  for (const folder of manifestFolders)
    it(folder, async () => {
      const text = await released(folder, image);
      // As kubectl reads it.
      const objects: unknown[] = [...parseAllDocuments(text, { version: '1.1' })].map((document) => document.toJS());
      const sources = await readObjects([join(top, 'knative', folder)], []);
      const expected: unknown = JSON.parse(JSON.stringify(sources.map(({ value }) => value)).replaceAll('dev.local/knspan:dev', image));
      assert.deepEqual(objects, expected);
      assert.ok(parseWiring([{ file: 'knspan.yaml', text }]).services.length > 0);
    });

  it('takes a digest', async () => {
    assert.match(await released('base', 'a.example/b@sha256:0123'), /image: a\.example\/b@sha256:0123\n/);
  });
});

describe('sampleManifests', () => {
  for (const { file, text } of sampleManifests())
    it(`${file} is up to date (npm run manifests)`, () => assert.equal(readFileSync(join(top, file), 'utf8'), text));
});
