/** Counts and durations as a person reads them. */
import type { Micros } from './observation.ts';

/** `1 event`, `1,234 events` */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString('en')} ${thing}${count === 1 ? '' : 's'}`;
}

/** `812 bytes`, `12.3 kB`, `1.2 MB` */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return counted(bytes, 'byte');
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** From here on hours say too much. */
const daysFrom = 3 * 86_400;

/** `12 ms`, `1.2 s`, `3 m 04 s`, `2 h 10 m`, `11 d`. */
export function durationText(micros: Micros): string {
  if (micros < 1_000) return '< 1 ms';
  const ms = micros / 1_000;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, '0')} s`;
  if (whole >= daysFrom) return `${Math.round(whole / 86_400)} d`;
  return `${Math.floor(whole / 3_600)} h ${String(Math.floor((whole % 3_600) / 60)).padStart(2, '0')} m`;
}

/** No more exact than times that Kubernetes cut to the second allow. */
export function uncertainDurationText(micros: Micros, uncertainty: Micros): string {
  if (uncertainty < 1_000_000 || micros >= 60 * uncertainty) return durationText(micros);
  return micros < uncertainty ? `< ${uncertainty / 1_000_000} s` : `~ ${Math.round(micros / 1_000_000)} s`;
}
