// `rkt run-prepared`: starts a pod's apps as systemd services and becomes the shell that waits for their end.
// Invariant: whatever fails, no app runs without its pod unit, since each is bound to it.

import { constants, fstatSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { becomeProgram } from "../host/become.ts";
import { errorChain } from "../host/error.ts";
import { faultPoint } from "../host/fault-point.ts";
import { replaceStdin } from "../host/libc.ts";
import { graceSecondsMin } from "../pod/grace.ts";
import { podUnitName } from "../pod/names.ts";
import { type AppcPodManifest, engineAnnotations } from "../rkt/appc.ts";
import { annotation, isAnnotated } from "./annotation.ts";
import { appStart, hasOwnPids } from "./app-isolation.ts";
import { writeAppStart } from "./app-start.ts";
import { mainScript, writeAppStatus } from "./app-status.ts";
import { type AppUnitOptions, appUnitNames, appUnitText } from "./app-unit.ts";
import type { Command, Context } from "./command.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { ImageStore } from "./image-store.ts";
import { limitEntries } from "./limits.ts";
import { lockWithin } from "./lock.ts";
import { appInNetwork } from "./network/app-in-network.ts";
import { networkDirectories } from "./network/configured-networks.ts";
import { releaseDeadNetworks } from "./network/dead-networks.ts";
import { hasNetwork, joinNetwork, releaseNetwork, setUpNetwork } from "./network/pod-network.ts";
import { type RequestedNetworks, requestedNetworks } from "./network/requested-networks.ts";
import type { Pod } from "./pod.ts";
import { mountDevices } from "./pod-devices.ts";
import { mountPod, podMounts, unmountPod } from "./pod-file-systems.ts";
import { PodStore } from "./pod-store.ts";
import { writeResolverFiles } from "./resolver-files.ts";
import { systemctl, systemdVersion, unitPlace } from "./systemctl.ts";
import { removeAppUnits, writeAppUnits } from "./unit-files.ts";

const unitFlag = (name: string) =>
  /^gantry-[0-9a-z-]+\.service$/.test(name) ? undefined : `${name} is no unit of a pod or an app`;

/** Beyond rkt: a pod in the network of another that runs, and what its apps are started after, or before (systemd.unit(5)). */
const gantryFlags = {
  "gantry-apps-after": unitFlag,
  "gantry-apps-before": unitFlag,
  "gantry-join-network": "string",
} as const;

export const runPrepared: Command = {
  name: "run-prepared",
  synopsis: "[--net=NETWORK[,NETWORK…]] UUID",
  needsRoot: true,
  flags: {
    ...gantryFlags,
    dns: "strings",
    "dns-domain": "string",
    "dns-opt": "strings",
    "dns-search": "strings",
    hostname: "string",
    "hosts-entry": "strings",
    "mds-register": "boolean", // accepted: there is no metadata service
    net: "optional",
    "no-overlay": "boolean", // accepted: an overlay is used all the same
  },
  run: async (context) => {
    const [uuid, ...more] = context.args;
    if (uuid === undefined || more.length > 0) return context.usage();
    const store = new PodStore(context.dir);
    const prepared = withFileErrors("problem retrieving pod", () => store.find(uuid));
    const notPrepared = () => new EngineError(`pod "${prepared.uuid}" is not prepared`);
    if (prepared.phase !== "prepared") throw notPrepared();
    const requested = requestedNetworks(context.flags.list("net"));
    const place = unitPlace(readFileSync("/proc/self/cgroup", "utf8"));
    const scope = podUnitName(prepared.uuid).replace(/\.service$/, ".scope");
    if (place.unit !== podUnitName(prepared.uuid) && place.unit !== scope) return becomeScope(scope, context);

    const lock = lockWithin(2000, prepared.uuid, openSync(prepared.lockPath, constants.O_RDWR), "exclusive");
    const pod = withLockedPod(() => store.move(prepared, "run"), notPrepared);
    await releaseDeadNetworks(store, context.tell);
    const units = await startApps(pod, { ...place, unit: place.unit, requested }, context);
    // What it starts inherits the lock, which so is held for as long as the pod lives.
    replaceStdin(lock.fd);
    return becomeProgram(
      "/bin/sh",
      ["sh", "-c", mainScript(releaseCommand(pod, context)), "sh", ...units],
      process.env,
    );
  },
};

/** Somebody else may have been faster. */
function withLockedPod(move: () => Pod, notPrepared: () => EngineError): Pod {
  try {
    return move();
  } catch (error) {
    throw error instanceof Error && "code" in error && error.code === "ENOENT" ? notPrepared() : error;
  }
}

/** Run by hand: the pod unit is a scope around us. */
function becomeScope(scope: string, { self, argv }: Context): never {
  const systemdRun = Bun.which("systemd-run") ?? "/usr/bin/systemd-run";
  const args = ["systemd-run", "--quiet", "--scope", `--unit=${scope}`, "--collect", "--", ...self, ...argv];
  return becomeProgram(systemdRun, args, process.env);
}

interface StartOptions {
  readonly unit: string;
  readonly slice: string | undefined;
  readonly requested: RequestedNetworks;
}

async function startApps(
  pod: Pod,
  { unit, slice, requested }: StartOptions,
  context: Context,
): Promise<readonly string[]> {
  const manifest = pod.manifest();
  if (!manifest?.apps || manifest.apps.length === 0) throw new EngineError("pod has no apps");
  const units = appUnitNames(pod.uuid, manifest.apps);
  try {
    const images = new ImageStore(context.dir);
    const mounts = manifest.apps.map((app) => podMounts(pod, manifest, app, images));
    const directories = networkDirectories(context.flags.text("local-config"));
    const owner = context.flags.text("gantry-join-network");
    const network =
      owner === undefined
        ? await setUpNetwork(pod, { requested, directories, manifest })
        : joinNetwork(pod, new PodStore(context.dir).find(owner));
    const hostname = context.flags.text("hostname");
    const apps = manifest.apps.map((app) => appInNetwork(app, { ip: network.ip, hostname }));
    const resolverFiles = writeResolverFiles(pod, context.flags, network);
    mountPod(pod, apps, images);
    mountDevices(pod.path, { isHostIpc: isAnnotated(manifest, engineAnnotations.hostIpc) });
    const common = {
      uuid: pod.uuid,
      podUnit: unit,
      slice,
      podPath: pod.path,
      self: context.self,
      graceSeconds: graceSeconds(manifest),
      after: context.flags.texts("gantry-apps-after"),
      before: context.flags.texts("gantry-apps-before"),
      output: unit.endsWith(".scope") ? ownOutput(context) : undefined,
    };
    const version = systemdVersion();
    const texts = apps.map((app, index) => {
      const ownPids = hasOwnPids(app, manifest, version);
      const start = appStart(app, {
        pod,
        manifest,
        mounts: [...resolverFiles, ...(mounts[index] ?? [])],
        network: network.namespace,
        hostname,
        ownPids,
        insecure: context.insecure,
      });
      writeAppStart(pod.path, app.name, start);
      return appUnitText({
        ...common,
        app: app.name,
        limits: app.app ? limitEntries(app.app, version) : [],
        hasOwnPids: ownPids,
        hasAllDevices: start.root.hasAllDevices || context.insecure.has("paths"),
      });
    });
    writeAppUnits(units, texts);
    for (const app of apps) writeAppStatus(`${pod.path}/status/${app.name}`, "waiting");
    writeFileSync(`${pod.path}/unit`, unit);
    writeFileSync(`${pod.path}/pid`, String(process.pid));
    if (process.env.FAULT_POINTS) faultPoint("starting apps");
    // `fail`: bound to the pod unit, they would start that too, which else cancels a stop of it that has come meanwhile.
    systemctl(["start", "--job-mode=fail", "--", ...units]);
    if (process.env.FAULT_POINTS) faultPoint("started apps");
  } catch (error) {
    removeAppUnits(units);
    await unmountPod(pod);
    await releaseNetwork(pod).catch((failure: unknown) => context.tell(errorChain(failure)));
    throw error;
  }
  return units;
}

/** What the pod's main process ends with; a pod whose end is not seen is found by the next one that starts, and by gc. */
function releaseCommand(pod: Pod, { self, dir }: Context): string | undefined {
  if (!hasNetwork(pod)) return undefined;
  const argv = [...self, `--dir=${dir}`, "network-release", pod.uuid];
  return argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** What the pod manifest's annotation says; a pod that is run by hand has ten seconds. */
function graceSeconds(manifest: AppcPodManifest): number {
  const text = annotation(manifest, engineAnnotations.gracePeriod) ?? "";
  return /^\d{1,9}$/.test(text) ? Math.max(graceSecondsMin, Number(text)) : 10;
}

/** Our own standard output and error, as files that systemd can open; undefined where one is a socket, which nobody can. */
function ownOutput({ tell }: Context): AppUnitOptions["output"] {
  if (!fstatSync(1).isSocket() && !fstatSync(2).isSocket())
    return { stdout: `/proc/${process.pid}/fd/1`, stderr: `/proc/${process.pid}/fd/2` };
  tell("the output of the apps is in the journal, since systemd cannot open a socket");
  return undefined;
}
