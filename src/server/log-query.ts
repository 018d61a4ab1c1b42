// The parameters of a log request: kubectl's, decoded strictly, since a misspelt one would silently show the wrong lines.

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
  for (const name of parameters.keys()) {
    if (!names.includes(name)) {
      throw new RequestError(400, `Unknown parameter ${JSON.stringify(name)}; there are ${names.join(", ")}`);
    }
  }
  const sinceSeconds = wholeNumber(parameters, "sinceSeconds", 1);
  const sinceTimeMs = time(parameters, "sinceTime");
  if (sinceSeconds !== undefined && sinceTimeMs !== undefined) {
    throw new RequestError(400, "At most one of sinceSeconds and sinceTime may be given");
  }
  return {
    container: parameters.get("container") || undefined,
    follow: flag(parameters, "follow"),
    previous: flag(parameters, "previous"),
    timestamps: flag(parameters, "timestamps"),
    tailLines: wholeNumber(parameters, "tailLines", 0),
    sinceMs: sinceSeconds === undefined ? sinceTimeMs : nowMs - sinceSeconds * 1000,
    limitBytes: wholeNumber(parameters, "limitBytes", 1),
  };
}

function flag(parameters: URLSearchParams, name: string): boolean {
  const text = parameters.get(name);
  if (text === null || text === "false" || text === "0") return false;
  if (text === "" || text === "true" || text === "1") return true;
  throw badValue(name, text, "true or false");
}

function wholeNumber(parameters: URLSearchParams, name: string, least: number): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw badValue(name, text, `a whole number of at least ${least}`);
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

function badValue(name: string, text: string, wanted: string): RequestError {
  return new RequestError(400, `${name}: ${JSON.stringify(text)} is not ${wanted}`);
}
