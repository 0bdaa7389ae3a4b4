/** Knative's demonstration on the cluster: the overlay `demo` with a limited number of heartbeats. */
import { parseAllDocuments } from 'yaml';
import { writeOverlay } from './installation.ts';
import { apply, kubectl, names, tryKubectl, until } from './kubectl.ts';

const namespace = 'knspan-demo';
const readyWithin = '--timeout=180s';

export interface Shown {
  readonly id: string;
  readonly flip: string;
}

export class Demo {
  readonly #folder: string;

  constructor(beats: number) {
    const env = (name: string, value: string) => ({ op: 'add', path: '/spec/template/spec/containers/0/env/-', value: { name, value } });
    const stays = { op: 'replace', path: '/spec/template/metadata/annotations/autoscaling.knative.dev~1min-scale', value: '1' };
    this.#folder = writeOverlay('demo', [
      { target: { kind: 'ContainerSource' }, patch: [env('KNSPAN_HEARTBEATS', String(beats)), env('KNSPAN_HEARTBEAT_PERIOD', '200ms')] },
      // What it has shown is read from its log.
      { target: { kind: 'Service', name: 'event-display' }, patch: [stays] },
    ]);
  }

  /** All but the heart: what beats before there is a Trigger is heard by nobody. */
  install(): void {
    const rendered = parseAllDocuments(kubectl('kustomize', this.#folder)).map((document): { kind: string } => document.toJS());
    for (const one of rendered) if (one.kind !== 'ContainerSource') apply(one);
  }

  start(): void {
    for (const kind of ['broker', 'ksvc', 'trigger']) kubectl('-n', namespace, 'wait', kind, '--all', '--for=condition=Ready', readyWithin);
    kubectl('apply', '-k', this.#folder);
  }

  /** Events that event-display has shown, each once. */
  shown(): readonly Shown[] {
    const log = kubectl('-n', namespace, 'logs', '-l', 'serving.knative.dev/service=event-display', '-c', 'user-container', '--tail=-1');
    const found = new Map<string, Shown>();
    for (const [, id = '', flip = ''] of log.matchAll(/^dev\.knspan\.demo\.flip {2}\S+ {2}(\S+) .*\bflip=(\w+)/gm))
      found.set(id, { id, flip });
    return [...found.values()];
  }

  remove(): void {
    tryKubectl('delete', '-k', this.#folder, '--ignore-not-found', '--wait=false');
  }
}

/** Nothing is left of it. */
export const endOfDemo = (): Promise<true> =>
  until('the end of the demonstration', 300_000, () => (names('namespace').includes(namespace) ? undefined : true));
