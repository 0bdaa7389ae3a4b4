/**
 * LIKE as Knative's brokers match it: byte by byte, `%` any run, `_` any byte, case-sensitive. Two habits of theirs are kept, since a
 * filter must not decide here otherwise than there: a `%` takes a `%` of the text as that character first, and a backslash before
 * `%` or `_` may also stand for itself.
 */
const percent = 0x25;
const underscore = 0x5f;
const backslash = 0x5c;

export function like(text: string, pattern: string): boolean {
  return matches(Buffer.from(text), Buffer.from(pattern));
}

function matches(text: Buffer, pattern: Buffer): boolean {
  if (pattern.length === 0) return text.length === 0;
  let at = 0;
  let taken = 0;
  // Behind the last run: where in the pattern to go on, and up to where in the text the run reaches. Only the last can need to grow.
  let resume = -1;
  let reach = 0;
  while (taken < text.length) {
    const step = stepOf(pattern, at, text[taken]);
    if (step > 0) {
      at += step;
      taken++;
    } else if (pattern[at] === percent) {
      at++;
      resume = at;
      reach = taken;
    } else if (resume >= 0) {
      reach++;
      at = resume;
      taken = reach;
    } else return false;
  }
  return pattern.subarray(at).every((byte) => byte === percent);
}

/** How many bytes of the pattern stand for this one byte of the text; 0 when the pattern does not go on with it. */
function stepOf(pattern: Buffer, at: number, byte: number | undefined): number {
  const now = pattern[at];
  const next = pattern[at + 1];
  if (now === backslash && (next === percent || next === underscore) && next === byte) return 2;
  return now !== undefined && (now === underscore || now === byte) ? 1 : 0;
}
