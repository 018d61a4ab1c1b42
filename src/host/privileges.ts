// What a process may do, by bun:ffi: user, groups, capabilities, system calls, signals. For good, for what process.execve() starts.
// Invariant: nothing here gives a process more than it has.

import { constants } from "node:os";
import { address, check, libc } from "./libc.ts";

const PR_SET_KEEPCAPS = 8;
const PR_SET_SECCOMP = 22;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;

export interface Privileges {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** The bounding set, bit N for capability N. */
  readonly capabilities: bigint;
  readonly noNewPrivileges: boolean;
  /** Programs for seccomp(2), instruction by instruction, all of which are asked; set in this order. */
  readonly systemCallFilters: readonly Uint8Array[];
}

/** For good, for what process.execve() starts; only to be used right before it. */
export function dropPrivileges(privileges: Privileges): void {
  const { prctl, setgroups, setresgid, setresuid } = libc();
  for (let capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    if ((privileges.capabilities & (1n << BigInt(capability))) === 0n)
      check("prctl PR_CAPBSET_DROP", prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
  clearInheritable();
  // Without no_new_privs it takes CAP_SYS_ADMIN to set a filter, which so is kept until the end: process.execve() takes it away.
  const keepsAdmin =
    privileges.systemCallFilters.length > 0 && !privileges.noNewPrivileges && privileges.uid !== 0;
  if (keepsAdmin) check("prctl PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  const groups = Uint32Array.from(privileges.groups.length === 0 ? [0] : privileges.groups);
  check("setgroups", setgroups(privileges.groups.length, groups));
  check("setresgid", setresgid(privileges.gid, privileges.gid, privileges.gid));
  check("setresuid", setresuid(privileges.uid, privileges.uid, privileges.uid));
  if (privileges.noNewPrivileges) check("prctl PR_SET_NO_NEW_PRIVS", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  if (keepsAdmin) setCapabilities(1n << CAP_SYS_ADMIN);
  for (const filter of privileges.systemCallFilters) setSystemCallFilter(filter);
}

const CAP_SYS_ADMIN = 21n;
const capabilityVersion = 0x20080522;

/** capset(2): the permitted and effective ones; none is inheritable. */
function setCapabilities(bits: bigint): void {
  const header = Uint32Array.of(capabilityVersion, 0);
  const [low, high] = [Number(bits & 0xffffffffn), Number(bits >> 32n)];
  check("capset", libc().capset(header, Uint32Array.of(low, low, 0, high, high, 0)));
}

/** The bounding set does not hold for these: root would have them all after process.execve() (capabilities(7); CVE-2022-24769). */
function clearInheritable(): void {
  const header = Uint32Array.of(capabilityVersion, 0);
  const sets = new Uint32Array(6);
  check("capget", libc().capget(header, sets));
  sets[2] = sets[5] = 0;
  check("capset", libc().capset(header, sets));
}

const SECCOMP_MODE_FILTER = 2;

function setSystemCallFilter(program: Uint8Array): void {
  const instructions = program.slice(); // aligned, whatever it was cut out of
  const header = BigUint64Array.of(BigInt(instructions.length / 8), address(instructions)); // struct sock_fprog
  check("prctl PR_SET_SECCOMP", libc().prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address(header), 0, 0));
}

/** Bun ignores these two, and what process.execve() starts would inherit that. */
export function restoreSignals(): void {
  const SIG_DFL = 0;
  for (const signal of [constants.signals.SIGPIPE, constants.signals.SIGXFSZ]) libc().signal(signal, SIG_DFL);
}
