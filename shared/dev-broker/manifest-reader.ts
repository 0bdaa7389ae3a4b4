/** YAML files as values that know their place: whatever is wrong with them is collected while they are read, so that all faults show at once. */
import { parseAllDocuments } from 'yaml';
import { isJson } from '../events/json.ts';
import { messageOf } from '../process/log.ts';

export interface Source {
  readonly file: string;
  readonly text: string;
}

/** `place` is for example `triggers.yaml, Trigger knspan/x, spec.filters[0].not`; the message says what was wanted and found there. */
export interface ManifestFault {
  readonly place: string;
  readonly message: string;
}

const shownMost = 100;
const charactersMost = 1024 * 1024;
const aliasesMost = 100;

/** A value somewhere in an object. A wrong one becomes a fault and reads as a default. */
export class Part {
  readonly value: unknown;
  /** The path within the object. */
  readonly path: string;
  readonly #object: string;
  readonly #faults: ManifestFault[];

  constructor(value: unknown, object: string, faults: ManifestFault[], path = '') {
    this.value = value;
    this.path = path;
    this.#object = object;
    this.#faults = faults;
  }

  get exists(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The same place with another value. */
  with(value: unknown): Part {
    return new Part(value, this.#object, this.#faults, this.path);
  }

  refuse(message: string): void {
    this.#faults.push({ place: this.path === '' ? this.#object : `${this.#object}, ${this.path}`, message });
  }

  wanted(what: string): void {
    this.refuse(this.exists ? `wanted ${what}, found ${shown(this.value)}` : `wanted ${what}, found nothing`);
  }

  get(name: string): Part {
    const value = isJson(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return this.#at(value, this.path === '' ? name : `${this.path}.${name}`);
  }

  /** A text, which may be empty only if a fallback is given. */
  text(fallback?: string): string {
    if (!this.exists && fallback !== undefined) return fallback;
    if (typeof this.value === 'string' && (this.value !== '' || fallback !== undefined)) return this.value;
    this.wanted('a text');
    return fallback ?? '';
  }

  whole(least: number, most: number, fallback: number): number {
    if (!this.exists) return fallback;
    if (typeof this.value === 'number' && Number.isInteger(this.value) && this.value >= least && this.value <= most) return this.value;
    this.wanted(`a whole number from ${least} to ${most}`);
    return fallback;
  }

  choice<T extends string>(values: readonly T[], fallback: T): T {
    if (!this.exists) return fallback;
    const found = values.find((value) => value === this.value);
    if (found === undefined) this.wanted(`one of ${values.join(', ')}`);
    return found ?? fallback;
  }

  /** The elements of a list; none when it is absent. */
  list(): Part[] {
    if (!this.exists) return [];
    if (Array.isArray(this.value)) return this.value.map((value, index) => this.#at(value, `${this.path}[${index}]`));
    this.wanted('a list');
    return [];
  }

  /** The entries of a map; none when it is absent. */
  entries(): [string, Part][] {
    if (!this.exists) return [];
    if (isJson(this.value)) return Object.keys(this.value).map((name) => [name, this.get(name)]);
    this.wanted('a map');
    return [];
  }

  /** Refuses unknown fields: a misspelt optional one would go unnoticed. */
  only(names: readonly string[]): void {
    for (const [name, part] of this.entries()) {
      if (!names.includes(name)) part.refuse(`wanted one of ${names.join(', ')}, found the unknown field '${name}'`);
    }
  }

  #at(value: unknown, path: string): Part {
    return new Part(value, this.#object, this.#faults, path);
  }
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > shownMost ? `${value.slice(0, shownMost)}…` : value}'`;
  return Array.isArray(value) ? 'a list' : isJson(value) ? 'a map' : String(value);
}

/** Each document of a file; empty ones are left out. */
export function parseDocuments(source: Source, faults: ManifestFault[]): Part[] {
  if (source.text.length > charactersMost) {
    faults.push({ place: source.file, message: `wanted at most ${charactersMost} characters, found ${source.text.length}` });
    return [];
  }
  const documents = parseAllDocuments(source.text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document, index) => {
    const place = documents.length === 1 ? source.file : `${source.file}, document ${index + 1}`;
    const [error] = document.errors;
    if (error !== undefined) {
      faults.push({ place, message: `wanted YAML, found: ${error.message.split('\n', 1).join('')}` });
      return [];
    }
    try {
      // Throws for aliases that multiply.
      const value: unknown = document.toJS({ maxAliasCount: aliasesMost });
      return value === null || value === undefined ? [] : [new Part(value, place, faults)];
    } catch (error) {
      faults.push({ place, message: messageOf(error) });
      return [];
    }
  });
}

/** The documents of a file as Kubernetes objects, which faults name by kind, namespace and name. */
export function parseObjects(source: Source, faults: ManifestFault[]): Part[] {
  return parseDocuments(source, faults).flatMap((document) => {
    const { value } = document;
    const kind = document.get('kind');
    if (isJson(value) && typeof kind.value === 'string' && kind.value !== '')
      return [new Part(value, `${source.file}, ${kind.value} ${nameOf(document)}`, faults)];
    document.refuse("wanted a Kubernetes object with a 'kind'");
    return [];
  });
}

/** `namespace/name`, or the name alone. */
export function nameOf(object: Part): string {
  const metadata = new Part(object.value, '', []).get('metadata');
  const namespace = metadata.get('namespace').text('');
  return `${namespace === '' ? '' : `${namespace}/`}${metadata.get('name').text('?')}`;
}
