// The port made of rkt and systemd keeps the port's contract, with the built-in engine and a real systemd.

import { type Behaviour, type RuntimeUnderTest, runtimeContract } from "../contract/runtime.ts";
import { configMapVolume } from "../reconcile/base-world.ts";
import { RuntimeMachine } from "./runtime-machine.ts";

const commands: Readonly<Record<Behaviour, readonly string[]>> = {
  runs: ["/bin/sleep", "100000"],
  endsLate: ["/bin/sh", "-c", "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done"],
  mountsSettings: ["/bin/sleep", "100000"],
  exits0: ["/bin/true"],
  exits3: ["/bin/sh", "-c", "exit 3"],
  imageMissing: ["/bin/true"],
  programMissing: ["/no/such/program"],
};

runtimeContract("rkt and systemd, with the built-in engine", async () => {
  const machine = await RuntimeMachine.create();
  return {
    runtime: machine.runtime,
    makePod(name, behaviour) {
      const image = behaviour === "imageMissing" ? `${machine.image}.missing` : machine.image;
      const volumes = behaviour === "mountsSettings" ? [configMapVolume("settings")] : [];
      return machine.makePod(name, { image, command: commands[behaviour] }, { volumes });
    },
    setObjects(objects) {
      machine.objects = objects;
    },
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  } satisfies RuntimeUnderTest;
});
