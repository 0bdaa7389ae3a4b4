/** Loaded only where OTLP/JSON is sent. A module of our own, since a bundler gives no names to a CommonJS package that is loaded late. */
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
