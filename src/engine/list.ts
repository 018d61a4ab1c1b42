// `rkt list`.

import { systemClock } from "../host/clock.ts";
import { appcVersion } from "../rkt/appc.ts";
import type { Command, Context } from "./command.ts";
import { formatFlag } from "./command-line.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { formatAge, formatTime, goJson, zeroTime } from "./go-text.ts";
import { ImageStore, imageLabel } from "./image-store.ts";
import { formatNetInfo, readNetInfo } from "./network/net-info.ts";
import type { Pod } from "./pod.ts";
import { type PodJson, podJson } from "./pod-json.ts";
import { PodStore, podState } from "./pod-store.ts";
import { formatTable } from "./table.ts";

export const list: Command = {
  name: "list",
  synopsis: "",
  flags: { format: formatFlag, full: "boolean", "no-legend": "boolean" },
  run: (context) => {
    const pods = withFileErrors("failed to get pod handles", () => new PodStore(context.dir).list());
    const format = context.flags.text("format") ?? "";
    if (format === "") context.print(table(pods, context));
    else printJson(pods, format === "json-pretty", context);
    return 0;
  },
};

/** Pods that are not prepared, or whose prepare was aborted, are left out and counted as errors. */
function printJson(pods: readonly Pod[], isPretty: boolean, context: Context): void {
  const told: PodJson[] = [];
  const errors: string[] = [];
  for (const pod of pods) {
    try {
      told.push(podJson(pod));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      errors.push(error.message);
    }
  }
  context.print(`${goJson(told.length === 0 ? null : told, isPretty)}\n`);
  if (errors.length === 0) return;
  const rule = "-".repeat(40);
  context.tell(`${errors.length} error(s) encountered when listing pods:`);
  for (const error of errors) {
    context.tell(rule);
    context.tell(error);
  }
  for (const line of [rule, "misc:", `  rkt's appc version: ${appcVersion}`, ""]) context.tell(line);
}

function table(pods: readonly Pod[], context: Context): string {
  const isFull = context.flags.isSet("full");
  const legend = isFull
    ? ["UUID", "APP", "IMAGE NAME", "IMAGE ID", "STATE", "CREATED", "STARTED", "NETWORKS"]
    : ["UUID", "APP", "IMAGE NAME", "STATE", "CREATED", "STARTED", "NETWORKS"];
  const labels = new ImageLabels(context.dir);
  const now = systemClock.wallMs();
  const rows = pods.flatMap((pod) => podRows(pod, isFull, labels, now));
  const all = context.flags.isSet("no-legend") ? rows : [legend, ...rows];
  return all.length === 0 ? "\n" : formatTable(all);
}

function podRows(pod: Pod, isFull: boolean, labels: ImageLabels, now: number): string[][] {
  const isMade = pod.phase !== "embryo" && pod.phase !== "prepare";
  const apps = isMade ? pod.apps() : [];
  const created = isMade ? pod.createdNs() : undefined;
  const started = pod.startedNs();
  const time = (ns: bigint | undefined) =>
    isFull ? (ns === undefined ? zeroTime : formatTime(ns)) : formatAge(ns, now);
  const networks = formatNetInfo(readNetInfo(pod));
  const end = [podState(pod), time(created), started === undefined ? "" : time(started), networks];
  const uuid = isFull ? pod.uuid : pod.uuid.slice(0, 8);
  if (apps.length === 0) return [[uuid, "-", "-", ...(isFull ? ["-"] : []), ...end]];
  return apps.map(({ name, image }, index) => {
    const id = isFull ? [image.id.slice(0, "sha512-".length + 12)] : [];
    const app = [name, labels.of(image.id, image.name ?? "-"), ...id];
    return index === 0 ? [uuid, ...app, ...end] : ["", ...app, "", "", "", ""];
  });
}

/** `name:version` of images; what the pod manifest says of one that is gone. */
class ImageLabels {
  readonly #labels: ReadonlyMap<string, string>;
  constructor(dataDir: string) {
    this.#labels = new Map(
      new ImageStore(dataDir).list().map(({ id, manifest }) => [id, imageLabel(manifest)]),
    );
  }
  of(id: string, otherwise: string): string {
    return this.#labels.get(id.slice(0, "sha512-".length + 64)) ?? otherwise;
  }
}
