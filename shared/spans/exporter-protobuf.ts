/** Loaded only where OTLP/protobuf is sent; see `exporter-json.ts`. */
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
