// A pod as rkt tells of it, read from `list`/`status --format=json` and from the plain list.
// Invariant: pure; all times are milliseconds since the epoch, whatever rkt's unit was.

import { type ImageId, isRktUuid, type RktUuid } from "../pod/names.ts";
import { nanosecondsToMs, object, objectList, parseRktJson, string } from "./rkt-json.ts";
import { RktOutputError } from "./rkt-output-error.ts";

export interface RktPod {
  readonly uuid: RktUuid;
  readonly state: RktPodState;
  /** Undefined while it is being prepared, and where that was aborted. */
  readonly createdAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly networks: readonly RktNetwork[];
  /** Empty while it is being prepared, and where rkt cannot describe them (an app without an `app` section: not ours). */
  readonly apps: readonly RktApp[];
}

/** rkt's own words, blanks included. */
const podStates = [
  "embryo",
  "preparing",
  "aborted prepare",
  "prepared",
  "running",
  "exited",
  "exited garbage",
  "exited deleting",
  "deleting",
  "garbage",
] as const;
export type RktPodState = (typeof podStates)[number];

export interface RktNetwork {
  readonly name: string;
  /** IPv4. */
  readonly ip: string;
}

export interface RktApp {
  readonly name: string;
  readonly state: RktAppState;
  /** Undefined while it runs, and where rkt kept none (fly, SIGKILL). */
  readonly exitCode: number | undefined;
  readonly imageId: ImageId;
  readonly createdAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  /** Only of a pod that is garbage, and then the time of that: rkt keeps no better one. */
  readonly finishedAtMs: number | undefined;
}

const appStates = ["created", "running", "exited", "unknown"] as const;
export type RktAppState = (typeof appStates)[number];

/** Its address; empty: it has none of its own. */
export function ipOf({ networks }: Pick<RktPod, "networks">): string {
  return networks.find(({ ip }) => ip !== "")?.ip ?? "";
}

/** The output of `list --format=json`. */
export function parsePodList(text: string): readonly RktPod[] {
  return objectList(parseRktJson(text), "the list of pods").map(toPod);
}

/** The output of `status --format=json`. */
export function parsePodStatus(text: string): RktPod {
  return toPod(object(parseRktJson(text), "the pod"));
}

function toPod(json: Readonly<Record<string, unknown>>): RktPod {
  const apps = objectList(json.apps, "apps").map(toApp);
  return {
    uuid: toUuid(string(json.name, "name")),
    state: oneOf(podStates, json.state, "state"),
    // The pod has whole seconds, and its apps the same instants in nanoseconds.
    createdAtMs: apps[0]?.createdAtMs ?? secondsToMs(json.created_at),
    startedAtMs: apps[0]?.startedAtMs ?? secondsToMs(json.started_at),
    networks: objectList(json.networks, "networks").map((network) => ({
      name: string(network.netName, "netName"),
      ip: string(network.ip, "ip"),
    })),
    apps,
  };
}

function toApp(json: Readonly<Record<string, unknown>>): RktApp {
  const exitCode = json.exit_code;
  return {
    name: string(json.name, "app name"),
    state: oneOf(appStates, json.state, "app state"),
    exitCode: typeof exitCode === "number" ? exitCode : undefined,
    imageId: string(json.image_id, "image_id") as ImageId,
    createdAtMs: nanosecondsToMs(json.created_at),
    startedAtMs: nanosecondsToMs(json.started_at),
    finishedAtMs: nanosecondsToMs(json.finished_at),
  };
}

/**
 * The output of `list --full --no-legend`: every pod, without its apps. Columns are parted by one tab or more, so only
 * the last ones may be empty; a line that begins with a tab tells of one more app of the pod above.
 */
export function parsePodTable(text: string): readonly RktPod[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("\t"))
    .map((line) => {
      const [uuid = "", _app, _imageName, _imageId, state, created = "", started = "", networks = ""] =
        line.split(/\t+/);
      return {
        uuid: toUuid(uuid),
        state: oneOf(podStates, state, "state"),
        createdAtMs: parseTime(created),
        startedAtMs: parseTime(started),
        networks: parseNetworks(networks),
        apps: [],
      };
    });
}

/** `2026-11-23 23:48:01.539 +0000 UTC`, in the host's zone; the year 1 stands for none. */
function parseTime(text: string): number | undefined {
  const [, day, time, zone] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) ([+-]\d{4}) /.exec(text) ?? [];
  if (day === undefined || day.startsWith("0001-")) return undefined;
  const ms = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `default:ip4=172.16.28.2, other:ip4=10.1.0.2`. */
function parseNetworks(text: string): readonly RktNetwork[] {
  return [...text.matchAll(/([^\s,]+?):ip4=([0-9.]+)/g)].map(([, name = "", ip = ""]) => ({ name, ip }));
}

function toUuid(text: string): RktUuid {
  if (isRktUuid(text)) return text;
  throw new RktOutputError("not a pod's UUID", text);
}

function oneOf<const Word extends string>(words: readonly Word[], value: unknown, what: string): Word {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new RktOutputError(`unknown ${what}`, String(value));
  return word;
}

function secondsToMs(value: unknown): number | undefined {
  return typeof value === "number" ? value * 1000 : undefined;
}
