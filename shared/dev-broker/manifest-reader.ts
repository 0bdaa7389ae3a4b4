/** What is wrong with the objects that a broker is built from, collected with the place while they are read. */
import { isJson } from '../events/json.ts';

/** One fault: where (`triggers.yaml, Trigger knspan/x, spec.filters[0].not`), and what is there and what was wanted. */
export interface ManifestFault {
  readonly place: string;
  readonly message: string;
}

const shownMost = 100;

/** A value somewhere in an object. What is not as wanted becomes a fault and reads as a default, so that all faults are found at once. */
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

  /** A text, which may not be empty unless a fallback stands for it. */
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

  /** A slip in the name of an optional field would else go unnoticed. */
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
