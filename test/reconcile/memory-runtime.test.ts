// The fake keeps the contract too, so that what is tested with it holds with the real one.

import { type Behaviour, runtimeContract } from "../contract/runtime.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryRuntime } from "../fakes/memory-runtime.ts";
import { basePod } from "./base-world.ts";

const containers: Readonly<
  Record<Behaviour, { image: string; command: readonly string[]; configMap?: string }>
> = {
  runs: { image: "busybox", command: ["sleep", "1000"] },
  mountsSettings: { image: "busybox", command: ["sleep", "1000"], configMap: "settings" },
  exits0: { image: "busybox", command: ["sh", "-c", "exit 0"] },
  exits3: { image: "busybox", command: ["sh", "-c", "exit 3"] },
  imageMissing: { image: "missing", command: [] },
  programMissing: { image: "busybox", command: ["/missing"] },
};

runtimeContract("memory", async () => {
  const runtime = new MemoryRuntime(new FakeClock());
  return {
    runtime,
    makePod: (name, behaviour) => basePod({ name, ...containers[behaviour] }),
    setObjects(objects) {
      runtime.objects = objects;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
});
