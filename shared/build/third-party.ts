/** The packages that esbuild has put into a bundle: their licences, which must be shipped with it, and a bill of materials. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { isJson, listField, textField } from '../events/json.ts';
import { packageFiles, top } from './bundle-options.ts';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Texts of its licence and notice files. */
  readonly texts: readonly string[];
}

const maxItems = 10_000;
const maxSbomBytes = 64 * 1024 * 1024;

/** Writes THIRD-PARTY-NOTICES.txt and sbom.json (CycloneDX) beside the bundle. */
export function writeThirdParty(folder: string, metafile: Metafile): void {
  const packages = packagesIn(metafile);
  writeFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), noticesOf(packages));
  writeFileSync(join(folder, 'sbom.json'), billOfMaterials(packages));
}

function packagesIn({ inputs }: Metafile): Package[] {
  const files = [...Object.keys(inputs), ...packageFiles.map((file) => `node_modules/${file}`)];
  const folders = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const path = join(top, folder);
    const manifest: unknown = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const texts = readdirSync(path)
      .filter((name) => /^(licen[cs]e|notice)/i.test(name))
      .map((name) => readFileSync(join(path, name), 'utf8').trim());
    return { name: textField(manifest, 'name'), version: textField(manifest, 'version'), license: textField(manifest, 'license'), texts };
  });
}

function noticesOf(packages: readonly Package[]): string {
  const notices = packages.map(({ name, version, license, texts }) => {
    const title = `${name} ${version} (${license})`;
    return [title, '-'.repeat(title.length), ...texts].join('\n\n');
  });
  return `The bundle contains these packages:\n\n${notices.join('\n\n\n')}\n`;
}

/** npm's list of everything in the lock file, which calls all of it development, cut down to the bundled packages. */
function billOfMaterials(packages: readonly Package[]): string {
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'];
  const text = execFileSync('npm', args, { cwd: top, encoding: 'utf8', maxBuffer: maxSbomBytes, stdio: ['ignore', 'pipe', 'pipe'] });
  const all: unknown = JSON.parse(text);
  if (!isJson(all)) throw new Error('Cannot write sbom.json: npm sbom has printed no object');
  const bundled = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const isBundled = (reference: unknown) => bundled.has(String(reference));
  const components = listField(all, 'components', maxItems).filter((one) => isBundled(textField(one, 'bom-ref')));
  const dependencies = listField(all, 'dependencies', maxItems)
    .filter((one) => isBundled(textField(one, 'ref')))
    .map((one) => ({ ref: textField(one, 'ref'), dependsOn: listField(one, 'dependsOn', maxItems).filter(isBundled) }));
  return JSON.stringify({
    ...all,
    components: components.map((one) => (isJson(one) ? { ...one, scope: 'required', properties: [] } : one)),
    dependencies,
  });
}
