// The composition root: builds everything, starts it in order, and ends it in the reverse one.
// Invariant: the pods are not ours to end. However the agent ends, they run on.

import { mkdir, readFile } from "node:fs/promises";
import { openEndpoint } from "./agent-endpoint.ts";
import { AgentNode } from "./agent-node.ts";
import { checkVersions, rktOptions } from "./agent-rkt.ts";
import type { LiveConfig } from "./config/live-config.ts";
import { hostAddress } from "./host/address.ts";
import { systemClock, systemTimers } from "./host/clock.ts";
import { lockDirectory } from "./host/directory-lock.ts";
import { errorChain } from "./host/error.ts";
import { KeptFile } from "./host/kept-file.ts";
import type { Log } from "./host/log.ts";
import { trimMemoryWhenIdle } from "./host/memory.ts";
import { isConfined, openOutside } from "./host/outside.ts";
import { parseAcceptedPod } from "./manifest/accepted.ts";
import { ManifestDirectory } from "./manifest/directory.ts";
import { type CheckOptions, createCheck } from "./probe/check.ts";
import type { Remembered } from "./probe/probed-container.ts";
import { Prober } from "./probe/prober.ts";
import { createRunHook } from "./probe/run-hook.ts";
import { probeTargets } from "./probe/targets.ts";
import { type PassReport, Reconciler } from "./reconcile/reconciler.ts";
import { RktClient } from "./rkt/rkt-client.ts";
import { buildRuntime } from "./runtime/build-runtime.ts";
import { findRkt } from "./runtime/find-rkt.ts";
import { Leftovers } from "./runtime/leftovers.ts";
import { machineActs, machineActsOutside } from "./runtime/machine-acts.ts";
import { PodDirectories } from "./runtime/pod-directory.ts";
import { Service } from "./service.ts";
import { EventStore } from "./status/events.ts";
import { Health } from "./status/health.ts";
import { StatusStore } from "./status/store.ts";
import { EventJournal } from "./systemd/event-journal.ts";
import { createNotifier, takeNotifySocket, watchdogIntervalMs } from "./systemd/notify.ts";
import { Systemd } from "./systemd/systemd.ts";
import { sharedPids } from "./systemd/version.ts";
import { version } from "./version.ts";

/** A pass that has not ended after this time hangs: observe() has deadlines of its own that are shorter. A test does not wait that long. */
const hungAfterMs = Number((process.env.FAULT_POINTS && process.env.FAULT_HUNG_MS) || 180_000);

