/** From settings to the store: Redis where REDIS_URL names one, else the memory of the process, which says that it is volatile. */
import type { Clock } from '../../../shared/process/clock.ts';
import type { Log } from '../../../shared/process/log.ts';
import { openRedisClient, type RedisSettings } from '../../../shared/store/open.ts';
import { MemorySpanStore } from './memory.ts';
import { RedisSpanStore } from './redis.ts';
import type { Bounds, SpanStore } from './span-store.ts';

export async function openSpanStore({ target, prefix }: RedisSettings, bounds: Bounds, log: Log, clock: Clock): Promise<SpanStore> {
  if (target !== null) return new RedisSpanStore(await openRedisClient(target, log), prefix, () => clock.now(), bounds);
  log.info('The embedded store is volatile: runtime spans are lost when the process ends');
  return new MemorySpanStore(() => clock.now(), bounds);
}
