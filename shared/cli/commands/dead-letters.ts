/**
 * `knspan deadletters`: what Brokers could not deliver, as the reconciler keeps it in Redis, and the segments that a Broker refused, as
 * the correlator has put them aside there; a person sends it again or drops it.
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
import { InputError } from '../input/read-input.ts';
import { clean, timeText } from '../output/terminal.ts';

export interface DeadLettersOptions {
  readonly resend: readonly string[];
  readonly drop: readonly string[];
}

const box = { kind: 'dead-letters' } as const;
const shownMost = 10_000;

export async function deadLettersCommand(options: DeadLettersOptions): Promise<void> {
  const store = await openLetters();
  try {
    for (const id of options.resend) process.stdout.write(`${await resend(store, id)}\n`);
    for (const id of options.drop) process.stdout.write(`${await drop(store, id)}\n`);
    if (options.resend.length + options.drop.length === 0) process.stdout.write(await listing(store));
  } finally {
    await store.close();
  }
}

async function openLetters(): Promise<Store> {
  const settings = new Settings(processEnvironment());
  const storeSettings = readStoreSettings(settings);
  if (!processEnvironment()['REDIS_URL']?.trim()) settings.refuse('REDIS_URL', 'not set', redisUrlForms);
  try {
    settings.finish('deadletters');
    const log = new Log({ function: 'deadletters', level: 'off' });
    // Whoever looks after letters may do so on any Redis.
    return await openStore({ ...storeSettings, allowVolatile: true }, log);
  } catch (error) {
    throw new InputError(error instanceof ConfigError ? error.message : messageOf(error));
  }
}

async function listing(store: Store): Promise<string> {
  const [waiting, parked] = await Promise.all([store.listDeliveries(box, shownMost), store.listParked(shownMost)]);
  const lines = waiting.map(({ id, body, tries }) => `${id}  waits, ${tries} ${tries === 1 ? 'try' : 'tries'}  ${about(body)}`);
  for (const { id, body, reason } of parked) lines.push(`${id}  parked  ${about(body)}  ${clean(reason)}`);
  lines.push(`${waiting.length} wait to be sent again, ${parked.length} are parked`);
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

/** Null where it is a dead letter, which has its event within. */
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
  const parked = (await store.listParked(shownMost)).find((one) => one.id === id);
  if (parked) {
    const { to, body, by } = againOf(id, parked.body, now);
    // Put first, then removed: an end between leaves it in both places, which loses nothing.
    if (!(await store.enqueue(to, [{ id, body }], now))) throw new InputError(`Cannot send '${id}' again: too many wait already`);
    await store.removeParked(id);
    return sentence(id, by);
  }
  if (!(await isWaiting(store, id))) throw unknown(id);
  await store.postponeDelivery(box, id, now);
  return sentence(id, 'reconciler');
}

/** A segment goes back into an outbox, whichever: each is looked after by every correlator. */
function againOf(id: string, body: string, now: number): { to: DeliveryQueue; body: string; by: string } {
  if (segmentIn(body) !== null) return { to: { kind: 'outbox', shard: shardOf(id) }, body, by: 'correlator' };
  const letter = parseDeadLetter(body);
  if (!letter.ok) throw new InputError(`Cannot send '${id}' again: ${letter.reason}`);
  return { to: box, body: deadLetterText({ ...letter.value, since: now }), by: 'reconciler' };
}

function sentence(id: string, by: string): string {
  return `${id} is sent again by the ${by}: within seconds when it runs, else with its next tick`;
}

async function drop(store: Store, id: string): Promise<string> {
  const parked = await store.removeParked(id);
  const waiting = await isWaiting(store, id);
  if (!parked && !waiting) throw unknown(id);
  await store.removeDeliveries(box, [id]);
  return `${id} is dropped`;
}

async function isWaiting(store: Store, id: string): Promise<boolean> {
  return (await store.listDeliveries(box, shownMost)).some((one) => one.id === id);
}

function unknown(id: string): InputError {
  return new InputError(`Cannot find dead letter '${clean(id)}': wanted an id that 'knspan deadletters' lists`);
}
