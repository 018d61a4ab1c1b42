// The agent as a service, under the unit that `gantry install` writes, on directories of a test's own.
// Invariant: but for being started again by itself it is what runs on a machine: confined, with systemd's environment, ended by systemd.

import { mkdir, rm, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { basename } from "node:path";
import { agentUnit } from "../../src/cli/agent-unit.ts";
import { readConfig } from "../../src/config/read-config.ts";
import { systemdMajor } from "../../src/systemd/version.ts";
import { waitUntil } from "../wait-until.ts";

/** One run of the agent, as Bun tells it of a child. */
export interface AgentProcess {
  readonly pid: number;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | number | null;
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

type End = Pick<AgentProcess, "exitCode" | "signalCode">;

export interface InstalledAgentOptions {
  /** Where its command is written; gives the unit its name too. */
  readonly path: string;
  readonly manifests: string;
  readonly stateDir: string;
  readonly runDir: string;
}

export class InstalledAgent implements AsyncDisposable {
  readonly #command: string;
  readonly #unit: string;

  private constructor(path: string) {
    this.#command = `${path}/start-agent`;
    this.#unit = `agent-${basename(path)}.service`; // no name of a pod's unit
  }

  static async install({
    path,
    manifests,
    stateDir,
    runDir,
  }: InstalledAgentOptions): Promise<InstalledAgent> {
    const agent = new InstalledAgent(path);
    const directories = { "manifest-path": manifests, "state-dir": stateDir, "run-dir": runDir };
    const { config } = await readConfig({ flags: directories, environment: {} });
    for (const directory of [stateDir, runDir]) await mkdir(directory, { recursive: true });
    const version = await Bun.$`systemctl show --value -p Version`.text();
    const systemdVersion = systemdMajor(version) ?? 0;
    const unit = agentUnit({ executable: agent.#command, config, systemdVersion });
    await writeFile(agent.#unitFile, unit.replace("\nRestart=always\n", "\nRestart=no\n"));
    return agent;
  }

  get #unitFile(): string {
    return `/run/systemd/system/${this.#unit}`;
  }

  /** What it has logged so far, and systemd of it. */
  get log(): string {
    const argv = ["journalctl", "--quiet", "--no-pager", "--output=cat", `--unit=${this.#unit}`];
    return Bun.spawnSync(argv).stdout.toString();
  }

  /** Resolves once there is a process, which may have ended since. */
  async start(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<AgentProcess> {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const command = ["exec", "env", ...variables, ...argv].map(quoted).join(" ");
    // The unit stays as it is, and systemd need not read it again.
    await writeFile(this.#command, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
    const running = Bun.spawn(["systemctl", "start", "--wait", this.#unit], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    const pid = await waitUntil("the agent's process", async () => {
      const hasEnded = running.exitCode !== null;
      const { MainPID, ExecMainPID } = await this.#properties();
      return Number(hasEnded ? ExecMainPID : MainPID) || undefined;
    });
    let end: End = { exitCode: null, signalCode: null };
    const waitForEnd = async () => {
      await running.exited;
      end = await this.#waitForEnd();
      return end.exitCode ?? 128;
    };
    return {
      pid,
      get exitCode() {
        return end.exitCode;
      },
      get signalCode() {
        return end.signalCode;
      },
      exited: waitForEnd(),
      kill: (signal) => {
        const argv = ["systemctl", "kill", "--kill-who=main", `--signal=${signal}`, this.#unit];
        Bun.spawnSync(argv); // it may have ended
      },
    };
  }

  #waitForEnd(): Promise<End> {
    return waitUntil("the agent's unit to have ended", async () => {
      const { ActiveState, ExecMainCode, ExecMainStatus } = await this.#properties();
      if (ActiveState !== "inactive" && ActiveState !== "failed") return undefined;
      const status = Number(ExecMainStatus);
      const isExit = ExecMainCode === "1"; // CLD_EXITED
      return isExit
        ? { exitCode: status, signalCode: null }
        : { exitCode: null, signalCode: signalOf(status) };
    });
  }

  async #properties(): Promise<Readonly<Record<string, string>>> {
    const names = "MainPID,ExecMainPID,ActiveState,ExecMainCode,ExecMainStatus";
    const text = await Bun.$`systemctl show -p ${names} ${this.#unit}`.text();
    return Object.fromEntries(text.split("\n").map((line) => line.split("=", 2)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#unitFile);
  }
}

function signalOf(number: number): NodeJS.Signals | null {
  const names = Object.entries(constants.signals);
  return (names.find(([, its]) => its === number)?.[0] as NodeJS.Signals | undefined) ?? null;
}

/** A word of a shell's. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
