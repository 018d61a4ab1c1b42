// The port made of rkt and systemd keeps the port's contract, with the built-in engine and a real systemd.

import { join } from "node:path";
import { systemClock } from "../../src/host/clock.ts";
import { createLog } from "../../src/host/log.ts";
import { noConfigObjects } from "../../src/pod/config-objects.ts";
import { specHash } from "../../src/pod/hash.ts";
import type { PodUid } from "../../src/pod/names.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { RktClient } from "../../src/rkt/rkt-client.ts";
import { FetchedImages } from "../../src/runtime/fetched-images.ts";
import { Images } from "../../src/runtime/images.ts";
import { machineActs } from "../../src/runtime/machine-acts.ts";
import { Observer } from "../../src/runtime/observe.ts";
import { PodDirectories } from "../../src/runtime/pod-directory.ts";
import { PodFiles } from "../../src/runtime/pod-files.ts";
import { PullCredentials } from "../../src/runtime/pull-credentials.ts";
import { Pulls } from "../../src/runtime/pulls.ts";
import { RktRuntime } from "../../src/runtime/rkt-runtime.ts";
import { TerminationMessages } from "../../src/runtime/termination-message.ts";
import { Systemd } from "../../src/systemd/systemd.ts";
import { writeAci } from "../aci.ts";
import { type Behaviour, type RuntimeUnderTest, runtimeContract } from "../contract/runtime.ts";
import { removeUnits } from "../e2e/machine.ts";
import { plainContainer, plainLife, plainPodSpec } from "../plain-pod.ts";
import { configMapVolume } from "../reconcile/base-world.ts";
import { tempDir } from "../temp-dir.ts";

const main = join(import.meta.dir, "../../src/main.ts");
const log = createLog({ write: () => undefined, isJournal: false, isDebug: false, wallMs: Date.now });

const commands: Readonly<Record<Behaviour, readonly string[]>> = {
  runs: ["/bin/sleep", "100000"],
  mountsSettings: ["/bin/sleep", "100000"],
  exits0: ["/bin/true"],
  exits3: ["/bin/sh", "-c", "exit 3"],
  imageMissing: ["/bin/true"],
  programMissing: ["/no/such/program"],
};

runtimeContract("rkt and systemd, with the built-in engine", async () => {
  const dir = await tempDir();
  const image = `${dir.path}/busybox.aci`;
  await writeAci(image);
  const rkt = new RktClient({
    command: [process.execPath, main, "rkt"],
    options: { dir: `${dir.path}/rkt`, insecureOptions: ["image"] },
  });
  const systemd = new Systemd({ log });
  await systemd.start(new AbortController().signal);
  const directories = new PodDirectories(dir.path);
  const unitDir = "/run/systemd/system";
  const bootId = (await Bun.file("/proc/sys/kernel/random/boot_id").text()).trim();
  let objects = noConfigObjects;
  const clock = systemClock;
  const messages = new TerminationMessages({ directories, isBuiltin: true });
  const observer = new Observer({ rkt, systemd, directories, messages, unitDir, bootId, clock, log });
  const files = new PodFiles({
    acts: machineActs,
    ...{ directories, objects: () => objects, hostIP: () => "192.0.2.1", clock, log },
    isBuiltin: false,
  });
  const pulls = new Pulls({
    ...{ rkt, clock, log, atOnce: 1 },
    credentials: new PullCredentials({ runDir: dir.path, files: [], objects: () => objects }),
    fetched: new FetchedImages(dir.path),
    onDiskFull: () => undefined,
  });
  const images = new Images({ rkt, pulls, log, onActivity: () => undefined, record: () => undefined });
  const garbage = { noteDiskFull: () => undefined, noteChange: () => undefined };
  const options = {
    rkt,
    systemd,
    observer,
    directories,
    files,
    images,
    garbage,
    unitDir,
    bootId,
    network: "default",
    log,
    hostIP: () => "127.0.0.1",
    runHook: async () => undefined,
    record: () => undefined,
  };
  return {
    runtime: new RktRuntime({
      ...options,
      stage1Name: "",
      stage1Path: "",
      clock,
      isBuiltin: true,
      missingPids: () => undefined,
    }),
    makePod(name, behaviour) {
      const pod = makePod(
        name,
        commands[behaviour],
        behaviour === "imageMissing" ? `${image}.missing` : image,
      );
      return behaviour === "mountsSettings"
        ? { ...pod, spec: { ...pod.spec, volumes: [configMapVolume("settings")] } }
        : pod;
    },
    setObjects(changed) {
      objects = changed;
    },
    async [Symbol.asyncDispose]() {
      await systemd[Symbol.asyncDispose]();
      await removeUnits(dir.path);
      await dir[Symbol.asyncDispose]();
    },
  } satisfies RuntimeUnderTest;
});

function makePod(name: string, command: readonly string[], image: string): Pod {
  return {
    uid: `uid-${name}` as PodUid,
    namespace: "default",
    name,
    labels: {},
    annotations: {},
    specHash: specHash([name, ...command]),
    source: { file: `/etc/gantry/manifests/${name}.yaml`, document: 0 },
    spec: {
      ...plainPodSpec,
      containers: [{ ...plainContainer, image, command }],
      terminationGracePeriodSeconds: 2,
    },
    life: plainLife,
    wire: {},
  };
}
