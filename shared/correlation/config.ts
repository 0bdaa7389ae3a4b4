/** How changes are rendered: cluster, service name, number of spans. */

export interface CorrelateConfig {
  readonly cluster: string;
  /** `service.name` of root spans. */
  readonly rootService: string;
  /** Max spans per trace; similar siblings are folded. */
  readonly budget: number;
  readonly orphans: 'digest' | 'each' | 'drop';
}

export const defaultConfig: CorrelateConfig = { cluster: '', rootService: 'knspan', budget: 1_000, orphans: 'digest' };
