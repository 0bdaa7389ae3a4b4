/** The setting that names the database of the history. */
import type { Settings } from '../process/settings.ts';

const forms = 'a URL such as postgres://user:password@host:5432/database';

/** `given`: it need not be set. Empty: it is not. */
export function databaseUrlOf(settings: Settings, given: boolean): string {
  const url = settings.secret('DATABASE_URL', 'PostgreSQL 15 or newer, for the history') ?? '';
  if (url === '' && !given) settings.refuse('DATABASE_URL', 'not set', forms);
  if (url !== '' && !isDatabaseUrl(url)) settings.refuse('DATABASE_URL', 'not readable', forms);
  return url;
}

export function isDatabaseUrl(text: string): boolean {
  return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
}
