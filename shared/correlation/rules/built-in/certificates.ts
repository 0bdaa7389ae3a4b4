/**
 * cert-manager: Certificate -> Secret and CertificateRequest -> Order -> Challenge. Start and end of an issuance share the
 * reason Issuing and are told apart by text; the approval's reason is `cert-manager.io`.
 */
import type { Rule } from '../rule.ts';

const issue = { pair: 'issue', phase: 'issue' } as const;

export const certificateRules: readonly Rule[] = [
  ...certificateRulesProper(),
  ...requestRules(),
  ...issuerRules(),
  ...acmeRules(),
  ...ingressRules(),
];

/** pkg/controller/certificates/{trigger,keymanager,requestmanager,issuing}. */
function certificateRulesProper(): readonly Rule[] {
  const certificate = { group: ['cert-manager.io', 'certmanager.k8s.io'], kind: ['Certificate'] };
  return [
    {
      ...certificate,
      ...issue,
      id: 'certificate.issued',
      reason: ['Issuing'],
      patterns: ['^The certificate has been successfully issued'],
      class: 'end',
      ends: true,
    },
    { ...certificate, id: 'certificate.temporary', reason: ['Issuing'], patterns: ['^Issued temporary certificate'], class: 'state' },
    // Any other text gives the ground for issuing anew: `Issuing certificate as Secret does not exist`, `Renewing certificate as ..`.
    { ...certificate, ...issue, id: 'certificate.issuing', reason: ['Issuing'], class: 'start', firstSign: true },
    {
      ...certificate,
      id: 'certificate.create-key',
      reason: ['Generated'],
      patterns: ['^Stored new private key in temporary Secret resource "(?<name>[^"]+)"'],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Secret' },
    },
    // `Failed to create CertificateRequest: .. already exists`, which a second attempt finds.
    { ...certificate, id: 'certificate.request-again', reason: ['RequestFailed'], patterns: ['already exists'], class: 'state' },
    { ...certificate, id: 'certificate.request-failed', reason: ['RequestFailed'], class: 'failure', verb: 'create' },
    { ...certificate, id: 'certificate.reuse-key', reason: ['Reused'], class: 'state' },
    {
      ...certificate,
      id: 'certificate.request',
      reason: ['Requested'],
      patterns: ['^Created new CertificateRequest resource "(?<name>[^"]+)"'],
      class: 'action',
      verb: 'create',
      subject: { kind: 'CertificateRequest' },
    },
    {
      ...certificate,
      id: 'certificate.failed',
      reason: ['Failed', 'Denied', 'InvalidRequest', 'DecodeFailed', 'CannotRegenerateKey'],
      class: 'failure',
    },
  ];
}

/** pkg/controller/certificaterequests: each issuer's controller says WaitingForApproval of each request. */
function requestRules(): readonly Rule[] {
  const request = { group: ['cert-manager.io', 'certificates.k8s.io'], kind: ['CertificateRequest', 'CertificateSigningRequest'] };
  return [
    { ...request, id: 'request.waiting', reason: ['WaitingForApproval'], class: 'noise' },
    { ...request, id: 'request.approved', reason: ['cert-manager.io'], class: 'state' },
    { ...request, ...issue, id: 'request.issued', reason: ['CertificateIssued'], class: 'end' },
    {
      ...request,
      id: 'request.create-order',
      reason: ['OrderCreated'],
      patterns: ['^Created Order resource (?<namespace>[^/\\s]+)/(?<name>\\S+)'],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Order', namespace: '$namespace' },
    },
    { ...request, id: 'request.pending', reason: ['OrderPending', 'IssuancePending'], class: 'state' },
    {
      ...request,
      id: 'request.failed',
      reason: ['OrderFailed', 'CertificateRequestDenied', 'RequestParsingError'],
      class: 'failure',
      fails: true,
    },
    // `Certificate will be issued with an empty Issuer DN, ..`, and then it is.
    { ...request, id: 'request.warned', reason: ['BadConfig'], class: 'state' },
    { ...request, id: 'request.no-issuer', reason: ['IssuerNotFound', 'IssuerNotReady'], class: 'state' },
  ];
}

/** pkg/issuer, pkg/controller/issuers: what an issuer lacks until it can sign. */
function issuerRules(): readonly Rule[] {
  const issuer = { group: ['cert-manager.io'], kind: ['Issuer', 'ClusterIssuer'] };
  return [
    { ...issuer, id: 'issuer.ready', reason: ['KeyPairVerified', 'VaultVerified'], class: 'end', pair: 'ready', phase: 'ready' },
    {
      ...issuer,
      id: 'issuer.failed',
      reason: ['ErrGetKeyPair', 'ErrInvalidKeyPair', 'ErrInitIssuer', 'ErrVerifyACMEAccount', 'ErrRegisterACMEAccount'],
      class: 'failure',
    },
  ];
}

/** pkg/controller/acmeorders, pkg/controller/acmechallenges. */
function acmeRules(): readonly Rule[] {
  const order = { group: ['acme.cert-manager.io'], kind: ['Order'] };
  const challenge = { group: ['acme.cert-manager.io'], kind: ['Challenge'] };
  return [
    {
      ...order,
      id: 'order.create-challenge',
      reason: ['Created'],
      patterns: ['^Created Challenge resource "(?<name>[^"]+)" for domain "(?<domain>[^"]*)"'],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Challenge' },
    },
    { ...order, ...issue, id: 'order.complete', reason: ['Complete'], class: 'end' },
    { ...order, id: 'order.failed', reason: ['Failed', 'Solver'], class: 'failure', fails: true },
    { ...challenge, ...issue, id: 'challenge.started', reason: ['Started'], class: 'start', firstSign: true },
    { ...challenge, id: 'challenge.presented', reason: ['Presented'], class: 'state' },
    {
      ...challenge,
      ...issue,
      id: 'challenge.verified',
      reason: ['DomainVerified'],
      patterns: ['^Domain "(?<domain>[^"]*)" verified', '^'],
      class: 'end',
    },
    { ...challenge, id: 'challenge.failed', reason: ['Failed', 'PresentError', 'CleanUpError'], class: 'failure' },
  ];
}

/** pkg/controller/certificate-shim, for Ingresses and Gateways. */
function ingressRules(): readonly Rule[] {
  const ingress = {
    kind: ['Ingress', 'Gateway', 'HTTPRoute', 'ListenerSet', 'XListenerSet'],
    class: 'action',
    subject: { kind: 'Certificate' },
  } as const;
  return [
    {
      ...ingress,
      id: 'ingress.create-certificate',
      reason: ['CreateCertificate'],
      patterns: ['^Successfully created Certificate "(?<name>[^"]+)"'],
      verb: 'create',
    },
    {
      ...ingress,
      id: 'ingress.update-certificate',
      reason: ['UpdateCertificate'],
      patterns: ['^Successfully updated Certificate "(?<name>[^"]+)"'],
      verb: 'update',
    },
    {
      ...ingress,
      id: 'ingress.delete-certificate',
      reason: ['DeleteCertificate'],
      patterns: ['^Successfully deleted unrequired Certificate "(?<name>[^"]+)"'],
      verb: 'delete',
    },
  ];
}
