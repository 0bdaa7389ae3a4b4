/** Writes an OTLP/JSON request as protobuf. */
import { PbfWriter } from 'pbf';
import { field, listField, textField } from '../../../shared/events/json.ts';

const many = 1_000_000;

export function otlpProtobuf(request: unknown): Buffer {
  const writer = new PbfWriter();
  for (const resourceSpans of listField(request, 'resourceSpans', many))
    message(writer, 1, (one) => {
      message(one, 1, (resource) => attributes(resource, 1, field(resourceSpans, 'resource')));
      for (const scope of listField(resourceSpans, 'scopeSpans', many))
        message(one, 2, (scopeSpans) => {
          for (const span of listField(scope, 'spans', many)) message(scopeSpans, 2, (inner) => spanOf(inner, span));
        });
    });
  return Buffer.from(writer.finish());
}

function spanOf(writer: PbfWriter, span: unknown): void {
  id(writer, 1, field(span, 'traceId'));
  id(writer, 2, field(span, 'spanId'));
  id(writer, 4, field(span, 'parentSpanId'));
  writer.writeStringField(5, textField(span, 'name', many));
  writer.writeVarintField(6, Number(field(span, 'kind') ?? 0));
  nanos(writer, 7, field(span, 'startTimeUnixNano'));
  nanos(writer, 8, field(span, 'endTimeUnixNano'));
  attributes(writer, 9, span);
  for (const event of listField(span, 'events', many))
    message(writer, 11, (inner) => {
      nanos(inner, 1, field(event, 'timeUnixNano'));
      inner.writeStringField(2, textField(event, 'name', many));
      attributes(inner, 3, event);
    });
  for (const link of listField(span, 'links', many))
    message(writer, 13, (inner) => {
      id(inner, 1, field(link, 'traceId'));
      id(inner, 2, field(link, 'spanId'));
    });
  const status = field(span, 'status');
  message(writer, 15, (inner) => {
    inner.writeStringField(2, textField(status, 'message', many));
    inner.writeVarintField(3, Number(field(status, 'code') ?? 0));
  });
}

function attributes(writer: PbfWriter, tag: number, of: unknown): void {
  for (const attribute of listField(of, 'attributes', many))
    message(writer, tag, (pair) => {
      pair.writeStringField(1, textField(attribute, 'key', many));
      message(pair, 2, (value) => anyValue(value, field(attribute, 'value')));
    });
}

function anyValue(writer: PbfWriter, value: unknown): void {
  const [text, flag, int, double] = ['stringValue', 'boolValue', 'intValue', 'doubleValue'].map((name) => field(value, name));
  if (typeof text === 'string') writer.writeStringField(1, text);
  else if (typeof flag === 'boolean') writer.writeBooleanField(2, flag);
  else if (int !== undefined) writer.writeVarintField(3, Number(int));
  else if (double !== undefined) writer.writeDoubleField(4, Number(double));
}

function message(writer: PbfWriter, tag: number, write: (inner: PbfWriter) => void): void {
  writer.writeMessage(tag, (_, inner) => write(inner), null);
}

function id(writer: PbfWriter, tag: number, hex: unknown): void {
  if (typeof hex === 'string' && hex !== '') writer.writeBytesField(tag, new Uint8Array(Buffer.from(hex, 'hex')));
}

function nanos(writer: PbfWriter, tag: number, value: unknown): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(String(value ?? 0)));
  writer.writeTag(tag, 1);
  writer.writeFixed32(bytes.readUInt32LE(0));
  writer.writeFixed32(bytes.readUInt32LE(4));
}
