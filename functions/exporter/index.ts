/** The exporter: `dev.knspan.trace.segment` in, OTLP over HTTP out. Stateless. */

import { serveFunction } from '../../shared/http/server.ts';
import type { FunctionContext, Stoppable } from '../../shared/process/run-function.ts';
import { createOtlpExporter } from '../../shared/spans/otlp-exporter.ts';
import { exporterConfigOf } from '../../shared/spans/otlp-settings.ts';
import { ExporterHandler } from './handle-request.ts';

export const exporterName = 'exporter';

export async function startExporter({
  settings,
  log,
  metrics,
  clock,
  tracing,
}: FunctionContext): Promise<Stoppable & { readonly url: string }> {
  const { port, pageUrl, otlp } = exporterConfigOf(settings);
  settings.finish(exporterName);
  const exporter = createOtlpExporter(otlp);
  const handler = new ExporterHandler({ exporter, pageUrl, log, metrics, clock, tracing });
  log.info('exporting', { host: new URL(otlp.url).host, protocol: otlp.protocol, compression: otlp.compression });
  return serveFunction({
    name: exporterName,
    port,
    log,
    metrics,
    tracing,
    // An unavailable backend gives 503 per segment; turning unready would change nothing.
    ready: () => true,
    handle: (events) => handler.handle(events),
    beforeClose: (graceMs) => exporter.close(graceMs),
  });
}
