// `rkt rm`.

import { readFileSync } from "node:fs";
import type { Command, Context } from "./command.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { usedImages } from "./image-rm.ts";
import { ImageStore } from "./image-store.ts";
import { PodStore } from "./pod-store.ts";
import { lockPod, removePod } from "./remove-pod.ts";

export const rm: Command = {
  name: "rm",
  synopsis: "UUID… | --uuid-file=FILE",
  needsRoot: true,
  flags: { "uuid-file": "string" },
  run: async (context) => {
    const uuids = uuidArguments(context);
    if (uuids.length === 0) return context.usage();
    const store = new PodStore(context.dir);
    let failures = 0;
    for (const uuid of uuids) {
      try {
        context.print(`"${await removeOne(uuid, store, context)}"\n`);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        context.tell(error.message);
        failures++;
      }
    }
    new ImageStore(context.dir).removeUnusedTrees(() => usedImages(context.dir));
    if (failures === 0) return 0;
    context.tell("failed to remove one or more pods");
    return 254;
  },
};

async function removeOne(argument: string, store: PodStore, context: Context): Promise<string> {
  let pod = withFileErrors("cannot get pod", () => store.find(argument));
  using lock = lockPod(pod);
  if (lock === undefined)
    throw new EngineError(
      pod.phase === "run" ? `pod "${pod.uuid}" is currently running` : `pod "${pod.uuid}" is busy`,
    );
  if (pod.phase === "prepared") {
    context.tell(`moving expired prepared pod "${pod.uuid}" to garbage`);
    pod = store.move(pod, "garbage");
  } else if (pod.phase === "run") pod = store.move(pod, "exited-garbage");
  await removePod(pod, store);
  return pod.uuid;
}

/** The arguments, or what a file says, a UUID a line. */
export function uuidArguments(context: Context): readonly string[] {
  const file = context.flags.text("uuid-file");
  if (file === undefined) return context.args;
  const text = withFileErrors("unable to resolve UUID from file", () => readFileSync(file, "utf8"));
  return [...context.args, ...text.split(/\s+/).filter((word) => word !== "")];
}
