/** Ids as the history keeps them: UUIDs for Events, objects and traces, integers for spans. */
import { hash } from 'node:crypto';
import type { ObjectRef } from '../../events/observation.ts';

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A uid that is a UUID as it is, any other text by its hash (UUID version 8). */
export function uuidOf(uid: string): string {
  return uuidForm.test(uid) ? uid.toLowerCase() : derivedUuid(uid);
}

/** Of the object itself, else derived from its cluster, API group, kind, namespace and name: each object has one. */
export function objectUuid(cluster: string, { apiVersion, kind, namespace, name, uid }: ObjectRef): string {
  if (uid !== '') return uuidOf(uid);
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return derivedUuid(JSON.stringify([cluster, group, kind, namespace, name]));
}

export function isDerived(uuid: string): boolean {
  return uuid[14] === '8';
}

function derivedUuid(text: string): string {
  const hex = hash('sha256', text, 'hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return hyphenated(`${hex.slice(0, 12)}8${hex.slice(13, 16)}${variant}${hex.slice(17, 32)}`);
}

/** 32 hex digits as a UUID. */
export function hyphenated(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

/** 16 hex digits as a signed 64-bit integer, in decimal. */
export function spanNumber(spanId: string): string {
  return BigInt.asIntN(64, BigInt(`0x${spanId}`)).toString();
}

/** PostgreSQL keeps any text but the character 0, and JSON none with half a pair of surrogates. */
export function storable(text: string): string {
  const whole = text.toWellFormed();
  return whole.includes('\u0000') ? whole.replaceAll('\u0000', '\ufffd') : whole;
}

const nameMax = 253;

/** Of what indexes hold: Kubernetes allows names of that length, and PostgreSQL bounds what an index takes. */
export function nameText(text: string): string {
  return storable(text.length > nameMax ? text.slice(0, nameMax) : text);
}
