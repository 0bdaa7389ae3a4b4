/** Slower than usual: a phase held against the last 20 changes of the same workload and kind. */
import { durationText } from '../../../shared/events/quantity.ts';
import { samplesMin, slowerByMs, type UsualPhase } from '../../../shared/history/queries/usual.ts';
import { type Html, html, nothing } from '../html/html.ts';

/** The phase of the whole change. */
export const total = 'total';

/** Times its usual length (p50) when it took clearly longer than usual (p95); else null. */
export function timesUsual({ tookMs, p50Ms, p95Ms, samples }: UsualPhase): number | null {
  if (p50Ms === null || p95Ms === null || samples < samplesMin || tookMs <= p95Ms + slowerByMs) return null;
  return tookMs / Math.max(p50Ms, 1);
}

export function timesText(times: number): string {
  return `${times >= 9.95 ? Math.round(times).toLocaleString('en') : times.toFixed(1)} × usual`;
}

export function msText(ms: number): string {
  return durationText(ms * 1_000);
}

/** Which phase stands out; the whole change only where no phase does. */
export function slowest(phases: readonly UsualPhase[]): { readonly phase: string; readonly times: number } | null {
  const slow = phases.flatMap((phase) => {
    const times = timesUsual(phase);
    return times === null ? [] : [{ phase: phase.phase, times }];
  });
  const parts = slow.filter(({ phase }) => phase !== total && phase !== 'rollout');
  return (parts.length > 0 ? parts : slow).sort((a, b) => b.times - a.times)[0] ?? null;
}

/** For the list: what stands out, else how long it usually takes. */
export function usualCell(phases: readonly UsualPhase[]): Html {
  const slow = slowest(phases);
  const whole = phases.find(({ phase }) => phase === total);
  const usually = whole?.p50Ms === null || whole === undefined || whole.samples < samplesMin ? null : msText(whole.p50Ms);
  const about =
    whole === undefined || usually === null
      ? ''
      : `usually ${usually} (p50), ${msText(whole.p95Ms ?? 0)} (p95) of the last ${whole.samples}`;
  if (slow !== null)
    return html`<span class="slow" title="${about}">${timesText(slow.times)}${slow.phase === total || slow.phase === 'rollout' ? '' : `: ${slow.phase}`}</span>`;
  return usually === null ? nothing : html`<span class="muted" title="${about}">${usually}</span>`;
}
