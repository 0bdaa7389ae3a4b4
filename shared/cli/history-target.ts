/** Which history a command means: that of --data, else that of DATABASE_URL, else the one in the user's folder for state. */
import { join, resolve } from 'node:path';
import { defaultDataFolder } from '../history/embedded/data-folder.ts';
import type { Environment } from '../process/settings.ts';

export type HistoryTarget = { readonly kind: 'url'; readonly url: string } | { readonly kind: 'folder'; readonly folder: string };

export function historyTarget(data: string | undefined, environment: Environment): HistoryTarget {
  const url = environment['DATABASE_URL']?.trim() ?? '';
  if (data === undefined && url !== '') return { kind: 'url', url };
  return { kind: 'folder', folder: resolve(data ?? defaultDataFolder(environment)) };
}

/** In the data folder: what the correlator held when it was stopped. */
export function pendingFileIn(folder: string): string {
  return join(folder, 'pending');
}
