// The parameters of a log request: kubectl's, decoded strictly, since a misspelt one would silently show the wrong lines.

import { badValue, checkNames, flag, wholeNumber } from "./parameters.ts";
import { RequestError } from "./request-error.ts";

export interface LogQuery {
  readonly container: string | undefined;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number | undefined;
  readonly limitBytes: number | undefined;
}

const names = [
  "container",
  "follow",
  "previous",
  "timestamps",
  "tailLines",
  "sinceSeconds",
  "sinceTime",
  "limitBytes",
];

/** Throws RequestError 400 that names the parameter. `nowMs` is the wall clock, for `sinceSeconds`. */
export function decodeLogQuery(parameters: URLSearchParams, nowMs: number): LogQuery {
  checkNames(parameters, names);
  const sinceSeconds = wholeNumber(parameters, "sinceSeconds", 1);
  const sinceTimeMs = time(parameters, "sinceTime");
  if (sinceSeconds !== undefined && sinceTimeMs !== undefined) {
    throw new RequestError(400, "At most one of sinceSeconds and sinceTime may be given");
  }
  return {
    container: parameters.get("container") || undefined,
    follow: flag(parameters, "follow") ?? false,
    previous: flag(parameters, "previous") ?? false,
    timestamps: flag(parameters, "timestamps") ?? false,
    tailLines: wholeNumber(parameters, "tailLines", 0),
    sinceMs: sinceSeconds === undefined ? sinceTimeMs : nowMs - sinceSeconds * 1000,
    limitBytes: wholeNumber(parameters, "limitBytes", 1),
  };
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function time(parameters: URLSearchParams, name: string): number | undefined {
  // A `+` that was not escaped arrives as a blank.
  const text = parameters.get(name)?.replace(" ", "+");
  if (text === undefined) return undefined;
  const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw badValue(name, text, "a time like 2026-01-02T15:04:05Z");
  return ms;
}
