// `rkt enter`: becomes a command inside a running app: its namespaces, its cgroup, its user and capabilities, its environment and limits.
// Invariant: the command never has more rights than the app has; it is the app's unit that it lives and dies with.

import { constants, openSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { becomeProgram } from "../host/become.ts";
import { cgroupDirectories } from "../host/cgroups.ts";
import { enterNamespaces } from "../host/namespaces.ts";
import { dropPrivileges, restoreSignals } from "../host/privileges.ts";
import { processLimits, takeOver } from "../host/process-limits.ts";
import { appUnitName } from "../pod/names.ts";
import type { AppcRuntimeApp } from "../rkt/appc.ts";
import { type AppProcess, findProgram } from "./app-process.ts";
import { enterDirectory } from "./app-root.ts";
import { privilegesOf, readAppStart } from "./app-start.ts";
import type { Command } from "./command.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { statInRoot } from "./in-root.ts";
import type { Pod } from "./pod.ts";
import { PodStore, podState } from "./pod-store.ts";
import { terminalFilter } from "./seccomp/terminal-filter.ts";
import { unitProperties } from "./systemctl.ts";

/** What rkt exits with for an app, and for a program, that is not there. */
const noSuchApp = 6;
const noSuchProgram = 1;
const startTimeoutMs = 5000;

export const enter: Command = {
  name: "enter",
  synopsis: "[--app=APP] UUID [COMMAND [ARGUMENT…]]",
  needsRoot: true,
  passesOnAfter: 1,
  flags: { app: "string" },
  run: async (context) => {
    const [uuid, ...command] = context.args;
    if (uuid === undefined) return context.usage();
    const pod = withFileErrors("problem retrieving pod", () => new PodStore(context.dir).find(uuid));
    if (podState(pod) !== "running") throw new EngineError(`pod "${pod.uuid}" isn't currently running`);
    const app = chooseApp(pod, context.flags.text("app"));
    if (command.length === 0) context.tell('no command specified, assuming "/bin/bash"');
    const mainPid = Number(unitProperties(appUnitName(pod.uuid, app.name), ["MainPID"]).MainPID);
    if (!(mainPid > 0))
      throw new EngineError(`app "${app.name}" of pod "${pod.uuid}" isn't currently running`);
    const { process: like, root } = readAppStart(pod.path, app.name);
    return await become(mainPid, command.length === 0 ? ["/bin/bash"] : command, {
      process: like,
      root: root.path,
      unit: appUnitName(pod.uuid, app.name),
    });
  },
};

function chooseApp(pod: Pod, name: string | undefined): AppcRuntimeApp {
  const apps = pod.apps();
  const app = name === undefined ? apps[0] : apps.find((candidate) => candidate.name === name);
  if (name === undefined && apps.length > 1)
    throw new EngineError(
      [
        "pod contains multiple apps:",
        ...apps.map((each) => `\t${each.name}`),
        'unable to determine app name: specify app using "rkt enter --app= ..."',
      ].join("\n"),
    );
  if (app === undefined)
    throw new EngineError(`pod "${pod.uuid}" has no app "${name}"`, { exitCode: noSuchApp });
  return app;
}

async function become(
  mainPid: number,
  [name = "", ...args]: readonly string[],
  { process: like, root: appRoot, unit }: { process: AppProcess; root: string; unit: string },
): Promise<number> {
  const proc = `/proc/${mainPid}`;
  await untilInside(proc, appRoot, unit);
  const root = openSync(`${proc}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  const kinds = ["net", "ipc", "uts", "cgroup", "pid", "mnt"].filter(
    (kind) => readlinkSync(`${proc}/ns/${kind}`) !== readlinkSync(`/proc/self/ns/${kind}`),
  );
  const namespaces = kinds.map((kind) => openSync(`${proc}/ns/${kind}`, constants.O_RDONLY));
  const limits = processLimits(mainPid);
  // Its number may be somebody else's by now; what is open is not.
  const cgroupText = readFileSync(`${proc}/cgroup`, "utf8");
  if (!cgroupText.includes(`/${unit}`)) throw new EngineError(`${unit} has just ended`);
  const environment = Object.fromEntries(like.environment);
  const program = findProgram(name, {
    root: `${proc}/root`,
    workingDirectory: like.workingDirectory,
    path: environment.PATH ?? "",
  });
  if (!statInRoot(`${proc}/root`, program)?.isFile())
    throw new EngineError(`Unable to open "${program}": No such file or directory`, {
      exitCode: noSuchProgram,
    });
  for (const directory of cgroupDirectories(cgroupText, readFileSync("/proc/self/mountinfo", "utf8")))
    writeFileSync(`${directory}/cgroup.procs`, String(process.pid));

  restoreSignals();
  takeOver(limits);
  enterNamespaces(namespaces, root);
  const privileges = privilegesOf(like);
  const isPrivileged = like.capabilities === undefined;
  dropPrivileges({
    ...privileges,
    systemCallFilters: [
      ...(isPrivileged ? [] : [terminalFilter(process.arch)]),
      ...privileges.systemCallFilters,
    ],
  });
  enterDirectory(like.workingDirectory);
  const term = process.env.TERM;
  const allEnvironment = { ...(term === undefined ? {} : { TERM: term }), ...environment };
  if (kinds.includes("pid")) return runChild(program, [name, ...args], allEnvironment);
  return becomeProgram(program, [name, ...args], allEnvironment);
}

/** A PID namespace (PrivatePIDs=) takes in only children of who enters it. */
async function runChild(
  program: string,
  [argv0, ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => undefined); // the terminal's: for the child alone
  const child = Bun.spawn([program, ...args], {
    ...(argv0 === undefined ? {} : { argv0 }),
    env,
    stdio: ["inherit", "inherit", "inherit"],
  });
  const exitCode = await child.exited;
  if (child.signalCode !== null) process.kill(process.pid, child.signalCode);
  return exitCode;
}

/** A unit's main process is at first ours, outside (start-app.ts). Entering that would be entering the host. */
async function untilInside(proc: string, appRoot: string, unit: string): Promise<void> {
  const identity = (path: string) => {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  };
  const inside = identity(appRoot);
  for (
    const deadline = performance.now() + startTimeoutMs;
    identity(`${proc}/root/.`) !== inside;
    await Bun.sleep(5)
  )
    if (performance.now() > deadline) throw new EngineError(`${unit} has not started its app yet`);
}
