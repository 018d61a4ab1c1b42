// The parameters of a log request: Kubernetes' (v1.PodLogOptions), and `allRevisions` of ours.

import type { PodLogQuery } from "../pod/pod-log.ts";
import { badValue, checkNames, flag, wholeNumber } from "./parameters.ts";
import { RequestError } from "./request-error.ts";

export interface LogQuery
  extends Pick<PodLogQuery, "container" | "follow" | "revisions" | "tailLines" | "sinceUs"> {
  readonly timestamps: boolean;
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
  "stream",
  "allRevisions",
  "insecureSkipTLSVerifyBackend",
];

/** Throws RequestError 400 that names the parameter. `nowMs` is the wall clock, for `sinceSeconds`. */
export function decodeLogQuery(parameters: URLSearchParams, nowMs: number): LogQuery {
  checkNames(parameters, names);
  const sinceSeconds = wholeNumber(parameters, "sinceSeconds", 1);
  const sinceTimeUs = time(parameters, "sinceTime");
  if (sinceSeconds !== undefined && sinceTimeUs !== undefined) {
    throw new RequestError(400, "At most one of sinceSeconds and sinceTime may be given");
  }
  checkStream(parameters.get("stream") ?? "All");
  return {
    container: parameters.get("container") || undefined,
    follow: flag(parameters, "follow") ?? false,
    revisions: revisions(parameters),
    timestamps: flag(parameters, "timestamps") ?? false,
    tailLines: wholeNumber(parameters, "tailLines", 0),
    sinceUs: sinceSeconds === undefined ? sinceTimeUs : Math.max(0, nowMs - sinceSeconds * 1000) * 1000,
    limitBytes: wholeNumber(parameters, "limitBytes", 1),
  };
}

function revisions(parameters: URLSearchParams): LogQuery["revisions"] {
  const [isPrevious, isAll] = [flag(parameters, "previous"), flag(parameters, "allRevisions")];
  if (isPrevious && isAll)
    throw new RequestError(400, "At most one of previous and allRevisions may be given");
  return isAll ? "all" : isPrevious ? "previous" : "current";
}

/** The journal has both in one stream. */
function checkStream(stream: string): void {
  if (stream === "All") return;
  if (stream !== "Stdout" && stream !== "Stderr") throw badValue("stream", stream, "All, Stdout or Stderr");
  throw new RequestError(
    400,
    `stream: ${stream} cannot be told apart: a log has standard output and error in one`,
  );
}

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/;

/** In microseconds since the epoch, as the journal has it; what is between two of them is the later one. */
function time(parameters: URLSearchParams, name: string): number | undefined {
  // A `+` that was not escaped arrives as a blank.
  const text = parameters.get(name)?.replace(" ", "+");
  if (text === undefined) return undefined;
  const [, seconds = "", fraction = "", zone = ""] = rfc3339.exec(text) ?? [];
  const ms = Date.parse(seconds + zone);
  if (Number.isNaN(ms) || ms < 0) throw badValue(name, text, "a time like 2026-01-02T15:04:05Z");
  return ms * 1000 + Math.ceil(Number(fraction.padEnd(9, "0")) / 1000);
}