export interface AgentContext {
  readonly self: readonly [program: string, ...args: string[]];
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Until told to end. Throws what keeps it from running. */
export async function runAgent(live: LiveConfig, { self, log, signal }: AgentContext): Promise<void> {
  const config = live.current;
  const clock = systemClock;
  await using stack = new AsyncDisposableStack();
  await mkdir(config.runDir, { recursive: true, mode: 0o755 });
  // Two agents with one directory of units would each remove the other's pods, and one state is not for two.
  stack.use(await lockForOne(config.unitDir, "--unit-dir"));
  stack.use(await lockForOne(config.stateDir, "--state-dir"));
  const outside = isConfined() ? await openOutside(`${config.runDir}/outside`) : undefined;
  const acts = outside === undefined ? machineActs : machineActsOutside(self, outside);
  const directories = new PodDirectories(config.stateDir, acts.unmountBelow);
  const found = await findRkt(config.rkt.path, process.env.PATH ?? "", self);
  const rkt = new RktClient({ command: found.command, options: rktOptions(config, found), outside });
  const systemd = stack.use(new Systemd({ address: process.env.DBUS_SYSTEM_BUS_ADDRESS, log }));
  /** Known once systemd has told its version. */
  let shared: string | undefined;
  const status = new StatusStore({
    clock,
    hostIP: hostAddress,
    events: () => events.list(),
    sharedPids: () => shared,
  });
  const eventJournal = new EventJournal(config.stateDir);
  const events = new EventStore({
    clock,
    nodeName: config.nodeName,
    isInitContainer: (key, container) => status.isInitContainer(key, container),
    write: (event) => eventJournal.write(event),
  });
  const { record } = events;
  const health = new Health(["reconcile", "manifests", "systemd", "endpoint"], clock.wallMs());
  const rktDir = rktOptions(config, found).dir ?? "/var/lib/rkt";
  const node = stack.use(
    new AgentNode({
      ...{ ...config, rktDir, isBuiltin: found.isBuiltin, directories, status, record },
      desired: () => manifests.desired,
      probeCounts: () => prober.counts,
      wake: () => reconciler.wake("shortage"),
      ...{ clock, timers: systemTimers, log, version },
    }),
  );
  const manifests = stack.use(
    new ManifestDirectory({
      path: config.manifestPath,
      nodeName: config.nodeName,
      accepted: await directories.accepted(log),
      memoryFile: `${config.stateDir}/manifests.json`,
      clock,
      log,
      record,
      onChange() {
        node.noteManifests();
        reconciler.wake("manifests");
      },
    }),
  );
  const means: CheckOptions = { enter: (...asked) => rkt.enter(...asked), timers: systemTimers, version };
  const parts = {
    ...config,
    rkt,
    isBuiltin: found.isBuiltin,
    rktDir,
    systemd,
    directories,
    acts,
    stage1Name: config.rkt.stage1Name,
    stage1Path: config.rkt.stage1Path,
    bootId: (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim(),
    objects: () => manifests.desired.objects,
    hostIP: hostAddress,
    runHook: createRunHook(means),
    missingPids: () => (live.current.engine.requireIsolation ? shared : undefined),
    record,
    clock,
    log,
  };
  const { runtime, garbage, fetched } = await buildRuntime({
    ...parts,
    onImageActivity: (key, change) => status.reportImages(key, change),
    onDiskFull: () => node.pressure.noteDiskFull(),
    onImageCollected: () => node.metrics.countCollectedImage(),
  });
  stack.use(garbage);
  const leftovers = stack.use(
    new Leftovers({
      ...config,
      removeOfRkt: () => runtime.removeLeftovers(),
      ...{ stuck: node.stuck, clock, timers: systemTimers, log },
    }),
  );
  let cancelTrim: () => void = () => undefined;
  stack.defer(() => cancelTrim());
  const memory = new KeptFile<readonly Remembered[]>(`${config.runDir}/probes.json`, log);
  stack.defer(() => memory.flush());
  const prober = stack.use(
    new Prober({
      check: createCheck(means),
      clock,
      timers: systemTimers,
      random: Math.random,
      memory,
      recalled: (await memory.recall()) ?? [],
      onChange: () => reconciler.wake("health"),
      record,
      log,
    }),
  );
  const reconciler = new Reconciler({
    runtime: node.measure(runtime, () => leftovers.noteChange()),
    desired: () => manifests.desired,
    health: () => prober.health,
    evict: () => node.pressure.shortage().evicted,
    isDiskShort: () => node.pressure.shortage().isDiskShort,
    parseAccepted: (record) => parseAcceptedPod(record).pod,
    record,
    clock,
    timers: systemTimers,
    log,
    onPass(report) {
      cancelTrim();
      cancelTrim = trimMemoryWhenIdle(systemTimers);
      if (report.kind === "observed") prober.update(probeTargets(report, hostAddress()));
      reportPass(report, status, health);
      node.notePass(report);
      if (report.kind === "observed") service.summarize(`${report.desired.pods.length} pods`);
    },
  });
  const service = stack.use(
    new Service({
      notifier: createNotifier(takeNotifySocket(process.env)),
      config: live,
      log,
      hung: () => loopCheck(reconciler, clock.nowMs()).error,
      watchdogMs: watchdogIntervalMs(process.env, process.pid),
      onReload() {
        node.setEvictionHard(live.current.evictionHard);
        reconciler.wake("resync");
      },
    }),
  );
  stack.use(
    await openEndpoint({
      ...parts,
      ...{ live, self, outside, status, events, manifests, reconciler, node, fetched, health },
      checkLoop: () => loopCheck(reconciler, clock.nowMs()),
    }),
  );

  await systemd.start(signal);
  const systemdVersion = await systemd.version(signal);
  await checkVersions(systemdVersion, { rkt, isBuiltin: found.isBuiltin }, signal);
  if (found.isBuiltin) shared = sharedPids(systemdVersion);
  await leftovers.removeHalves();
  void leftovers.sweep();
  await manifests.start(signal);
  await node.start(garbage);
  stack.defer(systemd.onChange(() => reconciler.wake("units")));
  log.info("started", { version, rkt: found.command.join(" "), manifests: config.manifestPath });
  service.ready();
  process.on("SIGHUP", () => void service.reload());
  const restored = restoreEvents(events, eventJournal, { log, signal });
  stack.defer(() => restored);
  await reconciler.run(signal);
  service.stopping();
  log.info("ending; the pods run on");
}

async function lockForOne(directory: string, flag: string): Promise<AsyncDisposable> {
  const lock = await lockDirectory(directory);
  if (lock !== undefined) return lock;
  throw new Error(
    `another gantry agent is running (${directory} is locked); stop it, or give each its own ${flag}`,
  );
}

/** Of earlier agents. Nobody waits for it, as the journal may be long. */
async function restoreEvents(
  events: EventStore,
  journal: EventJournal,
  { log, signal }: Pick<AgentContext, "log" | "signal">,
): Promise<void> {
  try {
    events.restore(await journal.read(signal));
  } catch (error) {
    if (!signal.aborted)
      log.warn("Cannot read earlier events from the journal", { error: errorChain(error) });
  }
}

function reportPass(report: PassReport, status: StatusStore, health: Health): void {
  const wallMs = systemClock.wallMs();
  if (report.kind === "unobserved") {
    health.report("reconcile", `cannot look at the machine: ${report.error}`, wallMs);
    return;
  }
  health.report("reconcile", undefined, wallMs);
  const { desired, observation, health: probed, plan } = report;
  const { pods, waiting } = plan;
  status.update({ desired: { ...desired, pods }, observation, waiting, health: probed });
}

/** Fails only where a restart of the agent would mend it. */
function loopCheck(reconciler: Reconciler, nowMs: number): { name: string; error: string | undefined } {
  const { passStartedMs } = reconciler;
  const passMs = passStartedMs === undefined ? 0 : nowMs - passStartedMs;
  // A pass waits for nothing else.
  const error = `the look at rkt and systemd has not ended for ${Math.round(passMs / 1000)} s`;
  return { name: "loop", error: passMs > hungAfterMs ? error : undefined };
}
