/** How changes are told: for which cluster, under which service, with how many spans. */

export interface CorrelateConfig {
  readonly cluster: string;
  /** `service.name` of root spans. */
  readonly rootService: string;
  /** At most this many spans a trace; identical siblings fold. */
  readonly budget: number;
  readonly orphans: 'digest' | 'each' | 'drop';
}

export const defaultConfig: CorrelateConfig = { cluster: '', rootService: 'knspan', budget: 1_000, orphans: 'digest' };
