// `rkt stop`: has systemd stop the pod unit, which stops the apps first. Returns when all have ended.

import { readAppStatus, writeAppStatus } from "./app-status.ts";
import { appUnitNames } from "./app-unit.ts";
import type { Command, Context } from "./command.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import type { Pod } from "./pod.ts";
import { PodStore, podState } from "./pod-store.ts";
import { uuidArguments } from "./rm.ts";
import { systemctl } from "./systemctl.ts";

/** Longer than any grace period that makes sense; systemd kills what does not end in its own. */
const stopTimeoutMs = 24 * 3_600_000;

export const stop: Command = {
  name: "stop",
  synopsis: "[--force] UUID… | --uuid-file=FILE",
  flags: { force: "boolean", "uuid-file": "string" },
  run: (context) => {
    const uuids = uuidArguments(context);
    if (uuids.length === 0) return context.usage();
    let failures = 0;
    for (const uuid of uuids) {
      try {
        context.print(`${stopOne(uuid, context)}\n`);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        context.tell(error.message);
        failures++;
      }
    }
    if (failures === 0) return 0;
    context.tell(`failed to stop ${failures} pod(s)`);
    return 254;
  },
};

/** What to say about it. */
function stopOne(argument: string, context: Context): string {
  const pod = withFileErrors("cannot get pod", () => new PodStore(context.dir).find(argument));
  const state = podState(pod);
  if (state === "exited" || state === "exited garbage") return `pod "${pod.uuid}" is already stopped`;
  const unit = pod.read("unit");
  if (state !== "running" || unit === undefined) throw new EngineError(`pod "${pod.uuid}" is not running`);
  if (context.flags.isSet("force")) kill(pod);
  systemctl(["stop", "--", unit], stopTimeoutMs);
  return `"${pod.uuid}"`;
}

/** Marked first: an app that was killed on purpose has no exit code. */
function kill(pod: Pod): void {
  const running = pod
    .apps()
    .filter(({ name }) => readAppStatus(`${pod.path}/status/${name}`)?.kind !== "exited");
  for (const { name } of running) writeAppStatus(`${pod.path}/status/${name}`, "forced");
  if (running.length > 0) systemctl(["kill", "--signal=KILL", "--", ...appUnitNames(pod.uuid, running)]);
}
