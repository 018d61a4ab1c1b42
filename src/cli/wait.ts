// `gantry wait`: until pods are as they should be.
// Invariant: exit code 0 only when every one of them was seen so.

import type { Pod } from "kubernetes-types/core/v1";
import { isJsonObject, type Json } from "../pod/json.ts";
import { summarizePod } from "../pod/pod-summary.ts";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { parseDurationMs } from "./duration.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { isNamed, nameOf, podNameIn, podTypes } from "./find-pods.ts";
import { print } from "./output.ts";
import { pullingOf, showProgress } from "./progress.ts";
import { decodeLabelSelector } from "./selector.ts";
import { watchList } from "./watch-list.ts";

export interface WaitOptions extends ServerOptions {
  readonly namespace: string;
  readonly for: string;
  readonly timeout: string;
  readonly all?: boolean;
  readonly selector?: string;
}

/** Resolves with the exit code. */
export async function runWait(what: readonly string[], options: WaitOptions): Promise<number> {
  const goal = parseGoal(options.for);
  const timeoutMs = parseTimeoutMs(options.timeout);
  const names = namesIn(what, options);
  const hasLabels = options.selector === undefined ? () => true : decodeLabelSelector(options.selector);
  const isMeant = (pod: Pod) =>
    nameOf(pod).namespace === options.namespace && hasLabels(pod.metadata?.labels ?? {});
  const client = await AgentClient.create(options);
  const deadline = AbortSignal.timeout(timeoutMs || onceMs);
  let open: readonly string[] = names;
  try {
    const pods = new Map<string, Pod>();
    for await (const change of watchList<Pod>(client, "/pods", deadline)) {
      if (change.type === "LISTED") pods.clear();
      for (const pod of change.type === "LISTED" ? change.items : [change.item]) {
        if (!isMeant(pod)) continue;
        if (change.type === "DELETED") pods.delete(nameOf(pod).name);
        else pods.set(nameOf(pod).name, pod);
      }
      if (names.length === 0 && open.length === 0 && change.type === "LISTED") {
        open = [...pods.keys()];
        if (open.length === 0 && options.for === "delete") return 0;
        if (open.length === 0) throw new CommandFailure("No pods are meant (gantry get pods -A lists them)");
      }
      const found = (name: string) => [...pods.values()].find((pod) => isNamed(pod, name));
      const reached = open.filter((name) => goal.isReached(found(name)));
      open = open.filter((name) => !reached.includes(name));
      showProgress(undefined);
      for (const name of reached) await print(`pod/${found(name)?.metadata?.name ?? name} ${goal.done}\n`);
      if (open.length === 0) return 0;
      if (timeoutMs === 0) throw timedOut(open);
      showProgress(waitingText(open.map(found)));
    }
    return 0;
  } catch (error) {
    showProgress(undefined);
    throw deadline.aborted ? timedOut(open) : error;
  }
}

/** For one look. */
const onceMs = 30_000;

/** As with kubectl: of 0 it is looked at once, a negative one is a week. */
function parseTimeoutMs(text: string): number {
  return text.startsWith("-") ? 7 * 24 * 3_600_000 : parseDurationMs("--timeout", text);
}

function timedOut(open: readonly string[]): CommandFailure {
  const [first] = open;
  if (first === undefined) return new CommandFailure("timed out before the pods were listed");
  const names = open.map((name) => `pod/${name}`).join(", ");
  return new CommandFailure(`timed out waiting for ${names} (gantry explain pod/${first} tells why)`);
}

interface Goal {
  isReached(pod: Pod | undefined): boolean;
  readonly done: string;
}

/** `condition=Ready`, `condition=Ready=false`, `delete`, `jsonpath={.status.phase}=Running`. */
function parseGoal(text: string): Goal {
  if (text === "delete") return { isReached: (pod) => pod === undefined, done: "deleted" };
  const condition = /^condition=([^=]+)(?:=(.+))?$/.exec(text);
  if (condition) {
    const [, type = "", wanted = "true"] = condition;
    return {
      isReached: (pod) => conditionOf(pod, type) === wanted.toLowerCase(),
      done: "condition met",
    };
  }
  const [, path, value] = /^jsonpath=\{?\.?([^{}=]+)\}?(?:=(.*))?$/.exec(text) ?? [];
  if (path === undefined)
    throw new UsageError(
      `wait: --for must be like condition=Ready, delete or jsonpath={.status.phase}=Running, not ${JSON.stringify(text)}`,
    );
  return {
    isReached(pod) {
      const found = pod === undefined ? undefined : valueAt(pod as unknown as Json, path);
      return value === undefined ? found !== undefined : String(found) === value;
    },
    done: "condition met",
  };
}

function conditionOf(pod: Pod | undefined, type: string): string | undefined {
  return pod?.status?.conditions
    ?.find((each) => each.type.toLowerCase() === type.toLowerCase())
    ?.status.toLowerCase();
}

/** `status.containerStatuses[0].ready`. */
function valueAt(value: Json, path: string): Json | undefined {
  let at: Json | undefined = value;
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (index !== undefined) at = Array.isArray(at) ? (at as readonly Json[])[Number(index)] : undefined;
    else at = isJsonObject(at) ? at[name ?? ""] : undefined;
  }
  return at;
}

function namesIn(what: readonly string[], { all, selector }: WaitOptions): readonly string[] {
  const [first = "", ...rest] = what;
  const names = (podTypes.includes(first) ? rest : what).map(podNameIn);
  if (names.length === 0 && !all && selector === undefined)
    throw new UsageError(
      "wait: name pods, as in: gantry wait pod/web --for=condition=Ready (or --all, or -l)",
    );
  return names;
}

function waitingText(pods: readonly (Pod | undefined)[]): string {
  const [first] = pods;
  const pulling = pods.map((pod) => pod && pullingOf(pod)).find((text) => text !== undefined);
  if (pulling !== undefined) return pulling;
  return first === undefined
    ? "waiting for it to appear"
    : `${nameOf(first).name}: ${summarizePod(first).status}`;
}
