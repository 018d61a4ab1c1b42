// `rkt status`.

import { readFileSync } from "node:fs";
import { readAppStatus } from "./app-status.ts";
import type { Command, Context } from "./command.ts";
import { formatFlag } from "./command-line.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { formatTime, goJson, parseDuration } from "./go-text.ts";
import { formatNetInfo, readNetInfo } from "./network/net-info.ts";
import type { Pod } from "./pod.ts";
import { exitCodeOf, podJson } from "./pod-json.ts";
import { PodStore, podState } from "./pod-store.ts";

export const status: Command = {
  name: "status",
  synopsis: "[--wait[=TIMEOUT]] [--wait-ready[=TIMEOUT]] UUID | --uuid-file=FILE",
  flags: { format: formatFlag, "uuid-file": "string", wait: "optional", "wait-ready": "optional" },
  run: async (context) => {
    const file = context.flags.text("uuid-file");
    if (context.args.length !== (file === undefined ? 1 : 0)) return context.usage();
    const store = openPods(context);
    const find = () => findPod(store, file === undefined ? (context.args[0] ?? "") : readUuid(file));
    const uuid = find().uuid;
    await waitFor("wait", "pod to finish", context, () => podState(findPod(store, uuid)) !== "running");
    await waitFor("wait-ready", "pod readiness", context, () => podState(findPod(store, uuid)) === "running");
    const pod = findPod(store, uuid);
    const format = context.flags.text("format") ?? "";
    context.print(format === "" ? plainStatus(pod) : `${goJson(podJson(pod), format === "json-pretty")}\n`);
    return 0;
  },
};

function openPods(context: Context): PodStore {
  return withFileErrors("problem retrieving pod", () => new PodStore(context.dir));
}

function findPod(store: PodStore, uuid: string): Pod {
  return withFileErrors("problem retrieving pod", () => store.find(uuid));
}

function readUuid(file: string): string {
  return withFileErrors("unable to resolve UUID from file", () => readFileSync(file, "utf8").trim());
}

/** `true`, or a time: less than zero is for ever, zero and `false` not at all. */
async function waitFor(flag: string, what: string, context: Context, isDone: () => boolean): Promise<void> {
  const text = context.flags.text(flag);
  if (text === undefined || text === "false") return;
  const ms = text === "true" ? -1 : parseDuration(text);
  if (ms === undefined) throw new EngineError(`invalid value for --${flag}: ${text}`);
  if (ms === 0) return;
  const deadline = ms < 0 ? Number.POSITIVE_INFINITY : performance.now() + ms;
  while (!isDone()) {
    if (performance.now() > deadline)
      throw new EngineError(`error waiting for ${what}: context deadline exceeded`);
    await Bun.sleep(50);
  }
}

function plainStatus(pod: Pod): string {
  const state = podState(pod);
  const [created, started] = [pod.createdNs(), pod.startedNs()];
  const lines = [`state=${state}`];
  if (created !== undefined && state !== "aborted prepare" && state !== "preparing")
    lines.push(`created=${formatTime(created)}`);
  if (started !== undefined) lines.push(`started=${formatTime(started)}`);
  if (state === "running" || state === "exited") lines.push(`networks=${formatNetInfo(readNetInfo(pod))}`);
  const pid = pod.read("pid")?.trim();
  if (pid !== undefined) lines.push(`pid=${pid}`, `exited=${state !== "running"}`);
  if (pid !== undefined && state !== "running")
    for (const { name } of pod.apps()) {
      const code = exitCodeOf(readAppStatus(`${pod.path}/status/${name}`));
      if (code !== undefined) lines.push(`app-${name}=${code}`);
    }
  return `${lines.join("\n")}\n`;
}
