/** The faults of a simulated run and their rates. */
import type { FaultRates } from './faulty-store.ts';

export interface Plan {
  readonly title: string;
  /** Everything arrives within the lateness allowed, clocks included: then the output must be that of the direct replay. */
  readonly inTime: boolean;
  readonly replicas: number;
  readonly rates: FaultRates;
  /** How wrong the clock of a replica may be. */
  readonly skewMostMs: number;
  readonly delayMostMs: number;
  /** After the Event nothing goes wrong with its delivery any more. */
  readonly surelyAfterMs: number;
  /** Chances: that it comes once more, that the answer to a delivery is lost. */
  readonly copies: number;
  readonly copyDelayMostMs: number;
  readonly answersLost: number;
  /** Chances for each replica and step. */
  readonly sweeps: number;
  readonly crashes: number;
  readonly sinkFails: number;
  /** When the store is away for all, ms since the first Event. */
  readonly away: readonly (readonly [from: number, to: number])[];
}

/** Delay, retries, slow calls and the clocks of two replicas together stay below the lateness of 10 s. */
const inTimeFigures = { skewMostMs: 1_500, delayMostMs: 4_000, surelyAfterMs: 4_500, arrivalMostMs: 400 };
const minute = 60_000;

export function planOf(random: () => number): Plan {
  const inTime = random() < 0.7;
  const level = random() < 0.15 ? 0 : random();
  const some = (most: number) => most * level * random();
  const late = { skewMostMs: some(60_000), delayMostMs: some(5 * minute), surelyAfterMs: 10 * minute, arrivalMostMs: some(90_000) };
  const { arrivalMostMs, ...figures } = inTime ? inTimeFigures : late;
  const replicas = 1 + Math.floor(random() * 3);
  const awayFrom = random() * 5 * minute;
  return {
    title: `${inTime ? 'in time' : 'late'}, ${replicas} replicas, trouble ${level.toFixed(2)}`,
    inTime,
    replicas,
    rates: { before: some(0.1), after: some(0.1), slow: some(0.1), arrivalMostMs, workMostMs: random() < 0.5 ? 400 : some(150_000) },
    ...figures,
    copies: random(),
    copyDelayMostMs: random() < 0.5 ? 3_000 : 10 * minute,
    answersLost: some(0.5),
    sweeps: 0.1 + 0.9 * random(),
    crashes: some(0.1),
    sinkFails: some(0.8),
    away: inTime || random() < 0.5 ? [] : [[awayFrom, awayFrom + some(10 * minute)]],
  };
}
