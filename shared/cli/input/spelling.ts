/**
 * Events and objects whose keys are spelled in another way: with capitals, as kubectl up to 1.13 dumped its internal types, or in
 * snake_case, as Python's `to_dict` gives them.
 */
import { field, isJson, type Json } from '../../events/json.ts';

/** Keys in here are names that people chose. */
const namesOfPeople: readonly string[] = [
  'labels',
  'annotations',
  'Labels',
  'Annotations',
  'match_labels',
  'matchLabels',
  'MatchLabels',
  'node_selector',
];
/** What the internal types hold beside their spec and not in `metadata`. */
const metadataKeys: readonly string[] = [
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'labels',
  'annotations',
  'ownerReferences',
];

/** The object with the spelling of the API; itself where it has it already. */
export function respell(value: Json): Json {
  const hasCapitals = ['InvolvedObject', 'Spec', 'Status', 'Reason'].some((key) => Object.hasOwn(value, key));
  const hasUnderscores =
    Object.hasOwn(value, 'involved_object') ||
    Object.hasOwn(value, 'api_version') ||
    field(field(value, 'metadata'), 'creation_timestamp') !== undefined;
  if (!hasCapitals && !hasUnderscores) return value;
  const respelled = withKeys(value, hasCapitals ? decapitalised : camelCased);
  if (!isJson(respelled) || isJson(field(respelled, 'metadata'))) return isJson(respelled) ? respelled : value;
  const metadata = Object.fromEntries(metadataKeys.flatMap((key) => (Object.hasOwn(respelled, key) ? [[key, respelled[key]]] : [])));
  return { ...respelled, metadata };
}

/** Without what is null, which is how these spellings write what is absent. */
function withKeys(value: unknown, spell: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => withKeys(one, spell));
  if (typeof value === 'string') return asTimestamp(value);
  if (!isJson(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (inner === null) return [];
      return [[spell(key), namesOfPeople.includes(key) ? inner : withKeys(inner, spell)]];
    }),
  );
}

/** `APIVersion` -> apiVersion, `UID` -> uid, `FirstTimestamp` -> firstTimestamp */
function decapitalised(key: string): string {
  return key.replace(/^[A-Z]+(?=[A-Z][a-z]|$)|^[A-Z]/, (capitals) => capitals.toLowerCase());
}

function camelCased(key: string): string {
  return key.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `2024-01-31 12:00:00.5+00:00`, as Python prints a datetime, and Go's `2024-01-31 12:00:00 +0000 UTC`; without a zone it is UTC. */
function asTimestamp(text: string): string {
  const [, date, time, sign, minutes] =
    /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?) ?(?:([+-]\d{2}):?(\d{2})(?: [A-Z]{3,4})?|Z)?$/.exec(text) ?? [];
  if (date === undefined) return text;
  return `${date}T${time}${sign === undefined ? 'Z' : `${sign}:${minutes}`}`;
}
