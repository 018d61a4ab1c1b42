// The filter of an app's system calls, from appc's isolators, with rkt's names for whole sets of calls (rkt's Documentation/seccomp-guide.md).

import { constants } from "node:os";
import { isJsonObject } from "../../pod/json.ts";
import type { AppcApp } from "../../rkt/appc.ts";
import { EngineError } from "../engine-error.ts";
import { isolator } from "../isolator.ts";
import { defaultRule } from "./default-rules.ts";
import { filterProgram, type Verdict } from "./filter-program.ts";
import { architectures } from "./system-calls.ts";

const everything = "@appc.io/all";
const nothing = "@appc.io/empty";
/** Both are Docker's default, from its two sides. */
const wildcards = {
  retain: [everything, nothing, "@docker/default-whitelist", "@rkt/default-whitelist"],
  remove: [nothing, "@docker/default-blacklist", "@rkt/default-blacklist"],
};

export interface FilterOptions {
  /** The app's bounding set, which the default set depends on; undefined: all. */
  readonly capabilities: readonly string[] | undefined;
  /** process.arch. */
  readonly machine: string;
}

/**
 * Undefined: every call is let through. An app without an isolator of this kind has the default set, as rkt has it; but a call is refused and
 * its caller not killed, as an image of today expects it of a container.
 */
export function appFilter(app: AppcApp, { capabilities, machine }: FilterOptions): Uint8Array | undefined {
  const retained = callSet(app, "retain");
  const removed = callSet(app, "remove");
  if (retained && removed) throw new EngineError("more than one seccomp isolator");
  if (retained?.names.has(everything)) return undefined;
  const set = retained ?? removed;
  const isDefault = set === undefined || set.names.size === 0 || set.names.has(nothing);
  const refusal = set === undefined ? errno("EPERM") : (set.errno ?? "kill");
  const hasDefaults = isDefault || [...set.names].some((name) => name.startsWith("@"));
  const isNamed = (name: string) => !isDefault && set.names.has(name);
  return filterProgram(architectures(machine), (name) => {
    if (isNamed(name)) return retained ? "allow" : refusal;
    if (hasDefaults) return defaultRule(name, capabilities, refusal);
    return retained ? refusal : "allow";
  });
}

interface CallSet {
  readonly names: ReadonlySet<string>;
  /** What a call that is refused fails with; undefined: its caller is killed. */
  readonly errno: Verdict | undefined;
}

function callSet(app: AppcApp, kind: "retain" | "remove"): CallSet | undefined {
  const name = `os/linux/seccomp-${kind}-set`;
  const value = isolator(app, name);
  if (!isJsonObject(value)) return undefined;
  const names = Array.isArray(value.set) ? value.set.map(String) : [];
  const unknown = names.find((each) => each.startsWith("@") && !wildcards[kind].includes(each));
  if (unknown !== undefined) throw new EngineError(`${name}: this engine has no set ${unknown}`);
  const code = value.errno;
  return { names: new Set(names), errno: typeof code === "string" && code !== "" ? errno(code) : undefined };
}

function errno(name: string): Verdict {
  const value = Object.entries(constants.errno).find(([each]) => each === name)?.[1];
  if (value === undefined) throw new EngineError(`unknown error ${JSON.stringify(name)} for system calls`);
  return { errno: value };
}
