/** A capture moved in time: every time in it is shifted, including the one in an Event's name. */
import assert from 'node:assert/strict';
import { parseEvent } from '../../shared/events/parse-event.ts';
import type { Notice } from './notices.ts';

/** So that the last Event happened at `now`, to the second: Kubernetes cuts times to it. */
export function endingAt(notices: readonly Notice[], now: number): Notice[] {
  const last = Math.max(...notices.map(({ object }) => timeOf(object)));
  const seconds = Math.floor((now - last) / 1_000);
  return notices.map(({ type, at, object }) => ({ type, at: at + seconds * 1_000, object: shifted(object, seconds) }));
}

function timeOf(object: unknown): number {
  const event = parseEvent(object);
  return event.ok ? event.value.last.at / 1_000 : assert.fail(event.reason);
}

function shifted(object: unknown, seconds: number): unknown {
  const text = JSON.stringify(object)
    .replaceAll(/"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z"/g, (_, whole: string, fraction = '') => {
      const moved = new Date(Date.parse(`${whole}Z`) + seconds * 1_000).toISOString().slice(0, 19);
      return `"${moved}${fraction}Z"`;
    })
    .replaceAll(/\.([0-9a-f]{16})"/g, (_, nanos: string) => `.${(BigInt(`0x${nanos}`) + BigInt(seconds) * 1_000_000_000n).toString(16)}"`);
  const moved: unknown = JSON.parse(text);
  return moved;
}
