/**
 * Runtime spans on a real cluster whose API server, kubelet and containerd are traced, and whose spans come to the Collector of the overlay
 * `runtime` (Service `otel-collector` of knspan, or the node's port): a slow admission webhook, a pull that fails.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import { after, before, describe } from 'node:test';
import { isJson, textField } from '../../../shared/events/json.ts';
import { type Certificate, makeCertificate } from '../../helpers/certificate.ts';
import { home, Installation, writeOverlay } from '../installation.ts';
import { apply, kubectl, tryKubectl, until } from '../kubectl.ts';
import { proves } from '../proves.ts';
import { type JaegerSpan, spansOfService } from '../traces.ts';
import { deployment } from '../workloads.ts';

const isThere = process.env['KNSPAN_E2E_INSTALLED'] === 'true';
const slowMs = 3_000;
/** A change settles, tail sampling decides, late spans are sent. */
const toldWithinMs = 300_000;
const webhookName = 'slow.knspan.test';
const configuration = 'validatingwebhookconfiguration/knspan-e2e-slow';

/** A copy of a runtime span in Jaeger. */
interface Copy {
  readonly id: string;
  readonly trace: string;
  readonly parent: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Of the original, ms. */
  readonly tookMs: number;
}

function copyOf(span: JaegerSpan): Copy {
  const tags = Object.fromEntries(span.tags.map(({ key, value }) => [key, String(value)]));
  const parent = span.references.find(({ refType, traceID }) => refType === 'CHILD_OF' && traceID === span.traceID)?.spanID ?? '';
  const [start, end] = [tags['knspan.runtime.start'], tags['knspan.runtime.end']];
  const tookMs = start === undefined || end === undefined ? span.duration / 1_000 : Date.parse(end) - Date.parse(start);
  return { id: span.spanID, trace: span.traceID, parent, name: span.operationName, tags, tookMs };
}

/** All of a service, copies and spans of Events. */
const copiesOf = (service: string): Copy[] => spansOfService(service).map(copyOf);
const isCopy = ({ tags }: Copy) => tags['knspan.runtime.trace_id'] !== undefined;

/** Answers every review after so long. The API server runs on this machine. */
class SlowWebhook {
  readonly #certificate: Certificate;
  readonly #server: Server;

  private constructor(certificate: Certificate) {
    this.#certificate = certificate;
    this.#server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const review: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
        const uid = isJson(review) ? textField(review['request'], 'uid') : '';
        const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } });
        setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body), slowMs);
      });
    });
  }

  static async start(): Promise<SlowWebhook> {
    const webhook = new SlowWebhook(await makeCertificate());
    await new Promise<void>((resolve) => webhook.#server.listen(0, '127.0.0.1', resolve));
    return webhook;
  }

  /** For pods of the namespace. */
  register(namespace: string): void {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'knspan-e2e-slow' },
      webhooks: [
        {
          name: webhookName,
          clientConfig: {
            url: `https://127.0.0.1:${port}/`,
            caBundle: Buffer.from(this.#certificate.cert).toString('base64'),
          },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          failurePolicy: 'Ignore',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 10,
        },
      ],
    });
  }

  async stop(): Promise<void> {
    tryKubectl('delete', configuration, '--ignore-not-found');
    this.#server.closeAllConnections();
    this.#server.close();
    await this.#certificate.remove();
  }
}

describe('runtime spans on a cluster', () => {
  let installation: Installation;
  let webhook: SlowWebhook;

  before(async () => {
    installation = new Installation('dev');
    if (!isThere) {
      await installation.install();
      kubectl('apply', '-k', writeOverlay('runtime'));
      kubectl('-n', home, 'rollout', 'status', 'deployment/otel-collector', '--timeout=120s');
    }
    await installation.ready();
    webhook = await SlowWebhook.start();
  });

  after(async () => {
    await webhook.stop();
    if (!isThere) await installation.remove();
  });

  proves(
    'a slow admission webhook is the longest child of the API call that it delayed, under the pod that it made wait',
    async (stage) => {
      const here = stage('webhook');
      webhook.register(here.namespace);
      here.apply(deployment(here.namespace, 'web', 1));
      await here.rolledOut('deployment/web');
      const found = await until('the webhook under an API call', toldWithinMs, () => {
        const copies = copiesOf('apiserver').filter(isCopy);
        const call = copies.find(({ name, tags }) => name.startsWith('Call validating webhook') && tags['webhook'] === webhookName);
        const request = copies.find(({ id, trace }) => id === call?.parent && trace === call.trace);
        return call === undefined || request === undefined ? undefined : { call, request, copies };
      });
      const { call, request, copies } = found;
      assert.match(request.tags['knspan.title'] ?? '', /^API create pods\/web-.* by replicaset-controller$/);
      assert.ok(call.tookMs >= slowMs && request.tookMs >= call.tookMs, `${call.tookMs} of ${request.tookMs} ms`);
      const siblings = copies.filter(({ parent, trace }) => parent === request.id && trace === request.trace);
      for (const other of siblings) assert.ok(other.tookMs <= call.tookMs, `${other.name} took ${other.tookMs} ms`);
      const above = spansOfService('replicaset-controller').find(
        ({ spanID, traceID }) => spanID === request.parent && traceID === request.trace,
      );
      assert.equal(above?.operationName, 'create Pod');
    },
  );

  proves('a pull that fails shows what the registry was asked', async (stage) => {
    const here = stage('pull');
    const image = '127.0.0.1:1/none:1';
    here.apply(deployment(here.namespace, 'web', 1, image));
    await here.seen('Failed');
    const pull = await until('the pull under its Event', toldWithinMs, () =>
      copiesOf('kubelet').find((copy) => isCopy(copy) && copy.tags['knspan.title'] === `PullImage ${image}`),
    );
    assert.equal(pull.tags['knspan.phase'], 'pull');
    assert.equal(pull.tags['otel.status_code'], 'ERROR');
    const above = copiesOf('kubelet').find(({ id, trace }) => id === pull.parent && trace === pull.trace);
    assert.ok(above !== undefined && !isCopy(above), 'under a span of an Event');
  });
});
