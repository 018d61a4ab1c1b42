// What an app's process will be: program, user, environment, privileges; from the pod manifest and the image it runs on.
// `start-app` becomes that process, and `enter` one like it.

import { defaultCapabilities } from "../pod/capabilities.ts";
import { type AppcApp, type AppcRuntimeApp, engineAnnotations } from "../rkt/appc.ts";
import { isAnnotated } from "./annotation.ts";
import { capabilityNames } from "./capabilities.ts";
import { EngineError } from "./engine-error.ts";
import { readTextInRoot, statInRoot } from "./in-root.ts";
import { isolator } from "./isolator.ts";
import { appFilter } from "./seccomp/app-filter.ts";

export interface AppProcess {
  /** The program absolute. */
  readonly argv: readonly [program: string, ...args: string[]];
  readonly uid: number;
  readonly gid: number;
  readonly supplementaryGids: readonly number[];
  readonly workingDirectory: string;
  readonly environment: ReadonlyMap<string, string>;
  /** `CAP_CHOWN` …; undefined: all of them. */
  readonly capabilities: readonly string[] | undefined;
  readonly noNewPrivileges: boolean;
  /** Undefined: every system call is let through. */
  readonly systemCallFilter: Uint8Array | undefined;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** `root` is the app's root directory on the host, or the image's. */
export function appProcess(app: AppcRuntimeApp, root: string, insecure: ReadonlySet<string>): AppProcess {
  const wanted = app.app;
  if (!wanted) throw new EngineError(`app "${app.name}" has no app section`);
  const user = resolveUser(wanted.user, root);
  if (user.uid === 0 && isAnnotated(app, engineAnnotations.runAsNonRoot))
    throw new EngineError(
      `app "${app.name}" must not run as root, and user "${wanted.user}" of its image is`,
    );
  const gid = resolveGroup(wanted.group, root);
  const supplementaryGids = wanted.supplementaryGIDs ?? [];
  for (const id of [user.uid, gid, ...supplementaryGids]) checkId(id, app.name);
  const workingDirectory = wanted.workingDirectory || "/";
  const environment = new Map<string, string>([
    ["PATH", defaultPath],
    ["AC_APP_NAME", app.name],
    ...user.environment,
    ...(wanted.environment ?? []).map(({ name, value }) => [name, value] as const),
  ]);
  for (const name of environment.keys())
    if (name === "" || name.includes("="))
      throw new EngineError(`bad environment variable ${JSON.stringify(name)}`);
  const [program, ...args] = wanted.exec ?? [];
  if (program === undefined || program === "")
    throw new EngineError(`app "${app.name}" has nothing to execute`);
  const isPrivileged = isAnnotated(app, engineAnnotations.privileged);
  const capabilities = isPrivileged || insecure.has("capabilities") ? undefined : boundingSet(wanted);
  return {
    argv: [findProgram(program, { root, workingDirectory, path: environment.get("PATH") ?? "" }), ...args],
    uid: user.uid,
    gid,
    supplementaryGids,
    workingDirectory,
    environment,
    capabilities,
    noNewPrivileges: isolator(wanted, "os/linux/no-new-privileges") === true,
    systemCallFilter:
      isPrivileged || insecure.has("seccomp")
        ? undefined
        : appFilter(wanted, { capabilities, machine: process.arch }),
  };
}

interface FindOptions {
  readonly root: string;
  readonly workingDirectory: string;
  /** As $PATH. */
  readonly path: string;
}

/** Absolute in the app. A name is looked for in $PATH, a relative path in the working directory; one that is not found is left to fail. */
export function findProgram(program: string, { root, workingDirectory, path }: FindOptions): string {
  if (program.startsWith("/")) return program;
  if (program.includes("/")) return `${workingDirectory}/${program}`.replaceAll(/\/+/g, "/");
  for (const directory of path.split(":").filter((part) => part.startsWith("/"))) {
    const candidate = `${directory}/${program}`;
    const stat = statInRoot(root, candidate);
    if (stat?.isFile() && (stat.mode & 0o111) !== 0) return candidate;
  }
  return `/${program}`;
}

interface User {
  readonly uid: number;
  /** What login(1) would set. */
  readonly environment: readonly (readonly [string, string])[];
}

function resolveUser(user: string, root: string): User {
  const entries = databaseEntries(root, "/etc/passwd");
  const uid = numeric(user) ?? ownerOf(user, root)?.uid;
  const entry = entries.find(([name, , id]) => (uid === undefined ? name === user : Number(id) === uid));
  if (entry === undefined) {
    if (uid === undefined) throw new EngineError(`"${user}" user not found`);
    // As runc does: much fails without any HOME.
    return { uid, environment: uid === 0 ? loginEnvironment("root", "/root", "/bin/sh") : [["HOME", "/"]] };
  }
  const [name = "", , id, , , home, shell] = entry;
  return { uid: Number(id), environment: loginEnvironment(name, home || "/", shell || "/bin/sh") };
}

function loginEnvironment(name: string, home: string, shell: string): User["environment"] {
  return [
    ["USER", name],
    ["LOGNAME", name],
    ["HOME", home],
    ["SHELL", shell],
  ];
}

function resolveGroup(group: string, root: string): number {
  const gid = numeric(group) ?? ownerOf(group, root)?.gid;
  if (gid !== undefined) return gid;
  const entry = databaseEntries(root, "/etc/group").find(([name]) => name === group);
  if (entry === undefined) throw new EngineError(`"${group}" group not found`);
  return Number(entry[2]);
}

function numeric(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** More would come out as root (as in CVE-2024-40635): the kernel sees 32 bits, and the greatest number means "as it is". */
function checkId(id: number, app: string): void {
  if (!Number.isInteger(id) || id < 0 || id >= 0xffffffff)
    throw new EngineError(`app "${app}" has a user or group ${id}, which cannot be`);
}

/** Of a path in the image, which appc allows in place of a name. */
function ownerOf(path: string, root: string): { uid: number; gid: number } | undefined {
  if (!path.startsWith("/")) return undefined;
  const stat = statInRoot(root, path);
  if (stat === undefined) throw new EngineError(`"${path}" is not in the image, so its owner is not known`);
  return stat;
}

function databaseEntries(root: string, file: string): readonly (readonly string[])[] {
  return readTextInRoot(root, file)
    .split("\n")
    .map((line) => line.split(":"))
    .filter(([, , id]) => id !== undefined && /^\d+$/.test(id));
}

/** What is retained, else rkt's default, less what is removed. */
function boundingSet(app: AppcApp): readonly string[] {
  const retained = capabilityNames(isolator(app, "os/linux/capabilities-retain-set"));
  const removed = new Set(capabilityNames(isolator(app, "os/linux/capabilities-remove-set")));
  return (retained ?? defaultCapabilities).filter((name) => !removed.has(name));
}
