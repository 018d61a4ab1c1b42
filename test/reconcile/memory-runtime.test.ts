// The fake keeps the contract too, so that what is tested with it holds with the real one.

import { type Behaviour, runtimeContract } from "../contract/runtime.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryRuntime } from "../fakes/memory-runtime.ts";
import { basePod } from "./base-world.ts";

const containers: Readonly<Record<Behaviour, { image: string; command: readonly string[] }>> = {
  runs: { image: "busybox", command: ["sleep", "1000"] },
  exits0: { image: "busybox", command: ["sh", "-c", "exit 0"] },
  exits3: { image: "busybox", command: ["sh", "-c", "exit 3"] },
  imageMissing: { image: "missing", command: [] },
  programMissing: { image: "busybox", command: ["/missing"] },
};

runtimeContract("memory", async () => ({
  runtime: new MemoryRuntime(new FakeClock()),
  makePod: (name, behaviour) => basePod({ name, ...containers[behaviour] }),
  [Symbol.asyncDispose]: async () => undefined,
}));
