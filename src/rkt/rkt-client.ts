// rkt's command line, a method a subcommand; the same for a real rkt and for the built-in engine.
// Invariant: keeps no state. Every method throws RktError when rkt fails or prints what it never prints.

import { type CommandOutput, runCommand } from "../host/command.ts";
import type { OutsideOptions } from "../host/outside.ts";
import { type ImageId, isRktUuid, type RktUuid } from "../pod/names.ts";
import type { AppcImageManifest, AppcPodManifest } from "./appc.ts";
import {
  type Argv,
  globalArgv,
  type RktGlobalOptions,
  type RunPreparedOptions,
  runPreparedArgs,
} from "./command-line.ts";
import { type Entered, type EnterOptions, runEntered } from "./enter.ts";
import type { GcOptions, RktClientOptions } from "./rkt-client-options.ts";
import { RktError } from "./rkt-error.ts";
import {
  type FetchProgress,
  parseFetchedId,
  parseFetchProgress,
  parseImageList,
  type RktImage,
} from "./rkt-image.ts";
import { parseImageManifest, parsePodManifest } from "./rkt-json.ts";
import { RktOutputError } from "./rkt-output-error.ts";
import { parsePodList, parsePodStatus, parsePodTable, type RktPod } from "./rkt-pod.ts";
import { defaultTimeouts, type RktTimeouts } from "./rkt-timeouts.ts";
import { parseRktVersion, type RktVersion } from "./version.ts";

export interface FetchOptions {
  /** `never`: the store only. `new`: what the store lacks. `update`: ask the remote side in any case. rkt's own default is `new`. */
  readonly pullPolicy?: "never" | "new" | "update";
  /** In place of the one that is configured: for credentials, which must not be arguments. */
  readonly userConfigDir?: string | undefined;
  /** Called about once a second by the engine; a real rkt tells of no progress where nobody looks. */
  readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
}

export interface PrepareOptions {
  /** Undefined or empty: rkt's own. */
  readonly stage1Name?: string | undefined;
  /** A file of it, in place of a name. */
  readonly stage1Path?: string | undefined;
  /** Copies the images; where overlayfs cannot be used (SELinux labels). */
  readonly noOverlay?: boolean;
}

export class RktClient {
  readonly #command: Argv;
  readonly #options: RktGlobalOptions;
  readonly #timeouts: RktTimeouts;
  readonly #outside: RktClientOptions["outside"];

  constructor({ command, options, timeouts, outside }: RktClientOptions) {
    this.#command = command;
    this.#options = options;
    this.#timeouts = { ...defaultTimeouts, ...timeouts };
    this.#outside = outside;
  }

  get dataDir(): string {
    return this.#options.dir || "/var/lib/rkt";
  }

  version(signal: AbortSignal): Promise<RktVersion> {
    return this.#read("tell its version", ["version"], signal, ({ stdout }) => parseRktVersion(stdout));
  }

