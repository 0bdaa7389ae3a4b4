/**
 * OTLP in protobuf: an ExportTraceServiceRequest as the Collector sends it. Fields are read as they come, and only those that are kept:
 * a span with a million attributes costs their bytes and no more. Field numbers: opentelemetry/proto/trace/v1/trace.proto.
 */
import { PbfReader } from 'pbf';
import type { AttributeValue } from '../../spans/span.ts';
import type { SpanRef } from '../runtime-span.ts';
import { AttributeBag, linksMost, type RawSpan, type SpanBatch } from './make-span.ts';

/** Wire types. */
const varint = 0;
const fixed64 = 1;
const bytes = 2;

/** False where the bytes are no such request. What single spans lack is counted in the batch. */
export function readOtlpProtobuf(body: Buffer, batch: SpanBatch): boolean {
  const reader = new PbfReader(body);
  const read: RawSpan[][] = [];
  const resources: Resource[] = [];
  try {
    while (reader.pos < reader.length) {
      // A request has no other field.
      if (reader.nextField() !== 1 || reader.type !== bytes) return false;
      const resource: Resource = { service: '', node: '', host: '', cluster: '' };
      const spans: RawSpan[] = [];
      within(reader, (field) => {
        if (field === 1) within(reader, (inner) => inner === 1 && readAttribute(reader, resourceReader(resource)));
        if (field === 2) within(reader, (inner) => inner === 2 && spans.push(readSpan(reader)));
      });
      read.push(spans);
      resources.push(resource);
    }
    if (reader.pos !== reader.length) return false;
  } catch {
    return false;
  }
  for (const [index, spans] of read.entries()) {
    const { service = '', node = '', host = '', cluster = '' } = resources[index] ?? {};
    for (const span of spans) batch.add(span, { service, node: node || host, cluster });
  }
  return true;
}

interface Resource {
  service: string;
  node: string;
  host: string;
  cluster: string;
}

class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** The fields of the message that stands next. */
function within(reader: PbfReader, take: (field: number) => unknown): void {
  if (reader.type !== bytes) throw new Malformed();
  const end = reader.readVarint() + reader.pos;
  if (!(end <= reader.length)) throw new Malformed();
  for (let field = reader.nextField(end); field !== 0; field = reader.nextField(end)) take(field);
  if (reader.pos !== end) throw new Malformed();
}

function readSpan(reader: PbfReader): RawSpan {
  const links: SpanRef[] = [];
  const attributes = new AttributeBag();
  const span = { traceId: '', spanId: '', parentSpanId: '', name: '', kind: 0, start: 0n, end: 0n, failed: false, statusMessage: '' };
  within(reader, (field) => {
    if (field === 1) span.traceId = idOf(reader);
    else if (field === 2) span.spanId = idOf(reader);
    else if (field === 4) span.parentSpanId = idOf(reader);
    else if (field === 5) span.name = textOf(reader);
    else if (field === 6) span.kind = numberOf(reader);
    else if (field === 7) span.start = nanosOf(reader);
    else if (field === 8) span.end = nanosOf(reader);
    else if (field === 9) readAttribute(reader, (key) => (attributes.wants(key) ? (value) => attributes.set(key, value) : null));
    else if (field === 13 && links.length <= linksMost) links.push(readLink(reader));
    else if (field === 15)
      within(reader, (inner) => {
        if (inner === 2) span.statusMessage = textOf(reader);
        else if (inner === 3) span.failed = numberOf(reader) === 2;
      });
  });
  return { ...span, attributes, links };
}

function readLink(reader: PbfReader): SpanRef {
  const link = { traceId: '', spanId: '' };
  within(reader, (field) => {
    if (field === 1) link.traceId = idOf(reader);
    else if (field === 2) link.spanId = idOf(reader);
  });
  return link;
}

type Setter = (value: AttributeValue) => void;

/** `wanted`: where the value of a key goes; null: it is skipped unread. The key stands before the value, as every writer has it. */
function readAttribute(reader: PbfReader, wanted: (key: string) => Setter | null): void {
  let set: Setter | null = null;
  within(reader, (field) => {
    if (field === 1) set = wanted(textOf(reader));
    else if (field === 2 && set !== null) readValue(reader, set);
  });
}

/** Lists, maps and bytes are none of what is kept. */
function readValue(reader: PbfReader, set: Setter): void {
  within(reader, (field) => {
    if (field === 1) set(textOf(reader));
    else if (field === 2) set(numberOf(reader) !== 0);
    else if (field === 3) set(numberOf(reader, true));
    else if (field === 4) {
      if (reader.type !== fixed64) throw new Malformed();
      const value = reader.readDouble();
      if (Number.isFinite(value)) set(value);
    }
  });
}

const resourceKeys: Readonly<Record<string, keyof Resource>> = {
  'service.name': 'service',
  'k8s.node.name': 'node',
  'host.name': 'host',
  'k8s.cluster.name': 'cluster',
};

function resourceReader(resource: Resource): (key: string) => Setter | null {
  return (key) => {
    const member = Object.hasOwn(resourceKeys, key) ? resourceKeys[key] : undefined;
    if (member === undefined) return null;
    return (value) => {
      if (typeof value === 'string') resource[member] = value;
    };
  };
}

function textOf(reader: PbfReader): string {
  if (reader.type !== bytes) throw new Malformed();
  return reader.readString();
}

function idOf(reader: PbfReader): string {
  if (reader.type !== bytes) throw new Malformed();
  const { buffer, byteOffset, length } = reader.readBytes();
  return length > 16 ? 'too long' : Buffer.from(buffer, byteOffset, length).toString('hex');
}

function numberOf(reader: PbfReader, isSigned = false): number {
  if (reader.type !== varint) throw new Malformed();
  return reader.readVarint(isSigned);
}

function nanosOf(reader: PbfReader): bigint {
  if (reader.type !== fixed64) throw new Malformed();
  const value = reader.dataView.getBigUint64(reader.pos, true);
  reader.pos += 8;
  return value;
}
