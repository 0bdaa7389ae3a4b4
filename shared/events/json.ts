/** Typed access to unknown JSON: own properties only, every type checked. */
export type Json = Readonly<Record<string, unknown>>;

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property, never an inherited one. */
export function field(value: unknown, name: string): unknown {
  return isJson(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function textField(value: unknown, name: string, most = 1_024): string {
  const found = field(value, name);
  return typeof found === 'string' ? found.slice(0, most) : '';
}

export function numberField(value: unknown, name: string): number | null {
  const found = field(value, name);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

/** The elements of a list, up to a maximum. */
export function listField(value: unknown, name: string, most: number): readonly unknown[] {
  const found = field(value, name);
  return Array.isArray(found) ? found.slice(0, most) : [];
}

/** The string entries of a map whose keys are listed. */
export function pickField(value: unknown, name: string, keys: readonly string[]): Record<string, string> {
  const found = field(value, name);
  const picked: Record<string, string> = {};
  for (const key of keys) {
    const text = textField(found, key);
    if (text !== '') picked[key] = text;
  }
  return picked;
}
