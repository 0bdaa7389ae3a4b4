/** Opens a page in the browser of whoever sits at this terminal. */
import { spawn } from 'node:child_process';
import type { Environment } from '../../process/settings.ts';

/** The program that opens a URL; null: nobody sees a browser here. */
export function openerOf(platform: NodeJS.Platform, environment: Environment, isTerminal: boolean): string | null {
  if (!isTerminal || environment['SSH_CONNECTION']) return null;
  if (platform === 'darwin') return 'open';
  return platform === 'linux' && (environment['DISPLAY'] || environment['WAYLAND_DISPLAY']) ? 'xdg-open' : null;
}

/** Does nothing where there is no browser: the URL is printed as well. */
export function openBrowser(url: string): void {
  const opener = openerOf(process.platform, process.env, process.stdout.isTTY === true);
  if (opener === null) return;
  spawn(opener, [url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
