/**
 * Lines between JSON values -> documents: YAML, tables of Events, JSON behind the prefix of a log. Anything else is counted; of a dump of
 * the whole cluster the logs of its containers are skipped.
 */
import type { Micros } from '../../events/observation.ts';
import { type Document, looksLikeEvents, pushText } from './document.ts';
import { EventsTable } from './events-table.ts';
import { documentsIn, parseJson } from './json-reader.ts';
import { LogLines } from './log-lines.ts';
import { beginsYaml, continuesYaml, YamlReader } from './yaml-reader.ts';

const logsBegin = /^==== START logs for container .* ====$/;
const logsEnd = /^==== END logs for container .* ====$/;
/** What stands around and between documents and is nothing by itself. */
const filler = /^(?:\.\.\.|```.*|[\s,;\])}]*|No resources found.*)$/;
const namespaceOption = /\bkubectl\b.*\bevents?\b.*(?: -n|--namespace)[ =](\S+)/;
/** So many brackets of a line are tried as the beginning of JSON. */
const beginningsMax = 4;

export class TextReader {
  readonly #printedAt: Micros;
  #yaml: YamlReader | null = null;
  #table: EventsTable | null = null;
  #inLogs = false;
  /** That of the last command that was seen, for a table that does not say it. */
  #namespace = '';
  readonly #logLines = new LogLines();

  /** `printedAt`: from when the ages in tables count back. */
  constructor(printedAt: Micros) {
    this.#printedAt = printedAt;
  }

  /** Whether an indented line belongs to YAML. */
  get inYaml(): boolean {
    return this.#yaml !== null;
  }

  /** Whether what looks like JSON is a container's. */
  get inLogs(): boolean {
    return this.#inLogs;
  }

  /** A line without its end; `bytes` is how long it was with it. */
  line(line: string, bytes: number, out: Document[]): void {
    if (this.#inLogs) {
      this.#inLogs = !logsEnd.test(line);
      pushText(out, bytes, false);
      return;
    }
    this.#namespace = namespaceOption.exec(line)?.[1] ?? this.#namespace;
    if (this.#yaml) {
      if (continuesYaml(line)) return void out.push(...this.#yaml.push(line));
      this.interrupt(out);
    }
    const row = this.#table?.row(line) ?? null;
    if (row !== null) return void out.push({ type: 'row', value: row });
    if (filler.test(line)) return;
    const table = EventsTable.open(line, this.#printedAt, this.#namespace);
    if (table) {
      this.#table = table;
      return;
    }
    if (beginsYaml(line)) {
      this.#yaml = new YamlReader();
      out.push(...this.#yaml.push(line));
      return;
    }
    if (logsBegin.test(line)) this.#inLogs = true;
    const found = this.#jsonIn(line);
    if (found) out.push(...found);
    else pushText(out, bytes, looksLikeEvents(line));
  }

  /** A record of docker's JSON logs. */
  docker(stream: string, log: string, out: Document[]): void {
    const line = this.#logLines.docker(stream, log);
    const found = line === null ? [] : this.#jsonBehindPrefix(line);
    if (found) out.push(...found);
    else pushText(out, log.length, looksLikeEvents(log));
  }

  /** JSON or the end follows: what was begun ends here. */
  interrupt(out: Document[]): void {
    if (this.#yaml) out.push(...this.#yaml.end());
    this.#yaml = null;
    this.#table = null;
    this.#inLogs = false;
  }

  /** Null where the line holds none. */
  #jsonIn(line: string): Document[] | null {
    const text = this.#logLines.cri(line);
    return text === null ? [] : this.#jsonBehindPrefix(text);
  }

  #jsonBehindPrefix(line: string): Document[] | null {
    if (!looksLikeEvents(line) && !line.includes('"auditID"')) return null;
    let at = line.indexOf('{');
    for (let tries = 0; at >= 0 && tries < beginningsMax; tries += 1) {
      const parsed = parseJson(line.slice(at).trimEnd());
      if (parsed.ok) return documentsIn(parsed.value);
      at = line.indexOf('{', at + 1);
    }
    return null;
  }
}
