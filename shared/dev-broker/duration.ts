/** Durations as the delivery of a Trigger is written: ISO 8601. */
const parts = /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const units = [7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000];

/** Milliseconds; null when it is none. Years and months are none here, since their lengths vary. */
export function parseDuration(text: string): number | null {
  const found = text.length > 60 || /[PT]$/.test(text) ? null : parts.exec(text);
  if (found === null) return null;
  return Math.round(units.reduce((sum, unit, index) => sum + Number(found[index + 1] ?? 0) * unit, 0));
}
