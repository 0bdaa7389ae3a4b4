/** Whether a Redis keeps what it is told: eviction and persistence, asked once at start. */
import { Cluster } from 'ioredis';
import type { RedisClient } from './redis-connect.ts';

export interface Findings {
  readonly refuse: readonly string[];
  readonly warn: readonly string[];
}

export async function checkRedis(client: RedisClient): Promise<Findings> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const refuse = new Set<string>();
  const warn = new Set<string>();
  for (const node of nodes) {
    const setting = async (name: string): Promise<string> => {
      const reply: unknown = await node.config('GET', name);
      return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : '';
    };
    try {
      const [policy, appendonly, fsync] = [await setting('maxmemory-policy'), await setting('appendonly'), await setting('appendfsync')];
      if (policy !== 'noeviction')
        refuse.add(`Redis has maxmemory-policy '${policy}', wanted 'noeviction': events that wait to be decided could be thrown away`);
      if (appendonly !== 'yes')
        warn.add("Redis has appendonly 'no', wanted 'yes': what was acknowledged since its last snapshot is lost when it stops");
      else if (fsync !== 'always')
        warn.add(
          `Redis has appendfsync '${fsync}', wanted 'always': about the last second of what was acknowledged may be lost when it stops`,
        );
    } catch {
      warn.add('Redis does not let us read its settings (CONFIG GET): whether it evicts or persists what it is told is not known');
    }
  }
  return { refuse: [...refuse], warn: [...warn] };
}
