// The unit that runs a revision, and what it remembers: the text written by podUnitText() is all that the agent needs to adopt a pod.
// Invariant: a unit without a complete [X-Gantry] is not ours, whatever its name.

import { graceSecondsMin } from "../pod/grace.ts";
import {
  isPodUid,
  isRktUuid,
  type PodUid,
  podKeyOf,
  podSliceName,
  type RktUuid,
  type SpecHash,
  type UnitName,
} from "../pod/names.ts";
import { containersStage, parseStage, type Stage, serializeStage } from "../pod/stage.ts";
import {
  escapeSpecifiers,
  execCommand,
  parseUnitFile,
  serializeUnitFile,
  type UnitEntry,
  unitValues,
} from "./unit-file.ts";

/** What a pod unit's file tells, [X-Gantry] above all. */
export interface PodUnit {
  readonly pod: {
    readonly uid: PodUid;
    readonly name: string;
    readonly namespace: string;
    readonly hostNetwork: boolean;
  };
  readonly restartCount: number;
  /** The crash back-off that was waited for before this revision was started. */
  readonly backOffMs: number;
  /** When it was prepared, on Clock.nowMs's clock of that boot; it may have waited long for the end of what it replaces. */
  readonly preparedMs: number;
  readonly specHash: SpecHash;
  /** Absolute path of the manifest file. */
  readonly manifest: string;
  readonly stage: Stage;
  /** The pod whose network namespace it runs in. */
  readonly networkOf: RktUuid | undefined;
  readonly graceSeconds: number;
}

/** Units that a pod's is started after, and so stopped before, or the other way round. */
export interface UnitOrder {
  readonly after: readonly UnitName[];
  readonly before: readonly UnitName[];
}

export interface PodUnitOptions extends PodUnit {
  readonly uuid: RktUuid;
  readonly execStart: readonly string[];
  /** Written when the pod ends, see parseFinished(). Its directory must be there. */
  readonly finishedFile: string;
  readonly order: UnitOrder;
  /** What it has to do once its apps have ended may take this long, however short their grace period. */
  readonly tidySeconds?: number | undefined;
  readonly seLinuxContext?: string | undefined;
}

/** How a pod unit ended, on the clock of the boot in which it did. */
export interface Finished {
  /** Milliseconds since that boot: Clock.nowMs. */
  readonly uptimeMs: number;
  readonly bootId: string;
  /** `success`, `exit-code`, `signal`, `timeout` … ($SERVICE_RESULT, systemd.exec(5)). */
  readonly serviceResult: string;
  /** `exited`, `killed`, `dumped`; undefined where there was no main process. */
  readonly exitCode: string | undefined;
  /** A number, or a signal's name without `SIG`; undefined where there was no main process. */
  readonly exitStatus: string | undefined;
  /** A stop was under way: by us, by hand, by the machine's shutdown. What rkt says of the apps then is 0, whatever they did. */
  readonly isStopRequested: boolean;
}

/**
 * $0 is the file, $1 the unit. The uptime is Clock.nowMs's clock, which a step of the wall clock does not touch. Whether a stop was
 * requested only the unit's job tells: the built-in engine's apps are stopped first, and then the main process ends by itself.
 */
const finishScript = [
  "read -r uptime idle </proc/uptime",
  "read -r boot </proc/sys/kernel/random/boot_id",
  'case $(systemctl show --property=Job "$1") in Job=[1-9]*) why=stop ;; *) why=end ;; esac',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  'echo "$uptime $boot ${SERVICE_RESULT:--} ${EXIT_CODE:--} ${EXIT_STATUS:--} $why" >"$0.tmp" && mv -f "$0.tmp" "$0" || rm -f "$0.tmp"',
].join("; ");

