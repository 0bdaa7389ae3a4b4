/** `knspan deadletters`: what Brokers could not deliver, as the reconciler keeps it in Redis; a person sends it again or drops it. */
import { textField } from '../cloudevent/json.ts';
import { ConfigError, processEnvironment, Settings } from '../runtime/config.ts';
import { Log, messageOf } from '../runtime/log.ts';
import { type Letter, letterText, parseLetter } from '../store/letter.ts';
import { openStore, readStoreSettings } from '../store/open.ts';
import { redisUrlForms } from '../store/redis-connect.ts';
import type { Store } from '../store/store.ts';
import { InputError } from './input.ts';
import { clean, timeText } from './terminal.ts';

export interface DeadLettersOptions {
  readonly resend: readonly string[];
  readonly drop: readonly string[];
}

const box = { kind: 'letters' } as const;
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
  const [waiting, parked] = await Promise.all([store.listBox(box, shownMost), store.listParked(shownMost)]);
  const lines = waiting.map(({ id, body, tries }) => `${id}  waits, ${tries} ${tries === 1 ? 'try' : 'tries'}  ${about(body)}`);
  for (const { id, body, reason } of parked) lines.push(`${id}  parked  ${about(body)}  ${clean(reason)}`);
  lines.push(`${waiting.length} wait to be sent again, ${parked.length} are parked`);
  return `${lines.join('\n')}\n`;
}

function about(body: string): string {
  const letter = parseLetter(body);
  if (!letter.ok) return letter.reason;
  const { event, dest, code, since } = letter.value;
  const what = [textField(event, 'type'), textField(event, 'subject')].filter((text) => text !== '').join(' ');
  return clean(`${timeText(since * 1_000)}  ${what} -> ${dest || 'unknown'}${code === '' ? '' : ` (${code})`}`);
}

async function resend(store: Store, id: string): Promise<string> {
  const now = await store.clock();
  const parked = (await store.listParked(shownMost)).find((one) => one.id === id);
  if (parked) {
    const letter = parseLetter(parked.body);
    if (!letter.ok) throw new InputError(`Cannot send '${id}' again: ${letter.reason}`);
    const again: Letter = { ...letter.value, since: now };
    // Put first, then removed: an end between leaves it in both places, which loses nothing.
    if (!(await store.putInBox(box, [{ id, body: letterText(again) }], now)))
      throw new InputError(`Cannot send '${id}' again: too many wait already`);
    await store.removeParked(id);
  } else if (await isWaiting(store, id)) await store.postpone(box, id, now);
  else throw unknown(id);
  return `${id} is sent again by the reconciler: within seconds when it runs, else with its next tick`;
}

async function drop(store: Store, id: string): Promise<string> {
  const parked = await store.removeParked(id);
  const waiting = await isWaiting(store, id);
  if (!parked && !waiting) throw unknown(id);
  await store.removeFromBox(box, [id]);
  return `${id} is dropped`;
}

async function isWaiting(store: Store, id: string): Promise<boolean> {
  return (await store.listBox(box, shownMost)).some((one) => one.id === id);
}

function unknown(id: string): InputError {
  return new InputError(`Cannot find dead letter '${clean(id)}': wanted an id that 'knspan deadletters' lists`);
}
