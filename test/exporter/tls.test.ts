/** TLS towards the backend and towards the sink: trusted certificates from the settings, and one of our own to show. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import { after, afterEach, before, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { startExporter } from '../../functions/exporter/index.ts';
import { createSink, sinkOptionsOf } from '../../shared/http/sink.ts';
import { Settings } from '../../shared/process/settings.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { type Certificate, makeCertificate } from '../helpers/certificate.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';

const body = toSegmentEvents(segmentOf([spanOf()]), { source: '/test' })[0]?.body ?? '';

describe('TLS', () => {
  let own: Certificate;
  let other: Certificate;
  let server: Server;
  let url: string;
  /** Of the requests that came through: whether the client showed a certificate that we trust. */
  const shown: boolean[] = [];

  before(async () => {
    [own, other] = await Promise.all([makeCertificate(), makeCertificate()]);
    const tls = { cert: own.cert, key: own.key, ca: [other.cert], requestCert: true, rejectUnauthorized: false };
    server = createServer(tls, (request, response) => {
      shown.push((request.socket as TLSSocket).authorized);
      request.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await Promise.all([own.remove(), other.remove()]);
  });
  afterEach(() => {
    shown.length = 0;
  });

  async function statusWith(env: Readonly<Record<string, string>>): Promise<number> {
    const exporter = await startExporter(surroundingsFor({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_TIMEOUT: '5000', ...env }));
    try {
      return (await fetch(exporter.url, { method: 'POST', body, headers: { 'content-type': 'application/cloudevents+json' } })).status;
    } finally {
      await exporter.close(0);
    }
  }

  test('the exporter trusts OTEL_EXPORTER_OTLP_CERTIFICATE', async () => {
    assert.equal(await statusWith({ OTEL_EXPORTER_OTLP_CERTIFICATE: own.certFile }), 202);
    assert.deepEqual(shown, [false]);
  });

  test('the exporter shows its certificate; the setting for traces comes first', async () => {
    const env = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: other.certFile,
      OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: own.certFile,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: other.certFile,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: other.keyFile,
    };
    assert.equal(await statusWith(env), 202);
    assert.deepEqual(shown, [true]);
  });

  test('a certificate that is not trusted is no fault of the segment: 503', async () => {
    assert.equal(await statusWith({}), 503);
    assert.equal(await statusWith({ OTEL_EXPORTER_OTLP_CERTIFICATE: other.certFile }), 503);
    assert.deepEqual(shown, []);
  });

  test('the sink trusts K_CA_CERTS, inline or as the bundle on disk, and nobody else', async () => {
    const outcomes: string[] = [];
    for (const env of [{ K_CA_CERTS: own.cert }, { KNSPAN_CA_BUNDLE: own.certFile }, { K_CA_CERTS: other.cert }, {}]) {
      const settings = new Settings({ K_SINK: url, ...env });
      const sink = createSink(sinkOptionsOf(settings));
      settings.finish('correlator');
      outcomes.push((await sink.send(body)).kind);
      sink.close();
    }
    assert.deepEqual(outcomes, ['accepted', 'accepted', 'retry', 'retry']);
  });
});
