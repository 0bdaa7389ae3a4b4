/**
 * What HistoryWriter leaves behind does not depend on how its input came: in order, shuffled, repeated, by several writers at once. The
 * input is a quarter of the recordings, as Events and as the segments that they settle to, in parts.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Database } from '../../shared/history/database.ts';
import { type HistoryItem, HistoryWriter, type Written } from '../../shared/history/writer.ts';
import { digestOf } from '../helpers/history-digest.ts';
import { eventItem, itemsOf, recordings, writeAll } from '../helpers/history-input.ts';
import { observation } from '../helpers/observation.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { seed } from '../helpers/seed.ts';

let postgres: TestPostgres;
let items: HistoryItem[];

before(async () => {
  postgres = await startPostgres();
  items = (
    await Promise.all(
      recordings()
        .filter((_, place) => place % 4 === 0)
        .map(itemsOf),
    )
  ).flat();
});
after(() => postgres.stop());

const writerFor = (database: Database) => new HistoryWriter({ database, keepSince: () => null });

async function written(order: readonly HistoryItem[], writers: number) {
  const database = await postgres.database();
  const all = Array.from(
    { length: writers },
    () => new HistoryWriter({ database, keepSince: () => null, waitingMax: 100_000, batchMax: 97 }),
  );
  await Promise.all(
    all.map((writer, index) =>
      writeAll(
        writer,
        order.filter((_, place) => place % writers === index),
      ),
    ),
  );
  return digestOf(database);
}

function shuffled<T>(values: readonly T[], by: number): T[] {
  return fc.sample(fc.shuffledSubarray([...values], { minLength: values.length }), { numRuns: 1, seed: by })[0] ?? [];
}

describe('HistoryWriter', () => {
  it('leaves the same rows in order, shuffled, with a third sent twice, and by four writers at once', async () => {
    const inOrder = await written(items, 1);
    assert.ok((inOrder['events']?.rows ?? 0) > 1_000 && (inOrder['spans']?.rows ?? 0) > 500);
    assert.ok(
      Object.values(inOrder).every(({ rows }) => rows > 0),
      JSON.stringify(inOrder),
    );
    assert.deepEqual(await written(shuffled(items, seed), 1), inOrder);
    const twice = shuffled([...items, ...shuffled(items, seed + 1).slice(0, items.length / 3)], seed + 2);
    assert.deepEqual(await written(twice, 1), inOrder);
    assert.deepEqual(await written(twice, 4), inOrder);
  });

  it('says of what it has that it is repeated', async () => {
    const writer = writerFor(await postgres.database());
    const item = eventItem(observation({ involved: { kind: 'Pod' } }));
    assert.deepEqual([await writer.write(item), await writer.write(item)], [{ kind: 'written' }, { kind: 'repeated' }]);
  });

  it('keeps a row of its batch from failing the others', async () => {
    const writer = writerFor(await postgres.database());
    const good = Array.from({ length: 5 }, (_, index) => eventItem(observation({ uid: `good-${index}` })));
    const bad = eventItem(observation({ uid: 'bad', n: 2 ** 31 }));
    const results = await Promise.all([...good.slice(0, 2), bad, ...good.slice(2)].map((item) => writer.write(item)));
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['written', 'written', 'refused', 'written', 'written', 'written'],
    );
  });

  it('turns away what does not fit into its queue, and what is older than the retention', async () => {
    const database = await postgres.database();
    const at = observation().last.at;
    const writer = new HistoryWriter({ database, keepSince: () => at, waitingMax: 3 });
    await writer.write(eventItem(observation({ uid: 'first' })));
    const results = await Promise.all(
      Array.from({ length: 5 }, (_, index) => writer.write(eventItem(observation({ uid: `event-${index}` })))),
    );
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['written', 'written', 'written', 'full', 'full'],
    );
    const old = observation({ uid: 'old', last: { at: at - 1, uncertainty: 0 } });
    assert.deepEqual(await writer.write(eventItem(old)), { kind: 'expired' });
  });

  it('keeps texts that PostgreSQL has no place for', async () => {
    const writer = writerFor(await postgres.database());
    const hostile = ['\u0000', '\ud800', '\\', "'; drop table history.events; --", '\u202e', '𝕏'.repeat(300), '{"a":"\\u0000"}'];
    const results: Written[] = [];
    for (const [index, text] of hostile.entries())
      results.push(
        await writer.write(
          eventItem(
            observation({
              uid: `hostile-${index}`,
              name: text,
              message: text,
              reason: text,
              reporter: text,
              annotations: { traceparent: text },
              involved: { kind: text, name: text, namespace: text, uid: text },
              related: { apiVersion: text, kind: text, namespace: text, name: text, uid: text },
            }),
          ),
        ),
      );
    assert.deepEqual(
      results,
      hostile.map(() => ({ kind: 'written' })),
    );
  });

  it('refuses the days beyond the bound of partitions', async () => {
    const writer = new HistoryWriter({ database: await postgres.database(), keepSince: () => null, partitionsMax: 3 });
    const dated = (day: number) => {
      const instant = { at: observation().last.at - day * 86_400_000_000, uncertainty: 0 };
      return eventItem(observation({ uid: `day-${day}`, first: instant, last: instant }));
    };
    await writeAll(writer, [0, 1, 2].map(dated));
    const [beyond, within] = await Promise.all([writer.write(dated(3)), writer.write(dated(0))]);
    assert.deepEqual([beyond?.kind, within?.kind], ['refused', 'repeated']);
    assert.match(beyond?.kind === 'refused' ? beyond.reason : '', /^Cannot keep a row of 20\d\d-/);
  });
});