  /** Every pod in every state, or an exception. */
  async listPods(signal: AbortSignal): Promise<readonly RktPod[]> {
    const listed = await this.#listPodsAsJson(signal);
    if (listed.isComplete) return listed.pods;
    // The plain list knows them all. A pod that is being prepared, or whose preparation was aborted, has no more than its line there.
    const rows = await this.#read(
      "list pods",
      ["list", "--full", "--no-legend"],
      signal,
      ({ stdout, stderr }) => {
        if (hasListErrors(stderr)) throw new RktOutputError("pods left out of the plain list", stderr);
        return parsePodTable(stdout);
      },
    );
    const pods = new Map(listed.pods.map((pod) => [pod.uuid, pod]));
    for (const row of rows) {
      if (pods.has(row.uuid)) continue;
      const pod = row.createdAtMs === undefined ? row : await this.#describe(row, signal);
      if (pod !== undefined) pods.set(pod.uuid, pod);
    }
    return [...pods.values()];
  }

  status(uuid: RktUuid, signal: AbortSignal): Promise<RktPod> {
    return this.#read(
      `tell the status of pod ${uuid}`,
      ["status", "--format=json", uuid],
      signal,
      ({ stdout }) => parsePodStatus(stdout),
    );
  }

  catManifest(uuid: RktUuid, signal: AbortSignal): Promise<AppcPodManifest> {
    const args = ["cat-manifest", "--pretty-print=false", uuid];
    return this.#read(`print the manifest of pod ${uuid}`, args, signal, ({ stdout }) =>
      parsePodManifest(stdout),
    );
  }

  listImages(signal: AbortSignal): Promise<readonly RktImage[]> {
    return this.#read("list images", ["image", "list", "--format=json"], signal, ({ stdout }) =>
      parseImageList(stdout),
    );
  }

  imageManifest(id: ImageId, signal: AbortSignal): Promise<AppcImageManifest> {
    const args = ["image", "cat-manifest", "--pretty-print=false", id];
    return this.#read(`print the manifest of image ${id}`, args, signal, ({ stdout }) =>
      parseImageManifest(stdout),
    );
  }

  /** Brings an image into the store: a path, a URL, `docker://…` or a name of what is there. */
  async fetch(image: string, options: FetchOptions, signal: AbortSignal): Promise<ImageId> {
    const policy = options.pullPolicy === undefined ? [] : [`--pull-policy=${options.pullPolicy}`];
    const operation = `fetch image ${image}`;
    const args = ["fetch", "--full", ...policy, image];
    const takeStderrLine = (line: string) => {
      const progress = parseFetchProgress(line);
      if (progress) options.onProgress?.(progress);
      return progress !== undefined;
    };
    const { userConfigDir } = options;
    const call = { operation, args, timeoutMs: this.#timeouts.fetchMs, signal, takeStderrLine };
    const output = await this.#run({ ...call, ...(userConfigDir && { userConfigDir }) });
    return parsed(operation, output, ({ stdout }) => parseFetchedId(stdout));
  }

  /** Removes an image from the store; false if it was not there. rkt exits 0 in any case. */
  async removeImage(id: ImageId, signal: AbortSignal): Promise<boolean> {
    const operation = `remove image ${id}`;
    const args = ["image", "rm", id];
    const output = await this.#run({ operation, args, timeoutMs: this.#timeouts.changeMs, signal });
    return parsed(operation, output, ({ stdout, stderr }) => {
      if (stdout.includes(`successfully removed aci for image: "${id}"`)) return true;
      if (stderr.includes("no image IDs found")) return false;
      throw new RktOutputError("not removed", stderr);
    });
  }

  /** Frees the space of rendered images that are not in the store any more and that no pod uses; removes no image. */
  async removeUnusedTrees(signal: AbortSignal): Promise<void> {
    const operation = "remove unused trees";
    const args = ["image", "gc", "--grace-period=876000h"]; // a hundred years
    await this.#run({ operation, args, timeoutMs: this.#timeouts.gcMs, signal });
  }

  /** Makes a pod that can be run. One that fails leaves a pod in state `aborted prepare`, which gc() removes. */
  async prepare(manifestFile: string, options: PrepareOptions, signal: AbortSignal): Promise<RktUuid> {
    const operation = "prepare the pod";
    const args = ["prepare", "--quiet", `--pod-manifest=${manifestFile}`];
    if (options.stage1Name) args.push(`--stage1-name=${options.stage1Name}`);
    if (options.stage1Path) args.push(`--stage1-path=${options.stage1Path}`);
    if (options.noOverlay) args.push("--no-overlay=true");
    const output = await this.#run({ operation, args, timeoutMs: this.#timeouts.prepareMs, signal });
    return parsed(operation, output, ({ stdout }) => {
      const uuid = stdout.trim();
      if (!isRktUuid(uuid)) throw new RktOutputError("not a pod's UUID", stdout);
      return uuid;
    });
  }

  /** Also resolves when there is no such pod any more. A pod that runs is an error with `isBusy`. */
  remove(uuid: RktUuid, signal: AbortSignal): Promise<void> {
    return this.#changePod(`remove pod ${uuid}`, ["rm", uuid], signal);
  }

  /** Also resolves when it does not run or is not there. Does not wait for its end. */
  stop(uuid: RktUuid, options: { readonly force: boolean }, signal: AbortSignal): Promise<void> {
    return this.#changePod(
      `stop pod ${uuid}`,
      ["stop", ...(options.force ? ["--force=true"] : []), uuid],
      signal,
    );
  }

  /**
   * Removes exited pods, pods never run, and what failed preparations left: everybody's, not only ours. Resolves with what it says of what
   * it could not, a line each.
   */
  async gc(options: GcOptions, signal: AbortSignal): Promise<readonly string[]> {
    const seconds = (ms: number) => `${Math.ceil(ms / 1000)}s`;
    const { stderr } = await this.#run({
      operation: "collect garbage",
      args: [
        "gc",
        `--grace-period=${seconds(options.graceMs)}`,
        `--expire-prepared=${seconds(options.expirePreparedMs)}`,
      ],
      timeoutMs: this.#timeouts.gcMs,
      signal,
    });
    return stderr.split("\n").flatMap((line) => /^gc: (.*(?:cannot|failed to) .*)$/.exec(line)?.[1] ?? []);
  }

  /** The command that runs a prepared pod until its end: the pod unit's ExecStart. */
  runPreparedArgv(uuid: RktUuid, options: RunPreparedOptions): Argv {
    const insecure = options.allRun ? ["all-run"] : [];
    return [...globalArgv(this.#command, this.#options, insecure), ...runPreparedArgs(uuid, options)];
  }

  /** The command that runs another command in an app of a running pod. */
  enterArgv(uuid: RktUuid, app: string, command: readonly string[], options: OutsideOptions = {}): Argv {
    const global = globalArgv(this.#command, this.#options);
    return this.#withRights([...global, "enter", `--app=${app}`, uuid, ...command], options);
  }

  /** Runs that to its end. Throws where rkt could not: then nothing is known of the command. */
  async enter(
    uuid: RktUuid,
    app: string,
    command: readonly string[],
    options: EnterOptions,
  ): Promise<Entered> {
    try {
      const killSignal = this.#outside ? "SIGTERM" : "SIGKILL";
      return await runEntered(this.enterArgv(uuid, app, command), { ...options, killSignal });
    } catch (error) {
      throw new RktError(`enter app ${app} of pod ${uuid}`, error);
    }
  }

  /** Incomplete where rkt left pods out (being prepared, or aborted) or crashed over one (an app without `app` section). */
  async #listPodsAsJson(signal: AbortSignal): Promise<{ pods: readonly RktPod[]; isComplete: boolean }> {
    try {
      return await this.#read("list pods", ["list", "--format=json"], signal, ({ stdout, stderr }) => ({
        pods: parsePodList(stdout),
        isComplete: !hasListErrors(stderr),
      }));
    } catch (error) {
      if (error instanceof RktError && error.isPanic) return { pods: [], isComplete: false };
      throw error;
    }
  }

  /** All there is to know of a pod in the plain list: its own line where rkt crashes over it, undefined if it has gone. */
  async #describe(row: RktPod, signal: AbortSignal): Promise<RktPod | undefined> {
    try {
      return await this.status(row.uuid, signal);
    } catch (error) {
      if (error instanceof RktError && error.isNotFound) return undefined;
      if (error instanceof RktError && error.isPanic) return row;
      throw error;
    }
  }

  async #changePod(operation: string, args: readonly string[], signal: AbortSignal): Promise<void> {
    try {
      await this.#run({ operation, args, timeoutMs: this.#timeouts.changeMs, signal });
    } catch (error) {
      if (!(error instanceof RktError && error.isNotFound)) throw error;
    }
  }

  async #read<T>(
    operation: string,
    args: readonly string[],
    signal: AbortSignal,
    parse: (output: CommandOutput) => T,
  ): Promise<T> {
    return parsed(
      operation,
      await this.#run({ operation, args, timeoutMs: this.#timeouts.readMs, signal, isReading: true }),
      parse,
    );
  }

  #withRights(argv: Argv, options: OutsideOptions = {}): Argv {
    return this.#outside === undefined ? argv : this.#outside(argv, options);
  }

  async #run(call: {
    readonly operation: string;
    readonly args: readonly string[];
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly userConfigDir?: string;
    /** It needs no rights but to read. */
    readonly isReading?: boolean;
    readonly takeStderrLine?: (line: string) => boolean;
  }): Promise<CommandOutput> {
    const { userConfigDir = this.#options.userConfigDir } = call;
    const argv: Argv = [...globalArgv(this.#command, { ...this.#options, userConfigDir }), ...call.args];
    try {
      return await runCommand(call.isReading ? argv : this.#withRights(argv), call);
    } catch (error) {
      throw new RktError(call.operation, error);
    }
  }
}

function hasListErrors(stderr: string): boolean {
  return /error\(s\) encountered when listing pods/.test(stderr);
}

function parsed<T>(operation: string, output: CommandOutput, parse: (output: CommandOutput) => T): T {
  try {
    return parse(output);
  } catch (error) {
    throw new RktError(operation, error);
  }
}
