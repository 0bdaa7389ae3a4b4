/** The name of this cluster: every function must use the same one, or each Event would have several identities. */
import type { Result } from '../events/json.ts';
import type { Store } from './store.ts';

const key = 'cluster';
const keepFor = 30 * 24 * 3_600_000;

/**
 * The configured name, else the stored one, else the answer of `ask` (the uid of the namespace kube-system), which is then stored: loading
 * the API client would take too long for a cold start. Several clusters on one store need configured names.
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
