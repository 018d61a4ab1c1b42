// `gantry explain pod`: why a pod is not Ready.

import { printable } from "../pod/printable.ts";
import { AgentClient } from "./agent-client.ts";
import { type PodsOptions, podsNamed } from "./describe.ts";
import { nameOf } from "./find-pods.ts";
import { print } from "./output.ts";

/** Resolves with the exit code. */
export async function runExplain(what: readonly string[], options: PodsOptions): Promise<number> {
  const client = await AgentClient.create(options);
  const pods = await podsNamed(client, what, options.namespace);
  for (const pod of pods) {
    const { namespace, name } = nameOf(pod);
    const answer = await client.ask(`/pods/${namespace}/${name}/explain`, { accept: "text/plain" });
    await print((await answer.text()).split("\n").map(printable).join("\n"));
  }
  return 0;
}
