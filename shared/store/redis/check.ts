/** Whether a Redis keeps what is stored in it: eviction and persistence, checked once at start. */
import { Cluster } from 'ioredis';
import type { RedisClient } from './connect.ts';

export interface Findings {
  readonly refuse: readonly string[];
  readonly warn: readonly string[];
}

const unreadable = 'Redis does not permit CONFIG GET: whether it evicts data and whether it persists data is unknown';
/** How a Redis says that CONFIG is not permitted: by ACL, by renaming, or as a hosted service does. */
const forbidden = /^NOPERM|unknown (sub)?command|not allowed|not supported|disabled/i;

export async function checkRedis(client: RedisClient): Promise<Findings> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  if (nodes.length === 0) throw new Error("Cluster isn't ready");
  const settings = await Promise.all(
    nodes.map(async (node) => {
      try {
        return await readSettings((name) => node.config('GET', name));
      } catch (error) {
        if (error instanceof Error && forbidden.test(error.message)) return null;
        throw error;
      }
    }),
  );
  const found = settings.map((one) => (one ? judge(one) : { refuse: [], warn: [unreadable] }));
  return { refuse: [...new Set(found.flatMap(({ refuse }) => refuse))], warn: [...new Set(found.flatMap(({ warn }) => warn))] };
}

interface Settings {
  readonly policy: string;
  readonly appendonly: string;
  readonly fsync: string;
  readonly save: string;
}

async function readSettings(get: (name: string) => Promise<unknown>): Promise<Settings> {
  const setting = async (name: string): Promise<string> => {
    const reply = await get(name);
    return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : '';
  };
  const names = ['maxmemory-policy', 'appendonly', 'appendfsync', 'save'];
  const [policy = '', appendonly = '', fsync = '', save = ''] = await Promise.all(names.map(setting));
  return { policy, appendonly, fsync, save };
}

function judge({ policy, appendonly, fsync, save }: Settings): Findings {
  const refuse: string[] = [];
  if (policy !== 'noeviction') refuse.push(`Redis has maxmemory-policy '${policy}', wanted 'noeviction': pending Events could be evicted`);
  if (appendonly === 'yes' && fsync === 'always') return { refuse, warn: [] };
  if (appendonly === 'yes') {
    const lost = fsync === 'everysec' ? 'the last second' : 'the last half minute';
    return {
      refuse,
      warn: [`Redis has appendfsync '${fsync}', wanted 'always': when it stops, about ${lost} of acknowledged Events may be lost`],
    };
  }
  const lost = save === '' ? 'all acknowledged Events are lost' : 'Events acknowledged since its last snapshot are lost';
  return { refuse, warn: [`Redis has appendonly '${appendonly}', wanted 'yes': when it stops, ${lost}`] };
}
