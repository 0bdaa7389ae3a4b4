/** Titles of runtime spans: what a person reads in a tree. */
import type { Attributes } from '../spans/span.ts';
import { runtimeCallOf } from './classify.ts';
import type { RuntimeSpan } from './runtime-span.ts';
import type { Unit } from './units.ts';

const titleMost = 200;

export function describe(span: RuntimeSpan, attributes: Attributes, unit: Unit | null): string {
  const text = (key: string) => String(attributes[key] ?? '');
  return titleOf(span, text, unit).slice(0, titleMost);
}

function titleOf(span: RuntimeSpan, text: (key: string) => string, unit: Unit | null): string {
  if (unit?.kind === 'request') {
    const subresource = unit.subresource === '' ? '' : `/${unit.subresource}`;
    return `${unit.verb} ${unit.resource}${subresource} ${unit.name}${unit.client === '' ? '' : ` by ${unit.client}`}`;
  }
  if (unit?.kind === 'sync') return unit.pass === 'terminating' || unit.pass === 'terminated' ? `${span.name}` : `syncPod (${unit.pass})`;
  if (unit?.kind === 'run') return `container ${unit.container} ran`;
  const call = runtimeCallOf(span);
  if (call !== '') return [call, text('image.ref') || text('container.name').split('_')[0]].filter(Boolean).join(' ');
  if (text('webhook') !== '') return `${span.name} ${text('webhook')}`;
  if (text('key') !== '') return `${span.name} ${text('key')}`;
  const url = text('http.url') || text('url.full');
  if (url !== '')
    return `${text('http.method') || text('http.request.method')} ${url} ${text('http.status_code') || text('http.response.status_code')}`.trim();
  const digest = text('layer.media.digest') || text('descriptor.digest');
  return digest === '' ? span.name : `${span.name} ${digest.slice(0, 19)}`;
}
