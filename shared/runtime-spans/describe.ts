/** Titles of runtime spans: what a person reads in a tree. */
import type { Attributes } from '../spans/span.ts';
import { runtimeCallOf } from './classify.ts';
import type { RuntimeSpan } from './runtime-span.ts';
import type { RequestUnit, Unit } from './units.ts';

const titleMost = 200;
const digestShown = 'sha256:'.length + 8;

/** `unit`: what the span is the head of; null for what hangs below one. */
export function describe(span: RuntimeSpan, attributes: Attributes, unit: Unit | null): string {
  const text = (...keys: readonly string[]) => String(keys.map((key) => attributes[key]).find((value) => value !== undefined) ?? '');
  return (unit === null ? titleOf(span, text) : unitTitle(span, text, unit)).slice(0, titleMost);
}

type Text = (...keys: readonly string[]) => string;

function unitTitle(span: RuntimeSpan, text: Text, unit: Unit): string {
  if (unit.kind === 'request') return requestTitle(unit);
  if (unit.kind === 'run') return `container ${unit.container} ran`;
  if (unit.kind === 'sync') return span.name === 'syncPod' ? `syncPod (${unit.pass})` : span.name;
  return callTitle(unit.method, unit.container, text);
}

function requestTitle({ verb, resource, subresource, name, client }: RequestUnit): string {
  const by = client === '' ? '' : ` by ${client}`;
  if (resource === 'events') return `record Event${by}`;
  return `API ${verb} ${resource}/${name}${subresource === '' ? '' : ` ${subresource}`}${by}`;
}

function callTitle(method: string, container: string, text: Text): string {
  return [method, text('image.ref') || container || (text('container.name').split('_')[0] ?? '')].filter((part) => part !== '').join(' ');
}

function titleOf(span: RuntimeSpan, text: Text): string {
  const call = runtimeCallOf(span);
  if (call !== '') return callTitle(call, '', text);
  if (text('webhook') !== '') return `${span.name} ${text('webhook')}`;
  const url = text('http.url', 'url.full');
  if (url !== '')
    return `${text('http.method', 'http.request.method')} ${shortUrl(url)}${sizeText(text('http.response_content_length', 'http.response.body.size'))}`;
  const digest = text('layer.media.digest', 'descriptor.digest');
  const name = span.name.replace(/^pkg\.unpack\.unpacker\.|^containerd\.task\.v\d\./, '').replace(/^etcdserverpb\.\w+\//, 'etcd ');
  return digest === '' ? name : `${name} ${digest.slice(0, digestShown)}${sizeText(text('layer.media.size'))}`;
}

/** Registries are asked by digest. */
function shortUrl(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/(sha256:[0-9a-f]{8})[0-9a-f]+/, '$1');
}

function sizeText(bytes: string): string {
  const count = Number(bytes);
  return count >= 100_000 ? ` (${(count / 1e6).toFixed(1)} MB)` : '';
}
