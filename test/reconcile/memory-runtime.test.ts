// The fake keeps the contract too, so that what is tested with it holds with the real one.

import { podKeyOf } from "../../src/pod/names.ts";
import { type Behaviour, runtimeContract } from "../contract/runtime.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { MemoryRuntime } from "../fakes/memory-runtime.ts";
import { basePod } from "./base-world.ts";
import { gate } from "./loop.ts";

const containers: Readonly<
  Record<Behaviour, { image: string; command: readonly string[]; configMap?: string }>
> = {
  runs: { image: "busybox", command: ["sleep", "1000"] },
  endsLate: { image: "busybox", command: ["sleep", "1000"] },
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
    makePod(name, behaviour) {
      const pod = basePod({ name, ...containers[behaviour] });
      if (behaviour === "endsLate") runtime.faults.set("stop", gate(podKeyOf(pod)).fault);
      return pod;
    },
    canBeTold: async () => true,
    hasBeenTold: async ({ uuid }) =>
      runtime.revisions.some((one) => one.uuid === uuid && one.state.kind === "stopping"),
    setObjects(objects) {
      runtime.objects = objects;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
});
