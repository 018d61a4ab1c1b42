// Landlock (landlock(7)): a process and what it starts are kept from processes outside. Where there are no PID namespaces, /proc/PID/root of a
// process of the same user is a way into its root directory.

import { closeSync, constants, openSync } from "node:fs";
import { hasErrorCode } from "./error.ts";
import { address, check, libc, O_PATH, type Pointer } from "./libc.ts";

const SYS_landlock_create_ruleset = 444;
const SYS_landlock_add_rule = 445;
const SYS_landlock_restrict_self = 446;
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_RULE_PATH_BENEATH = 1;
const LANDLOCK_SCOPE_SIGNAL = 2n;
const LANDLOCK_ACCESS_FS_MAKE_BLOCK = 1n << 11n;
const LANDLOCK_ACCESS_FS_REFER = 1n << 13n;

/** Of its ABI: 2 since Linux 5.19, 6 since 6.12. 0 where there is none, or where it would refuse to move files between directories. */
export function landlockVersion(): number {
  try {
    const version = createRuleset(undefined, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 2 ? 0 : version;
  } catch (error) {
    if (hasErrorCode(error, "ENOSYS", "EOPNOTSUPP")) return 0; // not built in, or switched off
    throw error;
  }
}

/**
 * For good: no tracing, no looking into memory, root directory and the like of processes that do not descend from this thread, and since
 * Linux 6.12 no signals to them. False where the kernel cannot do that, and before 6.12 where the process `mayMount`: it could no longer.
 * Takes CAP_SYS_ADMIN.
 */
export function keepFromOtherProcesses({ mayMount }: { readonly mayMount: boolean }): boolean {
  const version = landlockVersion();
  if (version === 0 || (version < 6 && mayMount)) return false;
  const ruleset =
    version < 6 ? rulesetOfFiles() : createRuleset(BigUint64Array.of(0n, 0n, LANDLOCK_SCOPE_SIGNAL));
  try {
    check("landlock_restrict_self", libc().syscall(SYS_landlock_restrict_self, ruleset, null, 0, 0, 0));
  } finally {
    closeSync(ruleset);
  }
  return true;
}

/** One about files is needed: that allows all it is about. */
function rulesetOfFiles(): number {
  const access = LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_REFER;
  const ruleset = createRuleset(BigUint64Array.of(access));
  const root = openSync("/", O_PATH | constants.O_DIRECTORY);
  try {
    const rule = Buffer.alloc(12); // struct landlock_path_beneath_attr
    rule.writeBigUInt64LE(access);
    rule.writeInt32LE(root, 8);
    const type = LANDLOCK_RULE_PATH_BENEATH as Pointer;
    check("landlock_add_rule", libc().syscall(SYS_landlock_add_rule, ruleset, type, address(rule), 0, 0));
  } finally {
    closeSync(root);
  }
  return ruleset;
}

/** struct landlock_ruleset_attr: what is handled of files, of the network, of other processes. */
function createRuleset(attributes: BigUint64Array | undefined, flags = 0): number {
  const size = (attributes?.byteLength ?? 0) as Pointer;
  const at = attributes === undefined ? 0 : address(attributes);
  return check("landlock_create_ruleset", libc().syscall(SYS_landlock_create_ruleset, at, size, flags, 0, 0));
}
