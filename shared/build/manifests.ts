/**
 * `npm run manifests [-- --image REGISTRY/knspan:VERSION]`: writes `knspan.yaml` of the base and of each overlay to dist/manifests, for
 * `kubectl apply -f`. Before that it generates the manifests of the sample extensions, `knative/overlays/OVERLAY/SAMPLE.yaml`, from their
 * definitions in functions/samples.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { readObjects } from '../dev-broker/kustomize.ts';
import { withImages } from '../dev-broker/manifest-patches.ts';
import { type ManifestFault, parseDocuments } from '../dev-broker/manifest-reader.ts';

export const top = fileURLToPath(new URL('../../', import.meta.url));
export const overlaysFolder = join(top, 'knative/overlays');

export const overlays: readonly string[] = readdirSync(overlaysFolder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const developmentImage = 'dev.local/knspan:dev';

export interface Manifest {
  /** Relative to the top of the tree. */
  readonly file: string;
  readonly text: string;
}

/** The overlays that bring a sample extension, and which. */
const samples: Readonly<Record<string, string>> = { sampling: 'coinflip', redact: 'redact', 'owner-team': 'owner-team', alert: 'alert' };

export function sampleManifests(): Manifest[] {
  return Object.entries(samples).map(([overlay, name]) => ({
    file: `knative/overlays/${overlay}/${name}.yaml`,
    text: sampleManifest(name),
  }));
}

function sampleManifest(sample: string): string {
  const definition = `functions/samples/${sample}/index.ts`;
  const command = ['shared/cli/bin.js', 'extension', 'yaml', definition, '--image', developmentImage, '--args', sample];
  return `# Generated from ${definition} by \`npm run manifests\`.\n${execFileSync(process.execPath, command, { cwd: top, encoding: 'utf8' })}`;
}

/** A folder of knative/ as one file; throws for anything that `kubectl apply -k` or the local broker would read differently. */
export async function released(folder: string, image: string): Promise<string> {
  const faults: ManifestFault[] = [];
  const objects = await readObjects([join(top, 'knative', folder)], faults);
  const images = parseDocuments({ file: '--image', text: stringify([imageChange(image)]) }, faults);
  const renamed = images.reduce((result, change) => withImages(result, change), objects);
  if (faults.length > 0) throw new Error(faults.map(({ place, message }) => `Cannot use ${place}: ${message}`).join('\n'));
  // kubectl reads YAML 1.1, where an unquoted `on` is a boolean.
  const texts = renamed.map(({ value }) => stringify(value, { version: '1.1', aliasDuplicateObjects: false, lineWidth: 0 }));
  return `# knspan, knative/${folder}: kubectl apply -f knspan.yaml\n${texts.join('---\n')}`;
}

function imageChange(image: string): Record<string, string> {
  const [, newName = '', newTag, digest] = /^([^@]+?)(?::([^:/@]+))?(?:@(.+))?$/.exec(image) ?? [];
  return { name: 'dev.local/knspan', newName, ...(newTag ? { newTag } : {}), ...(digest ? { digest } : {}) };
}

/** Folders of `knative/` that a release publishes. */
export const manifestFolders: readonly string[] = ['base', ...overlays.map((name) => `overlays/${name}`)];

async function writeAll(image: string): Promise<void> {
  for (const { file, text } of sampleManifests()) writeFileSync(join(top, file), text);
  const out = join(top, 'dist/manifests');
  rmSync(out, { recursive: true, force: true });
  for (const folder of manifestFolders) {
    const place = join(out, folder.replace('overlays/', ''));
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'knspan.yaml'), await released(folder, image));
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { image: { type: 'string', default: developmentImage } } });
  await writeAll(values.image);
}
