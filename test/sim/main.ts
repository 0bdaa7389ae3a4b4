/** `npm run sim [-- --seeds N --from S --store memory|redis --verbose]`: any number of simulated runs; each failure prints how to repeat it. */
import { parseArgs } from 'node:util';
import { startRedis } from '../helpers/redis.ts';
import { openClient } from '../store/contract/harness.ts';
import { simulate } from './simulation.ts';
import { memoryStore, SimulatedRedis } from './stores.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    store: { type: 'string', default: 'memory' },
    verbose: { type: 'boolean', default: false },
  },
});
const say = (text: string) => process.stdout.write(`${text}\n`);
const [seeds, from] = [Number(values.seeds), Number(values.from)];
if (!Number.isSafeInteger(seeds) || !Number.isSafeInteger(from) || !['memory', 'redis'].includes(values.store))
  throw new Error('Cannot simulate: wanted --seeds N --from S --store memory|redis');

const redis = values.store === 'redis' ? await startRedis({ appendfsync: 'everysec' }) : null;
const client = redis ? await openClient(redis.url) : null;
let failed = 0;
for (let seed = from; seed < from + seeds; seed += 1) {
  const { faults, what } = await simulate(seed, (clock) => (client ? new SimulatedRedis(client, clock) : memoryStore(clock)));
  if (values.verbose || faults.length > 0) say(`seed ${seed}: ${what}`);
  if (faults.length === 0) continue;
  failed += 1;
  for (const fault of faults.slice(0, 10)) say(`  ${fault.slice(0, 500)}`);
  say(`  again: npm run sim -- --seeds 1 --from ${seed} --store ${values.store}`);
  await client?.flushall();
}
say(`${seeds} seeds over ${values.store}, ${failed} failed`);
client?.disconnect();
await redis?.stop();
process.exitCode = failed > 0 ? 1 : 0;
