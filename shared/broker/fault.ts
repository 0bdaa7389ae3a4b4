/** What is wrong with the objects that a broker is built from, told with the place. */

/** One fault: where (`spec.filters[0].not`), and a whole sentence of what is there and what was wanted. */
export interface Fault {
  readonly place: string;
  readonly message: string;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
