// Calls of systemd's own commands. As root systemctl talks to systemd directly, so that the D-Bus daemon may come and go.

import { existsSync, readdirSync } from "node:fs";
import { checkSystemdVersion, engineSystemdMinimum } from "../systemd/version.ts";
import { EngineError } from "./engine-error.ts";

const timeoutMs = 30_000;

/** Runs it to its end and returns its output; throws EngineError unless it exits 0. */
export function systemctl(args: readonly string[], waitMs = timeoutMs): string {
  const { stdout, stderr, exitCode, exitedDueToTimeout } = Bun.spawnSync(["systemctl", ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: waitMs,
  });
  if (exitCode === 0) return stdout.toString();
  const complaint = exitedDueToTimeout
    ? "did not end in time"
    : stderr.toString().trim().replaceAll("\n", "; ");
  throw new EngineError(`systemctl ${args[0]}: ${complaint === "" ? `exit code ${exitCode}` : complaint}`);
}

/** Properties of a unit by name. */
export function unitProperties<Name extends string>(
  unit: string,
  names: readonly Name[],
): Record<Name, string> {
  const output = systemctl(["show", ...names.map((name) => `--property=${name}`), "--", unit]);
  const values = new Map(
    output.split("\n").map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1)]),
  );
  return Object.fromEntries(names.map((name) => [name, values.get(name) ?? ""])) as Record<Name, string>;
}

/** The major version of systemd; throws EngineError if it is too old. */
export function systemdVersion(): number {
  const version = libraryVersion() ?? /^systemd (\d+)/.exec(systemctl(["--version"]))?.[1];
  if (version === undefined) throw new EngineError("cannot find systemd's version");
  const problem = checkSystemdVersion(version, engineSystemdMinimum);
  if (problem !== undefined) throw new EngineError(problem);
  return Number(version);
}

/** systemd's own library has it in its name, which saves a process for each pod. Undefined: it lies elsewhere. */
function libraryVersion(): string | undefined {
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  for (const directory of [`/usr/lib/${triplet}/systemd`, "/usr/lib/systemd", "/usr/lib64/systemd"]) {
    if (!existsSync(directory)) continue;
    const versions = readdirSync(directory).flatMap(
      (name) => /^libsystemd-shared-(\d+)\b.*\.so$/.exec(name)?.[1] ?? [],
    );
    const known = new Set(versions);
    if (known.size === 1) return [...known][0]; // two while it is being upgraded
  }
  return undefined;
}

export interface UnitPlace {
  /** The innermost unit that is a service or scope. */
  readonly unit: string | undefined;
  readonly slice: string | undefined;
}

/** Where the text of /proc/PID/cgroup says that a process is: by systemd's own hierarchy, or by the unified one where that is systemd's. */
export function unitPlace(cgroupText: string): UnitPlace {
  const paths = [/^\d+:name=systemd:(.*)$/m, /^0::(.*)$/m].map((line) => line.exec(cgroupText)?.[1] ?? "");
  const places = paths.map((path) => ({
    unit: path.split("/").findLast((name) => /\.(service|scope)$/.test(name)),
    slice: path.split("/").findLast((name) => name.endsWith(".slice")),
  }));
  return places.find(({ unit }) => unit !== undefined) ?? { unit: undefined, slice: undefined };
}
