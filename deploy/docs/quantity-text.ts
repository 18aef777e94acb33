/**
 * Numbers of options and constants as people read them: the unit stands at the end of their names.
 */

const KIB = 1024;
const BYTE_UNITS = [
  ['GiB', KIB ** 3],
  ['MiB', KIB ** 2],
  ['KiB', KIB],
] as const;

/** `262144` of a name that ends in Bytes becomes `262144 (256 KiB)`; without unit, the number alone. */
export function quantityText(name: string, value: number): string {
  const short = shortText(name, value);
  return short === undefined ? String(value) : `${value} (${short})`;
}

function shortText(name: string, value: number): string | undefined {
  if (value === 0) return undefined;
  if (/(?:bytes|_BYTES)$/i.test(name)) return bytesText(value);
  if (/Ms$|_MS$/.test(name)) return value < 10 ? undefined : durationText(value / 1000);
  return /Seconds$|_SECONDS$/.test(name) ? durationText(value) : undefined;
}

function bytesText(bytes: number): string | undefined {
  const unit = BYTE_UNITS.find(([, size]) => bytes % size === 0);
  return unit === undefined ? undefined : `${bytes / unit[1]} ${unit[0]}`;
}

function durationText(seconds: number): string {
  if (seconds >= 86_400) return `${round(seconds / 86_400)} days`;
  if (seconds >= 3_600) return `${round(seconds / 3_600)} h`;
  if (seconds >= 120) return `${round(seconds / 60)} min`;
  return `${round(seconds)} s`;
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
