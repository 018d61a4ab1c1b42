// A machine with an agent on it: directories of its own, the compiled executable, the systemd that the tests run under.
// What a test does to it is what a person would do: write files, ask over HTTP, kill the agent.

import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import type { Pod, PodList } from "kubernetes-types/core/v1.d.ts";
import { agentEnvironment } from "../../src/cli/agent-unit.ts";
import { writeAci } from "../aci.ts";
import { checkAnswer } from "../server/description.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { executable } from "./executable.ts";
import { type AgentProcess, InstalledAgent } from "./installed-agent.ts";

export interface MachineOptions {
  /** Replaces the product's. */
  readonly executable?: () => Promise<string>;
  /** Comes before the agent's command. */
  readonly wrapper?: readonly string[];
  /** Replaces the built-in engine. */
  readonly rktPath?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The agent is a service, under the unit that `gantry install` writes; else a child of ours, which may do all that root may. */
  readonly isConfined?: boolean;
}

/** For one start alone; `isConfined` replaces the machine's. */
export type AgentStart = Pick<MachineOptions, "flags" | "env" | "isConfined">;

export class Machine implements AsyncDisposable {
  readonly #dir: TempDir;
  readonly #options: MachineOptions;
  #agent: AgentProcess | undefined;
  #installed: InstalledAgent | undefined;
  #log = "";

