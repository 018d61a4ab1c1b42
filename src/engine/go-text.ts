// How Go and rkt print values: JSON, times, durations, sizes.

/** JSON as encoding/json prints it, with tabs when `isPretty`; bigints come out as numbers. */
export function goJson(value: unknown, isPretty: boolean): string {
  const exact = (_key: string, inner: unknown) =>
    typeof inner === "bigint" ? rawJson(inner.toString()) : inner;
  return JSON.stringify(value, exact, isPretty ? "\t" : undefined).replaceAll(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** ECMAScript's JSON.rawJSON, which the types don't know yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

/** Go's layout `2006-01-02 15:04:05.999 -0700 MST`, always in UTC. */
export function formatTime(ns: bigint): string {
  const iso = new Date(Number(ns / 1_000_000n)).toISOString();
  const fraction = iso.slice(20, 23).replace(/0+$/, "");
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction === "" ? "" : `.${fraction}`} +0000 UTC`;
}

/** What Go prints for a time that was never set. */
export const zeroTime = "0001-01-01 00:00:00 +0000 UTC";

const second = 1;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const week = 7 * day;
const month = 30 * day;
const year = 12 * month;

/** From which age on, the words, and what one of them is: as rkt's lists count. */
const ages: readonly (readonly [from: number, words: string, unit: number])[] = [
  [37 * year, "a long while ago", 1],
  [2 * year, "%d years ago", year],
  [18 * month, "2 years ago", 1],
  [year, "1 year ago", 1],
  [2 * month, "%d months ago", month],
  [month, "1 month ago", 1],
  [2 * week, "%d weeks ago", week],
  [week, "1 week ago", 1],
  [2 * day, "%d days ago", day],
  [day, "1 day ago", 1],
  [2 * hour, "%d hours ago", hour],
  [hour, "1 hour ago", 1],
  [2 * minute, "%d minutes ago", minute],
  [minute, "1 minute ago", 1],
  [2 * second, "%d seconds ago", second],
  [second, "1 second ago", 1],
];

/** `12 seconds ago`, `now`, `a long while ago`; undefined is the time that was never set. */
export function formatAge(ns: bigint | undefined, nowMs: number): string {
  if (ns === undefined) return "a long while ago";
  const seconds = nowMs / 1000 - Number(ns / 1_000_000n) / 1000;
  const [, words, unit] = ages.find(([from]) => seconds >= from) ?? [0, "now", 1];
  return words.replace("%d", String(Math.floor(seconds / unit)));
}

/** `512B`, `2.0MiB`, `16MiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)}${units[unit]}`;
}

const durationUnitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of Go's `1h2m3.5s`; undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+|0)$/.exec(text);
  if (!match) return undefined;
  let ms = 0;
  for (const [, count, unit = ""] of (match[2] ?? "").matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(count) * (durationUnitMs[unit] ?? 0);
  return match[1] === "-" ? -ms : ms;
}

/** `30m0s`, as Go prints a duration of whole seconds. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${h > 0 ? `${h}h` : ""}${seconds >= 60 ? `${m}m` : ""}${s}s`;
}
