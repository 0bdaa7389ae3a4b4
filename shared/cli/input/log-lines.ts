/** Lines of container logs without what the container runtime has put around them; long lines, which it has cut, in one piece again. */

/** `2024-01-31T12:00:00.000000000Z stdout F the line` */
const cri = /^\S+T\S+(?:Z|[+-]\d{2}:\d{2}) (stdout|stderr) ([FP])(?:\S*) (.*)$/;
/** docker cuts a longer line into records of this length. */
const dockerRecord = 16 * 1_024;
/** Characters of a line that is put together; a longer one is dropped. */
const lineMax = 4 * 1_024 * 1_024;

export class LogLines {
  readonly #partial = new Map<string, string>();

  /** A line of a file of the CRI: what the container wrote; null while its end is missing. Any other line as it is. */
  cri(line: string): string | null {
    const [, stream, tag, text] = cri.exec(line) ?? [];
    return stream === undefined || text === undefined ? line : this.#join(stream, text, tag === 'F');
  }

  /** The `log` of a record of docker's JSON files; null while the end of the line is missing. */
  docker(stream: string, log: string): string | null {
    return this.#join(stream, log.replace(/\n$/, ''), log.endsWith('\n') || Buffer.byteLength(log) < dockerRecord);
  }

  #join(stream: string, text: string, isEnd: boolean): string | null {
    const whole = (this.#partial.get(stream) ?? '') + text;
    if (isEnd) this.#partial.delete(stream);
    else this.#partial.set(stream, whole.length > lineMax ? '' : whole);
    return isEnd ? whole : null;
  }
}
