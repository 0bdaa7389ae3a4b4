/** Which files of a folder or an archive are read; a file that is named by itself is read whatever its name. */

/** What people keep Events and objects in. */
const dataName = /\.(?:json|jsonl|ndjson|ya?ml)(?:\.gz)?$/i;
const archiveName = /\.(?:tar|tgz|tar\.gz|zip)$/i;
/** Logs and tables are many: those whose names speak of Events. */
const eventsName = /(?:events?|audit|cluster[-_]?info|dump)/i;
const textName = /^[^.]+$|\.(?:txt|log|md|out)(?:\.\d+)?(?:\.gz)?$/i;

export function mayHoldEvents(name: string): boolean {
  const base = name.slice(name.lastIndexOf('/') + 1);
  return !base.startsWith('._') && (dataName.test(base) || archiveName.test(base) || (eventsName.test(base) && textName.test(base)));
}
