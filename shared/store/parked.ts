/** What is parked waits for a person, who may not come: what had to go for the newest is counted and said, by all who park. */
import type { Log } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';

/** To be told of each parking how many were lost for it. */
export function parkedLost(metrics: Metrics, log: Log): (count: number) => void {
  const help = 'Of what was put aside for a person: the oldest, for which there was no room';
  const lost = metrics.counter('knspan_parked_lost_total', help, {});
  return (count) => {
    if (count === 0) return;
    lost.add({}, count);
    log.sampled('lost', 5)?.error('lost the oldest of what was put aside: too much waits for a person', { count });
  };
}