export function podUnitText(options: PodUnitOptions): string {
  const { uuid, pod, seLinuxContext } = options;
  const stage = options.stage.kind === "containers" ? "" : `, ${serializeStage(options.stage)}`;
  const description = `Pod ${podKeyOf(pod)}${stage} (rkt ${uuid.slice(0, 8)})`;
  // The built-in engine's apps are units that are stopped before this one (BindsTo=, After=), each with this grace period of its own: here
  // it is for what the engine does then. With a real rkt it is what the apps inside get altogether.
  const grace = Math.max(options.graceSeconds, graceSecondsMin);
  const timeoutStopSec = Math.max(grace, options.tidySeconds ?? 0);
  // `-`: a full disk must not turn a pod that ended well into a failed one.
  const execStopPost = `-${execCommand(["/bin/sh", "-c", finishScript, options.finishedFile])} %n`;
  return serializeUnitFile([
    {
      name: "Unit",
      entries: [
        ["Description", escapeSpecifiers(description)],
        ...options.order.after.map((unit): UnitEntry => ["After", unit]),
        ...options.order.before.map((unit): UnitEntry => ["Before", unit]),
      ],
    },
    {
      name: "Service",
      entries: [
        ["Slice", podSliceName(pod.uid)],
        ["ExecStart", execCommand(options.execStart)],
        ["ExecStopPost", execStopPost],
        ["KillMode", "mixed"],
        ["TimeoutStopSec", `${timeoutStopSec}s`],
        ...(seLinuxContext === undefined
          ? []
          : ([["SELinuxContext", escapeSpecifiers(seLinuxContext)]] satisfies UnitEntry[])),
      ],
    },
    {
      name: "X-Gantry",
      entries: [
        ["PodUID", pod.uid],
        ["PodName", pod.name],
        ["PodNamespace", pod.namespace],
        ["PodHostNetwork", String(pod.hostNetwork)],
        ["RestartCount", String(options.restartCount)],
        ["BackOffMs", String(options.backOffMs)],
        ["PreparedMs", String(options.preparedMs)],
        ["SpecHash", options.specHash],
        ["Stage", serializeStage(options.stage)],
        ...(options.networkOf === undefined
          ? []
          : ([["NetworkOf", options.networkOf]] satisfies UnitEntry[])),
        ...(grace === timeoutStopSec ? [] : ([["GraceSeconds", `${grace}s`]] satisfies UnitEntry[])),
        // As JSON, since a file name may hold what a unit file can't: a newline, a blank or a backslash at its end.
        ["Manifest", JSON.stringify(options.manifest)],
      ],
    },
  ]);
}

/** Undefined for a unit that is not ours. Keys that a later gantry may add are ignored. */
export function parsePodUnit(text: string): PodUnit | undefined {
  const file = parseUnitFile(text);
  const value = (key: string, pattern = /./) =>
    unitValues(file, "X-Gantry", key).find((candidate) => pattern.test(candidate));
  const uid = value("PodUID");
  const name = value("PodName");
  const namespace = value("PodNamespace");
  const hostNetwork = value("PodHostNetwork", /^(true|false)$/);
  const restartCount = value("RestartCount", /^\d{1,15}$/);
  const backOffMs = value("BackOffMs", /^\d{1,15}$/);
  const preparedMs = value("PreparedMs", /^\d{1,15}$/);
  const specHash = value("SpecHash", /^[0-9a-f]+$/);
  const manifest = parseJsonString(value("Manifest"));
  // A unit of an earlier gantry has neither: all containers were one run, in a network of their own.
  const stage = parseStage(value("Stage") ?? serializeStage(containersStage));
  const networkOf = value("NetworkOf");
  if (
    uid === undefined ||
    !isPodUid(uid) ||
    name === undefined ||
    namespace === undefined ||
    hostNetwork === undefined ||
    restartCount === undefined ||
    backOffMs === undefined ||
    preparedMs === undefined ||
    specHash === undefined ||
    manifest === undefined ||
    stage === undefined ||
    (networkOf !== undefined && !isRktUuid(networkOf))
  )
    return undefined;
  return {
    pod: { uid, name, namespace, hostNetwork: hostNetwork === "true" },
    restartCount: Number(restartCount),
    backOffMs: Number(backOffMs),
    preparedMs: Number(preparedMs),
    specHash: specHash as SpecHash,
    manifest,
    stage,
    networkOf,
    graceSeconds: graceSeconds(value("GraceSeconds") ?? unitValues(file, "Service", "TimeoutStopSec").at(-1)),
  };
}

/** systemd's own default where somebody has changed the setting to what we never write. */
function graceSeconds(timeoutStopSec: string | undefined): number {
  return Number(/^(\d+)s$/.exec(timeoutStopSec ?? "")?.[1] ?? 90);
}

/** Undefined for what is no complete marker: a crash of the machine may leave an empty one. */
export function parseFinished(text: string): Finished | undefined {
  const [uptime = "", bootId = "", serviceResult = "", exitCode = "", exitStatus = "", why, ...rest] = text
    .trimEnd()
    .split(" ");
  if (!/^\d+\.\d+$/.test(uptime) || (why !== "stop" && why !== "end") || rest.length > 0) return undefined;
  return {
    uptimeMs: Math.round(Number(uptime) * 1000),
    bootId,
    serviceResult,
    exitCode: exitCode === "-" ? undefined : exitCode,
    exitStatus: exitStatus === "-" ? undefined : exitStatus,
    isStopRequested: why === "stop",
  };
}

function parseJsonString(text: string | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
