/** Child processes that never outlive this process, with a single exit listener. */
import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function owned<C extends ChildProcess>(child: C): C {
  running.add(child);
  return child.once('exit', () => running.delete(child));
}
