/** What the readers of JSON, YAML and text let out, in the order of the input. */

export type Document =
  | { readonly type: 'value'; readonly value: unknown }
  /** An element of a list, whose kind may follow. */
  | { readonly type: 'item'; readonly value: unknown }
  /** `kind` is that of the list; empty where it has none. */
  | { readonly type: 'list-end'; readonly kind: string }
  /** A row of a table of Events, as an Event. */
  | { readonly type: 'row'; readonly value: unknown }
  /** Something that should have been a value. */
  | { readonly type: 'broken'; readonly reason: string; readonly looksLikeEvents: boolean }
  /** Neither JSON nor YAML nor a table. */
  | { readonly type: 'text'; readonly bytes: number; readonly looksLikeEvents: boolean };

/** Keys of an object whose lists are let out element by element. */
export const listKeys: readonly string[] = ['items', 'Items', 'events', 'Events'];

/** What the text of an Event contains as JSON or YAML, however its keys are spelled. */
const eventMarks: readonly string[] = ['"involvedObject', '"InvolvedObject', 'involvedObject:', 'involved_object', '"regarding'];

/** Whether it may be Events, whole or in part; also within a string. */
export function looksLikeEvents(text: string): boolean {
  return eventMarks.some((mark) => text.includes(mark));
}

/** Adds text behind text as one, so that little is left of much of it. */
export function pushText(out: Document[], bytes: number, isEvents: boolean): void {
  const last = out.at(-1);
  if (last?.type === 'text' && last.looksLikeEvents === isEvents) out[out.length - 1] = { ...last, bytes: last.bytes + bytes };
  else if (bytes > 0) out.push({ type: 'text', bytes, looksLikeEvents: isEvents });
}
