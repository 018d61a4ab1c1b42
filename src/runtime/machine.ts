// What the machine is like, as far as it shapes a pod. Read anew for every pod: a resolv.conf changes with the network.

import { runCommand } from "../host/command.ts";
import { readTextIfExists } from "../host/files.ts";
import type { Resolver } from "../rkt/pod-options.ts";

/**
 * What the machine asks for names. One that asks itself (systemd-resolved) is of no use to a pod with a network of its own: then what that
 * resolver asks.
 */
export async function machineResolver(): Promise<Resolver> {
  const resolver = parseResolver((await readTextIfExists("/etc/resolv.conf")) ?? "");
  if (!resolver.nameservers.every((address) => /^(127\.|::1$)/.test(address))) return resolver;
  const upstream = await readTextIfExists("/run/systemd/resolve/resolv.conf");
  return upstream === undefined ? resolver : parseResolver(upstream);
}

/** resolv.conf(5): of several `search` or `domain` lines the last counts, options add up. */
export function parseResolver(text: string): Resolver {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const valuesOf = (...names: readonly string[]) =>
    lines.filter(([name = ""]) => names.includes(name)).map(([, ...values]) => values);
  return {
    nameservers: valuesOf("nameserver").flatMap((values) => values.slice(0, 1)),
    searches: valuesOf("search", "domain").at(-1) ?? [],
    options: valuesOf("options").flat(),
  };
}

/** CoreOS Container Linux, whose SELinux policy knows overlays. */
export async function isCoreOs(): Promise<boolean> {
  return /^ID=["']?coreos["']?$/m.test((await readTextIfExists("/etc/os-release")) ?? "");
}

/** The SELinux label of a file; undefined on a machine without SELinux. */
export async function seLinuxLabel(path: string, signal: AbortSignal): Promise<string | undefined> {
  if ((await readTextIfExists("/sys/fs/selinux/enforce")) === undefined) return undefined;
  const argv = ["stat", "--format=%C", "--", path];
  return (await runCommand(argv, { timeoutMs: 10_000, signal })).stdout.trimEnd();
}
