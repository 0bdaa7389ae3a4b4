/** The schedule of a PingSource: cron with five fields, or six with seconds in front, and the descriptors such as @hourly. */
import { Cron as Pattern } from 'croner';
import type { Result } from '../events/json.ts';
import { messageOf } from '../process/log.ts';

export interface Cron {
  /** The first time after this one, both in milliseconds since 1970; null if there is none. */
  next(after: number): number | null;
}

const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];
/** Knative's grammar; croner alone would also take `L`, `W`, `#`, `+`, years, 7 for Sunday and further descriptors. */
const value = '(?:\\d{1,2}|[a-z]{3})';
const item = `(?:[*?]|${value}(?:-${value})?)(?:/\\d{1,2})?`;
const field = new RegExp(`^${item}(?:,${item})*$`, 'i');
const sevenAsDay = /(?:^|[,-])0?7(?:$|[,/-])/;

/** `timezone` is an IANA name. The Result's reason is a sentence. */
export function parseCron(text: string, timezone = 'UTC'): Result<Cron> {
  const refused = (reason: string): Result<Cron> => ({ ok: false, reason: `Cannot read the schedule '${text.slice(0, 100)}': ${reason}` });
  const trimmed = text.trim();
  const fields = trimmed.split(/\s+/);
  if (!descriptors.includes(trimmed)) {
    if (fields.length !== 5 && fields.length !== 6)
      return refused(`wanted 5 fields, or 6 with seconds, or one of ${descriptors.join(', ')}`);
    const wrong = fields.find((one, index) => !field.test(one) || (index === fields.length - 1 && sevenAsDay.test(one)));
    if (wrong !== undefined) return refused(`wanted numbers, names, *, -, / and commas within the range of each field, found '${wrong}'`);
  }
  if (!isTimezone(timezone)) return refused(`wanted an IANA time zone, found '${timezone.slice(0, 60)}'`);
  try {
    const pattern = new Pattern(trimmed.replaceAll('?', '*'), { timezone: timezone || 'UTC', sloppyRanges: true });
    return { ok: true, value: { next: (after) => pattern.nextRun(new Date(after))?.getTime() ?? null } };
  } catch (error) {
    return refused(messageOf(error).replace(/^CronPattern: /, ''));
  }
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name || 'UTC' });
    return true;
  } catch {
    return false;
  }
}
