/**
 * `knspan deadletters`: events that Brokers could not deliver, which the reconciler keeps in Redis, and segments that a Broker refused,
 * which the correlator has parked there: list, re-send, drop.
 */
import { isJson, type Json, textField } from '../../events/json.ts';
import { Log, messageOf } from '../../process/log.ts';
import { ConfigError, processEnvironment, Settings } from '../../process/settings.ts';
import { isSegmentType } from '../../spans/segment-event.ts';
import { deadLetterText, parseDeadLetter } from '../../store/dead-letter.ts';
import { shardOf } from '../../store/keys.ts';
import { openStore, readStoreSettings } from '../../store/open.ts';
import { redisUrlForms } from '../../store/redis/connect.ts';
import type { DeliveryQueue, Store } from '../../store/store.ts';
import { InputError } from '../input/input-error.ts';
import { clean, timeText } from '../output/terminal.ts';

export interface DeadLettersOptions {
  readonly resend: readonly string[];
  readonly drop: readonly string[];
}

const deadLetters = { kind: 'dead-letters' } as const;
const shownMax = 10_000;

export async function deadLettersCommand(options: DeadLettersOptions): Promise<void> {
  const store = await openRedis();
  try {
    for (const id of options.resend) process.stdout.write(`${await resend(store, id)}\n`);
    for (const id of options.drop) process.stdout.write(`${await drop(store, id)}\n`);
    if (options.resend.length + options.drop.length === 0) process.stdout.write(await listing(store));
  } finally {
    await store.close();
  }
}

async function openRedis(): Promise<Store> {
  const settings = new Settings(processEnvironment());
  const storeSettings = readStoreSettings(settings);
  if (!processEnvironment()['REDIS_URL']?.trim()) settings.refuse('REDIS_URL', 'not set', redisUrlForms);
  try {
    settings.finish('deadletters');
    const log = new Log({ function: 'deadletters', level: 'off' });
    // Also on a Redis that the functions would refuse to start on.
    return await openStore({ ...storeSettings, allowVolatile: true }, log);
  } catch (error) {
    throw new InputError(error instanceof ConfigError ? error.message : messageOf(error));
  }
}

async function listing(store: Store): Promise<string> {
  const [queued, parked] = await Promise.all([store.listDeliveries(deadLetters, shownMax), store.listParked(shownMax)]);
  const lines = queued.map(({ id, body, tries }) => `${id}  queued, ${tries} ${tries === 1 ? 'try' : 'tries'}  ${about(body)}`);
  for (const { id, body, reason } of parked) lines.push(`${id}  parked  ${about(body)}  ${clean(reason)}`);
  lines.push(`${queued.length} queued for re-sending, ${parked.length} parked`);
  return `${lines.join('\n')}\n`;
}

function about(body: string): string {
  const segment = segmentIn(body);
  if (segment !== null) return clean(`${textField(segment, 'time')}  ${whatOf(segment)} -> K_SINK`);
  const letter = parseDeadLetter(body);
  if (!letter.ok) return letter.reason;
  const { event, dest, code, since } = letter.value;
  return clean(`${timeText(since * 1_000)}  ${whatOf(event)} -> ${dest || 'unknown'}${code === '' ? '' : ` (${code})`}`);
}

function whatOf(event: Json): string {
  return [textField(event, 'type'), textField(event, 'subject')].filter((text) => text !== '').join(' ');
}

/** Null for a dead letter, which wraps its event. */
function segmentIn(body: string): Json | null {
  try {
    const event: unknown = JSON.parse(body);
    return isJson(event) && isSegmentType(textField(event, 'type')) ? event : null;
  } catch {
    return null;
  }
}

async function resend(store: Store, id: string): Promise<string> {
  const now = await store.clock();
  const parked = (await store.listParked(shownMax)).find((one) => one.id === id);
  if (parked) {
    const { to, body, by } = targetOf(id, parked.body, now);
    // Enqueued first, then removed: a crash in between leaves it in both places, and loses nothing.
    if (!(await store.enqueue(to, [{ id, body }], now))) throw new InputError(`Cannot re-send '${id}': its queue is full`);
    await store.removeParked(id);
    return sentence(id, by);
  }
  if (!(await isQueued(store, id))) throw unknown(id);
  await store.postponeDelivery(deadLetters, id, now);
  return sentence(id, 'reconciler');
}

/** A segment goes back into an outbox, any of them: every correlator serves all. */
function targetOf(id: string, body: string, now: number): { to: DeliveryQueue; body: string; by: string } {
  if (segmentIn(body) !== null) return { to: { kind: 'outbox', shard: shardOf(id) }, body, by: 'correlator' };
  const letter = parseDeadLetter(body);
  if (!letter.ok) throw new InputError(`Cannot re-send '${id}': ${letter.reason}`);
  return { to: deadLetters, body: deadLetterText({ ...letter.value, since: now }), by: 'reconciler' };
}

function sentence(id: string, by: string): string {
  return `${id}: the ${by} re-sends it, within seconds if it runs, else with its next tick`;
}

async function drop(store: Store, id: string): Promise<string> {
  const parked = await store.removeParked(id);
  const queued = await isQueued(store, id);
  if (!parked && !queued) throw unknown(id);
  await store.removeDeliveries(deadLetters, [id]);
  return `${id}: dropped`;
}

async function isQueued(store: Store, id: string): Promise<boolean> {
  return (await store.listDeliveries(deadLetters, shownMax)).some((one) => one.id === id);
}

function unknown(id: string): InputError {
  return new InputError(`Cannot find dead letter '${clean(id)}': wanted an id that 'knspan deadletters' lists`);
}
