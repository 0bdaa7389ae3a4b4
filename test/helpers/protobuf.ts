/** Reads OTLP traces in protobuf: an independent reader of the wire format, so that the exporter is not checked by its own library. */

interface Field {
  readonly name: string;
  readonly kind: 'text' | 'id' | 'int' | 'bool' | 'double' | 'fixed64' | Message;
  readonly repeated?: boolean;
}
type Message = Readonly<Record<number, Field>>;

const anyValue: Record<number, Field> = {
  1: { name: 'stringValue', kind: 'text' },
  2: { name: 'boolValue', kind: 'bool' },
  3: { name: 'intValue', kind: 'int' },
  4: { name: 'doubleValue', kind: 'double' },
};
anyValue[5] = { name: 'arrayValue', kind: { 1: { name: 'values', kind: anyValue, repeated: true } } };
const attributes: Field = {
  name: 'attributes',
  kind: { 1: { name: 'key', kind: 'text' }, 2: { name: 'value', kind: anyValue } },
  repeated: true,
};
const span: Message = {
  1: { name: 'traceId', kind: 'id' },
  2: { name: 'spanId', kind: 'id' },
  4: { name: 'parentSpanId', kind: 'id' },
  5: { name: 'name', kind: 'text' },
  6: { name: 'kind', kind: 'int' },
  7: { name: 'startTimeUnixNano', kind: 'fixed64' },
  8: { name: 'endTimeUnixNano', kind: 'fixed64' },
  9: attributes,
  11: {
    name: 'events',
    kind: { 1: { name: 'timeUnixNano', kind: 'fixed64' }, 2: { name: 'name', kind: 'text' }, 3: attributes },
    repeated: true,
  },
  13: { name: 'links', kind: { 1: { name: 'traceId', kind: 'id' }, 2: { name: 'spanId', kind: 'id' }, 4: attributes }, repeated: true },
  15: { name: 'status', kind: { 2: { name: 'message', kind: 'text' }, 3: { name: 'code', kind: 'int' } } },
};
const scopeSpans: Message = {
  1: { name: 'scope', kind: { 1: { name: 'name', kind: 'text' }, 2: { name: 'version', kind: 'text' } } },
  2: { name: 'spans', kind: span, repeated: true },
};
const request: Message = {
  1: {
    name: 'resourceSpans',
    kind: { 1: { name: 'resource', kind: { 1: attributes } }, 2: { name: 'scopeSpans', kind: scopeSpans, repeated: true } },
    repeated: true,
  },
};

/** As OTLP/JSON. */
export function readTraceRequest(bytes: Buffer): unknown {
  return readMessage(bytes, request);
}

/** An answer that says that some spans were refused. */
export function partialSuccess(rejected: number, message: string): Buffer {
  const text = Buffer.from(message);
  const inner = Buffer.concat([Buffer.from([0x08, ...varint(rejected), 0x12, ...varint(text.length)]), text]);
  return Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
}

function readMessage(bytes: Buffer, message: Message): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  let at = 0;
  const number = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number) => {
    if (at + length > bytes.length) throw new Error(`Cannot read protobuf: wanted ${length} bytes at ${at} of ${bytes.length}`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(number());
    const wire = tag & 7;
    if (![0, 1, 2, 5].includes(wire)) throw new Error(`Cannot read protobuf: wire type ${wire} at ${at}`);
    const raw = wire === 0 ? number() : take(wire === 2 ? Number(number()) : wire === 1 ? 8 : 4);
    const field = message[tag >> 3];
    if (field === undefined) continue;
    const value = fieldValue(raw, field);
    if (field.repeated) found[field.name] = [...list(found[field.name]), value];
    else found[field.name] = value;
  }
  return found;
}

function fieldValue(raw: bigint | Buffer, { kind, name }: Field): unknown {
  if (typeof raw === 'bigint') {
    if (kind === 'bool') return raw !== 0n;
    if (kind === 'int') return name === 'intValue' ? BigInt.asIntN(64, raw).toString() : Number(raw);
  } else {
    if (kind === 'text') return raw.toString('utf8');
    if (kind === 'id') return raw.toString('hex');
    if (kind === 'double') return raw.readDoubleLE();
    if (kind === 'fixed64') return raw.readBigUInt64LE().toString();
    if (typeof kind === 'object') return readMessage(raw, kind);
  }
  throw new Error(`Cannot read protobuf: field '${name}' has another wire type`);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}
