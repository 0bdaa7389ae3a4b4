/** Settings of the exporter: the standard `OTEL_EXPORTER_OTLP_*`; `OTEL_EXPORTER_OTLP_TRACES_*` takes precedence. */
import { readFileSync } from 'node:fs';
import { portOf } from '../process/run-function.ts';
import type { Settings } from '../process/settings.ts';
import { type OtlpOptions, otlpProtocols } from './otlp-exporter.ts';
import { pageUrlOf } from './page-link.ts';

export interface ExporterConfig {
  readonly port: number;
  /** Web page of the history; null: none is known. */
  readonly pageUrl: string | null;
  readonly otlp: OtlpOptions & { readonly url: string };
}

const prefix = 'OTEL_EXPORTER_OTLP_';
const compressions = ['none', 'gzip'] as const;
const headersWanted = 'name=value,name=value with values percent-encoded';

export function exporterConfigOf(settings: Settings): ExporterConfig {
  const port = portOf(settings);
  const deadlineMs = settings.duration(
    'KNSPAN_EXPORT_DEADLINE',
    '9s',
    "maximum time for one event; below the Trigger's timeout",
    '10ms',
    '10m',
  );
  const protocol = chosen(settings, 'PROTOCOL', otlpProtocols, 'http/protobuf', 'encoding of requests');
  const compression = chosen(settings, 'COMPRESSION', compressions, 'none', 'compression of requests');
  const timeoutMs = timeoutOf(settings);
  const otlp = {
    url: urlOf(settings),
    headers: { ...headersOf(settings, `${prefix}HEADERS`), ...headersOf(settings, `${prefix}TRACES_HEADERS`) },
    tls: {
      ...fileOf(settings, 'CERTIFICATE', 'ca', 'PEM file with CA certificates trusted for the backend'),
      ...fileOf(settings, 'CLIENT_CERTIFICATE', 'cert', 'PEM file with the client certificate'),
      ...fileOf(settings, 'CLIENT_KEY', 'key', 'PEM file with the key of the client certificate'),
    },
    protocol,
    compression,
    // Includes the exporter's retries, so it must end before the deadline.
    timeoutMs: Math.min(timeoutMs, deadlineMs),
    deadlineMs,
  };
  return { port, pageUrl: pageUrlOf(settings), otlp };
}

function chosen<T extends string>(settings: Settings, name: string, values: readonly T[], fallback: T, what: string): T {
  const general = settings.choice(`${prefix}${name}`, values, fallback, what);
  return settings.choice(`${prefix}TRACES_${name}`, values, general, `${what}, for traces`);
}

function timeoutOf(settings: Settings): number {
  const bounds = { min: 1, max: 600_000, what: 'maximum time of one export including retries, ms' };
  const general = settings.number(`${prefix}TIMEOUT`, { default: 10_000, ...bounds });
  return settings.number(`${prefix}TRACES_TIMEOUT`, { default: general, ...bounds });
}

/** The general endpoint is a base URL; the one for traces is used as is. */
function urlOf(settings: Settings): string {
  const base = settings.url(`${prefix}ENDPOINT`, { default: 'http://localhost:4318', what: 'base URL of the backend' });
  const traces = settings.optionalUrl(`${prefix}TRACES_ENDPOINT`, { what: 'full URL for traces' });
  return traces ?? `${base.replace(/\/+$/, '')}/v1/traces`;
}

/** Values are never shown: headers usually hold a key to the backend. */
function headersOf(settings: Settings, name: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of (settings.secret(name, 'headers sent to the backend') ?? '').split(',')) {
    if (pair.trim() === '') continue;
    const header = headerOf(pair);
    if (header === undefined) settings.fault(name, '***', headersWanted);
    else headers[header[0]] = header[1];
  }
  return headers;
}

function headerOf(pair: string): readonly [string, string] | undefined {
  const [, name = '', raw = ''] = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
  try {
    const value = decodeURIComponent(raw);
    return name === '' || /[^\t\u0020-\u007e\u0080-\u00ff]/.test(value) ? undefined : [name, value];
  } catch {
    return undefined;
  }
}

function fileOf<K extends string>(settings: Settings, name: string, key: K, what: string): { [k in K]?: Buffer } {
  const general = settings.optionalText(`${prefix}${name}`, { what });
  const variable = `${prefix}TRACES_${name}`;
  const path = settings.optionalText(variable, { what: `${what}, for traces`, ...(general === undefined ? {} : { default: general }) });
  if (path === undefined) return {};
  try {
    const found: { [k in K]?: Buffer } = {};
    found[key] = readFileSync(path);
    return found;
  } catch {
    settings.fault(path === general ? `${prefix}${name}` : variable, path, 'a readable file');
    return {};
  }
}
