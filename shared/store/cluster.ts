/** Which cluster our Events are of: every function must give the same answer, or each Event would have several identities. */
import type { Result } from '../events/json.ts';
import type { Store } from './store.ts';

const key = 'cluster';
const keepFor = 30 * 24 * 3_600_000;

/**
 * The configured name, else what the store remembers, else the answer of `ask` (the uid of the namespace kube-system), which is then
 * remembered: loading what asks the API server takes longer than a cold start may. Several clusters on one store need configured names.
 */
export async function clusterOf(configured: string | undefined, store: Store, ask: () => Promise<Result<string>>): Promise<Result<string>> {
  if (configured !== undefined && configured !== '') return { ok: true, value: configured };
  const known = (await store.readIndex([key]))[0]?.[0]?.member;
  if (known !== undefined) return { ok: true, value: known };
  const answer = await ask();
  if (answer.ok) await rememberCluster(store, answer.value);
  return answer;
}

export async function rememberCluster(store: Store, uid: string): Promise<void> {
  await store.putIndex([{ key, member: uid, score: 0 }], keepFor, 1);
}
