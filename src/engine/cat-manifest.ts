// `rkt cat-manifest`: a pod's manifest as it was prepared.

import type { Command } from "./command.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { goJson } from "./go-text.ts";
import { PodStore } from "./pod-store.ts";

export const catManifest: Command = {
  name: "cat-manifest",
  synopsis: "UUID",
  flags: { "pretty-print": "boolean" },
  run: (context) => {
    const [uuid, ...more] = context.args;
    if (uuid === undefined || more.length > 0) return context.usage();
    const manifest = withFileErrors("problem retrieving pod", () => {
      const pod = new PodStore(context.dir).find(uuid);
      const found = pod.manifest();
      if (found === undefined) throw new EngineError(`pod "${pod.uuid}" is not prepared`);
      return found;
    });
    context.print(`${goJson(manifest, context.flags.text("pretty-print") !== "false")}\n`);
    return 0;
  },
};
