/** Settings of the explorer. */
import { databaseUrlOf } from '../../shared/history/database-url.ts';
import { portOf } from '../../shared/process/run-function.ts';
import type { Settings } from '../../shared/process/settings.ts';

export interface ExplorerConfig {
  readonly port: number;
  /** PostgreSQL 15 or newer with the history. */
  readonly databaseUrl: string;
  readonly auth: AuthConfig;
  /** With `{traceId}`; null: no link. */
  readonly traceUrl: string | null;
}

/** `loopback`: nobody signs in, and only this machine is answered. `none`: anyone who reaches it sees everything. */
export type AuthConfig = { readonly kind: 'loopback' } | { readonly kind: 'none' };

export function readConfig(settings: Settings, given: { readonly database: boolean }): ExplorerConfig {
  const databaseUrl = databaseUrlOf(settings, given.database);
  return { port: portOf(settings), databaseUrl, auth: authOf(settings), traceUrl: traceUrlOf(settings) };
}

function authOf(settings: Settings): AuthConfig {
  const what = 'who may see the pages: loopback answers this machine alone, none answers everyone who reaches the port';
  return { kind: settings.choice('KNSPAN_AUTH', ['loopback', 'none'], 'loopback', what) };
}

function traceUrlOf(settings: Settings): string | null {
  const url = settings.optionalUrl('KNSPAN_TRACE_URL', {
    what: 'page of a trace in Jaeger or another viewer; {traceId} stands for its id',
  });
  if (url === undefined) return null;
  if (!url.includes('{traceId}'))
    settings.fault('KNSPAN_TRACE_URL', url, 'a URL with {traceId}, such as https://jaeger.example/trace/{traceId}');
  return url;
}
