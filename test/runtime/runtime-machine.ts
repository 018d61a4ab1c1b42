// A machine for the runtime port made of rkt and systemd: the built-in engine, a real systemd, real images; and Pods to run on it.

import { join } from "node:path";
import { systemClock, systemTimers } from "../../src/host/clock.ts";
import { createLog } from "../../src/host/log.ts";
import { type ConfigObjects, noConfigObjects } from "../../src/pod/config-objects.ts";
import type { PodEvent } from "../../src/pod/event.ts";
import { specHash } from "../../src/pod/hash.ts";
import type { PodUid, RktUuid } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import type { Container, Pod } from "../../src/pod/pod.ts";
import { createRunHook } from "../../src/probe/run-hook.ts";
import type { Attempt } from "../../src/reconcile/runtime.ts";
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
import { removeUnits } from "../e2e/machine.ts";
import { plainAttempt, plainContainer, plainLife, plainPodSpec } from "../plain-pod.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const main = join(import.meta.dir, "../../src/main.ts");
const log = createLog({ write: () => undefined, isJournal: false, isDebug: false, wallMs: Date.now });
const { signal } = new AbortController();

export class RuntimeMachine implements AsyncDisposable {
  readonly #dir: TempDir;
  readonly #systemd: Systemd;
  readonly #bootId: string;
  readonly events: PodEvent[] = [];
  objects: ConfigObjects = noConfigObjects;
  runtime: RktRuntime;

  private constructor(dir: TempDir, systemd: Systemd, bootId: string) {
    this.#dir = dir;
    this.#systemd = systemd;
    this.#bootId = bootId;
    this.runtime = this.#createRuntime();
  }

  static async create(): Promise<RuntimeMachine> {
    const dir = await tempDir();
    await writeAci(`${dir.path}/busybox.aci`);
    const systemd = new Systemd({ log });
    await systemd.start(signal);
    const bootId = (await Bun.file("/proc/sys/kernel/random/boot_id").text()).trim();
    return new RuntimeMachine(dir, systemd, bootId);
  }

  get path(): string {
    return this.#dir.path;
  }

  get image(): string {
    return `${this.path}/busybox.aci`;
  }

  /** What the agent has in memory is lost. */
  restartAgent(): void {
    this.runtime = this.#createRuntime();
  }

  get #rkt(): RktClient {
    return new RktClient({
      command: [process.execPath, main, "rkt"],
      options: { dir: `${this.path}/rkt`, insecureOptions: ["image"] },
    });
  }

  #createRuntime(): RktRuntime {
    const { path } = this;
    const rkt = this.#rkt;
    const directories = new PodDirectories(path);
    const objects = () => this.objects;
    const unitDir = "/run/systemd/system";
    const clock = systemClock;
    const common = { rkt, systemd: this.#systemd, directories, unitDir, bootId: this.#bootId, clock, log };
    const messages = new TerminationMessages({ directories, isBuiltin: true });
    const hostIP = () => "127.0.0.1";
    const pulls = new Pulls({
      ...{ rkt, clock, log, atOnce: 1 },
      credentials: new PullCredentials({ runDir: path, files: [], objects }),
      fetched: new FetchedImages(path),
      onDiskFull: () => undefined,
    });
    return new RktRuntime({
      ...common,
      observer: new Observer({ ...common, messages }),
      files: new PodFiles({ acts: machineActs, directories, objects, hostIP, clock, log, isBuiltin: false }),
      images: new Images({ rkt, pulls, log, onActivity: () => undefined, record: () => undefined }),
      garbage: { noteDiskFull: () => undefined, noteChange: () => undefined },
      network: "default",
      hostIP,
      runHook: createRunHook({
        enter: (...asked) => rkt.enter(...asked),
        timers: systemTimers,
        version: "test",
      }),
      record: (event) => void this.events.push(event),
      stage1Name: "",
      stage1Path: "",
      isBuiltin: true,
      missingPids: () => undefined,
    });
  }

  /** On the host's network, with a container `main`, and 2 seconds to end. */
  makePod(name: string, container: Partial<Container>, spec: Partial<Pod["spec"]> = {}): Pod {
    const main = { ...plainContainer, image: this.image, ...container };
    return {
      uid: `uid-${name}` as PodUid,
      namespace: "default",
      name,
      labels: {},
      annotations: {},
      specHash: specHash([name, ...main.command]),
      source: { file: `/etc/gantry/manifests/${name}.yaml`, document: 0 },
      spec: { ...plainPodSpec, containers: [main], terminationGracePeriodSeconds: 2, ...spec },
      life: plainLife,
      wire: {},
    };
  }

  async revision(uuid: RktUuid): Promise<Revision> {
    const { revisions } = await this.runtime.observe(signal);
    const found = revisions.find((revision) => revision.uuid === uuid);
    if (found === undefined) throw new Error(`${uuid} is not there`);
    return found;
  }

  /** Resolves as soon as it is started. */
  async launch(pod: Pod, attempt: Partial<Attempt> = {}): Promise<RktUuid> {
    const uuid = await this.runtime.prepare(pod, { ...plainAttempt, ...attempt }, signal);
    await this.runtime.start(uuid, signal);
    return uuid;
  }

  /** Resolves once all its apps run. */
  async start(pod: Pod, attempt: Partial<Attempt> = {}): Promise<Revision> {
    const uuid = await this.launch(pod, attempt);
    return waitUntil(`the apps of ${pod.name} to run`, async () => {
      const revision = await this.revision(uuid);
      return revision.apps.every(({ state }) => state.kind === "running") && revision;
    });
  }

  /** Runs a command in its container `main`, and resolves with the exit code. */
  async enter(uuid: RktUuid, ...command: readonly string[]): Promise<number | undefined> {
    return (await this.#rkt.enter(uuid, "main", command, { timeoutMs: 10_000, signal })).exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#systemd[Symbol.asyncDispose]();
    await removeUnits(this.path);
    await this.#dir[Symbol.asyncDispose]();
  }
}