  private constructor(dir: TempDir, options: MachineOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** With an empty manifest directory, an image file, and the agent not started yet. */
  static async create(options: MachineOptions = {}): Promise<Machine> {
    const machine = new Machine(await tempDir(), options);
    await mkdir(machine.manifests);
    await writeAci(machine.image);
    return machine;
  }

  get path(): string {
    return this.#dir.path;
  }
  get manifests(): string {
    return `${this.path}/manifests`;
  }
  /** A busybox image that the manifests may name. */
  get image(): string {
    return `${this.path}/busybox.aci`;
  }
  get socket(): string {
    return `${this.path}/run/gantry.sock`;
  }
  get agentPid(): number {
    if (this.#agent === undefined) throw new Error("the agent is not running");
    return this.#agent.pid;
  }
  /** What the agent has logged so far, over all its starts. */
  get log(): string {
    return `${this.#log}${this.#installed?.log ?? ""}`;
  }

  /** Resolves once `until` answers with 200. `flags` are for this start alone. */
  async startAgent(until = "/readyz", flags: readonly string[] = []): Promise<void> {
    const agent = await this.spawnAgent({ flags });
    await waitUntil(`the agent's ${until}`, async () => {
      if (agent.exitCode !== null) throw new Error(`the agent ended with ${agent.exitCode}:\n${this.log}`);
      return (await this.get(until).catch(() => undefined))?.ok;
    });
  }

  /** Does not wait for anything. */
  async spawnAgent(start: AgentStart = {}): Promise<AgentProcess> {
    const { flags = [], env = {}, isConfined = this.#options.isConfined } = start;
    const argv = [
      ...(this.#options.wrapper ?? []),
      await (this.#options.executable ?? executable)(),
      "agent",
      `--manifest-path=${this.manifests}`,
      `--state-dir=${this.path}/state`,
      `--run-dir=${this.path}/run`,
      "--node-name=node",
      `--listen=unix://${this.socket}`,
      `--rkt-path=${this.#options.rktPath ?? "builtin"}`,
      ...(this.#options.flags ?? []),
      ...flags,
    ];
    const variables = { ...this.#options.env, ...env };
    const agent = isConfined ? await this.#startService(argv, variables) : this.#spawnChild(argv, variables);
    this.#agent = agent;
    return agent;
  }

  async #startService(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<AgentProcess> {
    const { path, manifests } = this;
    const directories = { path, manifests, stateDir: `${path}/state`, runDir: `${path}/run` };
    this.#installed ??= await InstalledAgent.install(directories);
    return this.#installed.start(argv, env);
  }

  #spawnChild(argv: readonly string[], env: Readonly<Record<string, string>>): AgentProcess {
    const agent = Bun.spawn([...argv], {
      cwd: this.path,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...agentEnvironment, ...env },
    });
    void this.#collect(agent.stderr);
    void this.#collect(agent.stdout);
    return agent;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.#log += decoder.decode(chunk, { stream: true });
  }

  /** SIGTERM unless told; resolves with its exit code once it has ended. */
  async stopAgent(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    const agent = this.#agent;
    this.#agent = undefined;
    if (agent === undefined) return 0;
    agent.kill(signal);
    return agent.exited;
  }

  /** Throws also where the answer is not as the endpoint describes it. */
  async get(path: string, init: RequestInit = {}): Promise<Response> {
    const url = `http://localhost${path}`;
    const response = await fetch(url, { ...init, unix: this.socket });
    await checkAnswer({ method: init.method ?? "GET", url }, response);
    return response;
  }

  async pods(): Promise<readonly Pod[]> {
    const response = await this.get("/pods");
    if (!response.ok) throw new Error(`/pods: ${response.status} ${await response.text()}`);
    return ((await response.json()) as PodList).items;
  }

  /** `name` as in the manifest. */
  async pod(name: string): Promise<Pod | undefined> {
    return (await this.pods()).find((pod) => pod.metadata?.name === `${name}-node`);
  }

  /** Waits until the pod is there and as `condition` says. */
  waitForPod(name: string, what: string, condition: (pod: Pod) => boolean, timeoutMs = 15_000): Promise<Pod> {
    return waitUntil(
      `pod ${name} to be ${what}`,
      async () => {
        const pod = await this.pod(name);
        return pod !== undefined && condition(pod) && pod;
      },
      timeoutMs,
    ).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(await this.pods())}\n${this.log}`);
    });
  }

  waitForReady(name: string): Promise<Pod> {
    return this.waitForPod(name, "Ready", isReady);
  }

  async logs(name: string, query = ""): Promise<string> {
    const response = await this.get(`/pods/default/${name}-node/logs${query}`);
    if (!response.ok) throw new Error(`logs: ${response.status} ${await response.text()}`);
    return response.text();
  }

  /** As an editor or a package manager does it: a temporary file renamed over the old one. */
  async write(file: string, content: string): Promise<void> {
    await writeFile(`${this.path}/.${file}.new`, content);
    await rename(`${this.path}/.${file}.new`, `${this.manifests}/${file}`);
  }

  async remove(file: string): Promise<void> {
    await rm(`${this.manifests}/${file}`);
  }

  /** That all manifests are gone at once is meant. */
  async confirmDelete(): Promise<void> {
    const response = await this.get("/manifests/confirm-delete", { method: "POST" });
    if (!response.ok) throw new Error(`confirm-delete: ${response.status} ${await response.text()}`);
  }

  /** The pod units of gantry's that systemd runs, each with its invocation: a restart changes that. */
  async runningUnits(): Promise<ReadonlyMap<string, string>> {
    const list = await run(
      "systemctl",
      "list-units",
      "--plain",
      "--no-legend",
      "--state=active",
      "gantry-*.service",
    );
    const names = list.split("\n").flatMap((line) => /^gantry-[0-9a-f-]{36}\.service/.exec(line)?.[0] ?? []);
    const units = new Map<string, string>();
    for (const name of names) {
      units.set(name, (await run("systemctl", "show", "--value", "-p", "InvocationID", name)).trim());
    }
    return units;
  }

  /** All that gantry has on the machine besides its state directory: for "nothing is left". */
  async leftovers(): Promise<readonly string[]> {
    const units = (await readdir("/run/systemd/system")).filter((name) => name.startsWith("gantry-"));
    const list = ["list-units", "--all", "--plain", "--no-legend", "gantry-*", "for-gantry-*"];
    const loaded = (await run("systemctl", ...list))
      .split("\n")
      .flatMap((line) => /^(?:for-)?gantry-\S+\.service/.exec(line)?.[0] ?? []);
    const mounts = (await Bun.file("/proc/self/mounts").text())
      .split("\n")
      .flatMap((line) => line.split(" ")[1] ?? [])
      .filter((path) => path.startsWith(this.path));
    const pods = (
      await Promise.all(
        ["embryo", "prepare", "prepared", "run", "exited-garbage", "garbage"].map((state) =>
          readdir(`${this.path}/state/rkt/pods/${state}`).catch(() => []),
        ),
      )
    ).flat();
    const directories = await readdir(`${this.path}/state/pods`).catch(() => []);
    return [...units, ...loaded, ...mounts, ...pods, ...directories];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAgent("SIGKILL");
    await this.#installed?.[Symbol.asyncDispose]();
    await removeUnits(this.path);
    await this.#dir[Symbol.asyncDispose]();
  }
}

/**
 * Ends and removes all that gantry may have left, since the next test's agent would take it for its own: units, and mounts
 * below `path`.
 */
export async function removeUnits(path: string): Promise<void> {
  const patterns = ["gantry-*.service", "gantry-*.slice", "for-gantry-*.service"];
  await run("systemctl", "stop", ...patterns).catch(() => undefined);
  for (const name of await readdir("/run/systemd/system")) {
    if (name.startsWith("gantry-")) await rm(`/run/systemd/system/${name}`);
  }
  await run("systemctl", "reset-failed").catch(() => undefined);
  const mounts = (await Bun.file("/proc/self/mounts").text())
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const mounted of mounts.filter((each) => each.startsWith(path)).reverse()) {
    await run("umount", "-l", mounted);
  }
}

/** Runs a program and returns what it prints; throws if it fails. */
export async function run(...argv: readonly string[]): Promise<string> {
  const child = Bun.spawn([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit code ${exitCode}: ${stderr}`);
  return stdout;
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/** The rkt pod behind a pod's first container; undefined if it never had one. */
export function uuidOf(pod: Pod): string | undefined {
  return /^rkt:\/\/([0-9a-f-]{36}):/.exec(pod.status?.containerStatuses?.[0]?.containerID ?? "")?.[1];
}
