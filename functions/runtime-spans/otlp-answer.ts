/** Answers of OTLP/HTTP: an ExportTraceServiceResponse, or a Status for what failed, in the encoding of the request. */
import { PbfWriter } from 'pbf';
import type { IntakeAnswer } from '../../shared/http/intake.ts';

export type Encoding = 'protobuf' | 'json';

/** Null for what is neither. */
export function encodingOf(contentType: string | undefined): Encoding | null {
  const type = (contentType ?? '').split(';', 1).join('').trim().toLowerCase();
  return type === 'application/x-protobuf' ? 'protobuf' : type === 'application/json' ? 'json' : null;
}

/** `rejected`: spans that will never be taken. */
export function accepted(encoding: Encoding, rejected: number, reason: string): IntakeAnswer {
  if (encoding === 'json')
    return answer(
      encoding,
      200,
      JSON.stringify(rejected === 0 ? {} : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: reason } }),
    );
  const writer = new PbfWriter();
  if (rejected > 0)
    writer.writeMessage(
      1,
      (_, inner) => {
        inner.writeVarintField(1, rejected);
        inner.writeStringField(2, reason);
      },
      null,
    );
  return answer(encoding, 200, Buffer.from(writer.finish()));
}

export function failed(encoding: Encoding, status: number, reason: string, retryAfterSeconds?: number): IntakeAnswer {
  const writer = new PbfWriter();
  writer.writeStringField(2, reason);
  const body = encoding === 'json' ? JSON.stringify({ message: reason }) : Buffer.from(writer.finish());
  return { ...answer(encoding, status, body), ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}

function answer(encoding: Encoding, status: number, body: Buffer | string): IntakeAnswer {
  return { status, contentType: encoding === 'json' ? 'application/json' : 'application/x-protobuf', body };
}
