// `gantry install`: the agent becomes a service of this machine's.
// Invariant: may be repeated: what is as it should be is left alone, and what a person wrote is never overwritten.

import { lstat, mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { defaultConfigPath, readConfig } from "../config/read-config.ts";
import { runCommand } from "../host/command.ts";
import { hasErrorCode } from "../host/error.ts";
import { readTextIfExists, writeFileAtomic } from "../host/files.ts";
import { agentUnit, isMadeBySystemd, isWrittenByUs } from "./agent-unit.ts";
import { exampleConfig } from "./example-config.ts";
import { CommandFailure } from "./failure.ts";
import { print, tell } from "./output.ts";

export const agentUnitPath = "/etc/systemd/system/gantry.service";
export const manPagePath = "/usr/local/share/man/man1/gantry.1";
export const sysusersPath = "/etc/sysusers.d/gantry.conf";

export interface InstallOptions {
  readonly now?: boolean;
  readonly dryRun?: boolean;
}

export interface InstallContext {
  /** How this program was started: one word where it is the executable. */
  readonly self: readonly string[];
  readonly manPage: string;
}

/** One thing that has to be so. */
interface Step {
  /** As said of it: `/etc/gantry (directory, 0755)`. */
  readonly what: string;
  readonly isDone: () => Promise<boolean>;
  readonly act: () => Promise<void>;
  /** Shown where nothing is done. */
  readonly content?: string;
}

/** Resolves with the exit code. */
export async function runInstall(options: InstallOptions, context: InstallContext): Promise<number> {
  const [executable, ...more] = context.self;
  if (executable === undefined || more.length > 0)
    throw new CommandFailure("Only the compiled executable can be installed (npm run build makes it)");
  if (process.getuid?.() !== 0 && !options.dryRun)
    throw new CommandFailure("Only root can install (sudo gantry install); --dry-run tells what it would do");
  const present = await readTextIfExists(agentUnitPath);
  if (present !== undefined && !isWrittenByUs(present))
    throw new CommandFailure(
      `${agentUnitPath} is somebody's own (move it away, and what it has more into a drop-in)`,
    );
  for (const line of await doubtsAbout(executable)) await tell(`gantry: warning: ${line}`);
  let isUnitNew = false;
  for (const step of await stepsFor(executable, context.manPage)) {
    const isDone = await step.isDone();
    await print(`${isDone ? "unchanged" : options.dryRun ? "would make" : "made"}: ${step.what}\n`);
    if (isDone) continue;
    if (options.dryRun) {
      if (step.content !== undefined)
        await print(step.content.replaceAll(/^/gm, "    ").trimEnd().concat("\n"));
      continue;
    }
    await step.act();
    if (step.what === agentUnitPath) isUnitNew = true;
  }
  if (options.dryRun) return 0;
  await systemctl("daemon-reload");
  return options.now ? startNow(isUnitNew) : tellHowToStart();
}

async function startNow(isUnitNew: boolean): Promise<number> {
  await systemctl("enable", "--quiet", "gantry.service");
  // A restart touches no pod.
  await systemctl(isUnitNew ? "restart" : "start", "gantry.service");
  await print(
    "gantry.service runs, now and after each boot; gantry get pods -A shows what it keeps running\n",
  );
  return 0;
}

async function tellHowToStart(): Promise<number> {
  await print("To start it now and after each boot: systemctl enable --now gantry\n");
  return 0;
}

async function stepsFor(executable: string, manPage: string): Promise<readonly Step[]> {
  const { config } = await readConfig({ flags: {}, environment: {} });
  const unit = agentUnit({ executable, config, systemdVersion: await systemdVersion() });
  return [
    groupStep(),
    directoryStep("/etc/gantry", 0o755),
    directoryStep("/etc/gantry/config.d", 0o755),
    directoryStep(config.stateDir, 0o755),
    ...(isMadeBySystemd(config.runDir) ? [] : [directoryStep(config.runDir, 0o755)]),
    // Secrets are written down in manifests.
    ...((await exists(config.manifestPath)) ? [] : [directoryStep(config.manifestPath, 0o750)]),
    fileStep(defaultConfigPath, exampleConfig(), { isOnlyNew: true }),
    fileStep(manPagePath, manPage),
    fileStep(agentUnitPath, unit),
  ];
}

function directoryStep(path: string, mode: number): Step {
  return {
    what: `${path} (directory, 0${mode.toString(8)})`,
    isDone: () => exists(path),
    async act() {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await mkdir(path, { mode });
    },
  };
}

function fileStep(path: string, content: string, { isOnlyNew = false } = {}): Step {
  return {
    what: path,
    content,
    isDone: async () => {
      const present = await readTextIfExists(path);
      return present === content || (isOnlyNew && present !== undefined);
    },
    async act() {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeFileAtomic(path, content);
    },
  };
}

/** Whose members may use the socket, and so do everything. */
function groupStep(): Step {
  const isThere = async () => /^gantry:/m.test(await readFile("/etc/group", "utf8"));
  return {
    what: "the group gantry, whose members may use the agent's socket",
    isDone: isThere,
    async act() {
      await mkdir(dirname(sysusersPath), { recursive: true, mode: 0o755 });
      await writeFileAtomic(sysusersPath, "g gantry -\n");
      await run("systemd-sysusers", sysusersPath).catch(() => run("groupadd", "--system", "gantry"));
      if (!(await isThere()))
        throw new CommandFailure("Cannot make the group gantry (groupadd --system gantry)");
    },
  };
}

/** What keeps the path of the executable from being a good one for a service that runs as root. */
async function doubtsAbout(executable: string): Promise<readonly string[]> {
  const doubts: string[] = [];
  if (/^\/(tmp|var\/tmp|run|home|root|dev|media|mnt)\//.test(executable))
    doubts.push(
      `${executable} is no place that stays; copy it to /usr/local/bin/gantry and install from there`,
    );
  for (let path = executable; path !== "/"; path = dirname(path)) {
    const { uid, mode, gid } = await lstat(path);
    const isOthers = uid !== 0 || (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0);
    const isSticky = (mode & 0o1000) !== 0 && uid === 0;
    if (isOthers && !isSticky) doubts.push(`others than root can change ${path}, and so what runs as root`);
  }
  return doubts;
}

async function systemdVersion(): Promise<number> {
  const { stdout } = await run("systemctl", "--version");
  return Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0);
}

export async function systemctl(...args: readonly string[]): Promise<void> {
  await run("systemctl", ...args);
}

async function run(program: string, ...args: readonly string[]): Promise<{ readonly stdout: string }> {
  try {
    return await runCommand([program, ...args], { timeoutMs: 120_000 });
  } catch (error) {
    throw new CommandFailure(
      `${program} ${args.join(" ")}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return false;
      throw error;
    },
  );
}
