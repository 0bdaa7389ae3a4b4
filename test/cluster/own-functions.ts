/**
 * Functions of users on a cluster, as the template's README describes: `knspan extension yaml`, then `kubectl apply`. Their code is mounted
 * from a ConfigMap into the image of this tree, so that no other image is needed.
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { parseAllDocuments } from 'yaml';
import { bundleOptions } from '../../shared/build/bundle-options.ts';
import { top } from './image.ts';
import { home, theImage } from './installation.ts';
import { apply, kubectl, tryKubectl } from './kubectl.ts';

const bin = fileURLToPath(new URL('../../shared/cli/bin.js', import.meta.url));
const folder = join(top, '.tmp/e2e-functions');
const place = '/function';
const code = 'e2e-functions';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Service extends Manifest {
  readonly spec: { readonly template: { readonly spec: { containers: object[]; volumes?: object[] } } };
}

export class OwnFunctions {
  readonly #names: readonly string[];
  readonly #services: Manifest[] = [];
  readonly #triggers: Manifest[] = [];

  constructor(names: readonly string[]) {
    this.#names = names;
    const { repository, tag } = theImage();
    for (const name of names) {
      const args = [bin, 'extension', 'yaml', this.#source(name), '--image', `${repository}:${tag}`];
      const text = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
      for (const document of parseAllDocuments(text)) {
        const manifest: Manifest = document.toJS();
        if (manifest.kind === 'Trigger') this.#triggers.push(manifest);
        else this.#services.push(manifest.kind === 'Service' ? withCode(manifest as Service) : manifest);
      }
    }
  }

  #source(name: string): string {
    return join(top, 'test/cluster/functions', `${name}.ts`);
  }

  /** They are there, and nothing comes to them. */
  async deploy(): Promise<void> {
    rmSync(folder, { recursive: true, force: true });
    // A ConfigMap holds 1 MiB: as small as in the image.
    await build({
      ...bundleOptions,
      absWorkingDir: top,
      entryPoints: this.#names.map((name) => this.#source(name)),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      splitting: true,
      format: 'esm',
      banner: { js: "const require = process.getBuiltinModule('module').createRequire(import.meta.url);" },
    });
    tryKubectl('-n', home, 'delete', 'configmap', code, '--ignore-not-found');
    kubectl('-n', home, 'create', 'configmap', code, `--from-file=${folder}`);
    apply({ apiVersion: 'v1', kind: 'List', items: this.#services });
  }

  add(): void {
    apply({ apiVersion: 'v1', kind: 'List', items: this.#triggers });
  }

  isAdded(): boolean {
    const ready = kubectl('-n', home, 'get', ...this.#named(this.#triggers), '-o', 'jsonpath={..conditions[?(@.type=="Ready")].status}');
    return ready.split(' ').every((status) => status === 'True');
  }

  isDeployed(): boolean {
    const services = this.#names.map((name) => `ksvc/${name}`);
    const ready = kubectl('-n', home, 'get', ...services, '-o', 'jsonpath={..conditions[?(@.type=="Ready")].status}');
    return ready.split(' ').every((status) => status === 'True');
  }

  remove(): void {
    kubectl('-n', home, 'delete', ...this.#named(this.#triggers), '--wait=false');
    for (const { kind, metadata } of this.#services)
      kubectl('-n', home, 'delete', kind === 'Service' ? 'ksvc' : kind, metadata.name, '--wait=false');
  }

  #named(manifests: readonly Manifest[]): string[] {
    return manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  }
}

function withCode(service: Service): Service {
  const { command } = theImage();
  const pod = service.spec.template.spec;
  const started = { args: ['extension', 'run', `${place}/${service.metadata.name}.mjs`], ...(command ? { command } : {}) };
  const mounted = { volumeMounts: [{ name: 'code', mountPath: place, readOnly: true }] };
  pod.containers = pod.containers.map((container) => ({ ...container, ...started, ...mounted }));
  pod.volumes = [{ name: 'code', configMap: { name: code } }];
  return service;
}
