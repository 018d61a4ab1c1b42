// What an app may ask of the kernel, by its isolators and capabilities: each filter is run, call by call.

import { describe, expect, test } from "bun:test";
import { appFilter } from "../../../src/engine/seccomp/app-filter.ts";
import { architectures } from "../../../src/engine/seccomp/system-calls.ts";
import { defaultCapabilities } from "../../../src/pod/capabilities.ts";
import type { AppcIsolator } from "../../../src/rkt/appc.ts";
import { verdictOf } from "./interpreter.ts";

const EPERM = 1;
const ENOSYS = 38;

interface Given {
  readonly retain?: readonly string[];
  readonly remove?: readonly string[];
  readonly errno?: string;
  readonly capabilities?: readonly string[] | undefined;
  readonly machine?: string;
}

function filter({ retain, remove, errno, machine = "x64", ...more }: Given): Uint8Array | undefined {
  const value = (set: readonly string[]) => ({ set, ...(errno === undefined ? {} : { errno }) });
  const isolators: AppcIsolator[] = [];
  if (retain) isolators.push({ name: "os/linux/seccomp-retain-set", value: value(retain) });
  if (remove) isolators.push({ name: "os/linux/seccomp-remove-set", value: value(remove) });
  const capabilities = "capabilities" in more ? more.capabilities : defaultCapabilities;
  return appFilter({ user: "0", group: "0", isolators }, { capabilities, machine });
}

/** Of a call by name, on the machine's own architecture or (1) that of its 32-bit programs. */
function verdict(given: Given, name: string, args: readonly bigint[] = [], which: 0 | 1 = 0) {
  const program = filter(given);
  const architecture = architectures(given.machine ?? "x64")[which];
  if (!program || !architecture) throw new Error("no filter");
  const [number] = [...architecture.calls].find(([, each]) => each === name) ?? [];
  if (number === undefined) throw new Error(`no call ${name}`);
  return verdictOf(program, { audit: architecture.audit, number, arguments: args });
}

const runtimeDefault: Given = { retain: ["@docker/default-whitelist"], errno: "EPERM" };

describe("RuntimeDefault", () => {
  test.each(
    "read write openat execve futex mmap clone fork ptrace seccomp mknod chroot setuid capset rseq landlock_add_rule fchmodat2".split(
      " ",
    ),
  )("lets %s through", (name) => {
    expect(verdict(runtimeDefault, name)).toBe("allow");
  });

  test.each(
    "mount umount2 unshare setns pivot_root bpf perf_event_open keyctl add_key request_key kexec_load init_module reboot swapon settimeofday syslog open_by_handle_at userfaultfd io_uring_setup acct quotactl sethostname fsopen move_pages".split(
      " ",
    ),
  )("refuses %s", (name) => {
    expect(verdict(runtimeDefault, name)).toBe(EPERM);
  });

  test.each([
    ["CAP_SYS_ADMIN", "mount unshare setns clone3 bpf sethostname"],
    ["CAP_BPF", "bpf"],
    ["CAP_PERFMON", "perf_event_open"],
    ["CAP_SYSLOG", "syslog"],
    ["CAP_SYS_BOOT", "reboot"],
    ["CAP_SYS_MODULE", "init_module finit_module delete_module"],
    ["CAP_SYS_NICE", "mbind set_mempolicy"],
    ["CAP_SYS_TIME", "settimeofday clock_settime"],
    ["CAP_DAC_READ_SEARCH", "open_by_handle_at"],
  ])("with %s lets more through", (capability, names) => {
    const given = { ...runtimeDefault, capabilities: [...defaultCapabilities, capability] };
    for (const name of names.split(" ")) expect([name, verdict(given, name)]).toEqual([name, "allow"]);
    expect(verdict(given, "keyctl")).toBe(EPERM);
  });

  test("without CAP_SYS_CHROOT refuses chroot", () => {
    expect(verdict({ ...runtimeDefault, capabilities: [] }, "chroot")).toBe(EPERM);
  });

  test.each([
    ["a process", 0x1200011n, "allow"],
    ["a thread", 0x3d0f00n, "allow"],
    ["a user namespace", 0x10000011n, EPERM],
    ["a mount namespace", 0x20011n, EPERM],
    ["a network namespace behind bits that the kernel does not look at", 0xff_4000_0011n, EPERM],
  ])("clone(2) of %s", (_what, flags, expected) => {
    expect(verdict(runtimeDefault, "clone", [flags])).toBe(expected as never);
    const admin = { ...runtimeDefault, capabilities: ["CAP_SYS_ADMIN"] };
    expect(verdict(admin, "clone", [flags])).toBe("allow");
  });

  test("clone3(2), whose flags no filter sees, is not there", () => {
    expect(verdict(runtimeDefault, "clone3")).toBe(ENOSYS);
  });

  test.each([
    ["socket", 2n, "allow"],
    ["socket", 1n, "allow"],
    ["socket", 40n, EPERM],
    ["socket", 0x1_0000_0028n, EPERM],
    ["personality", 0n, "allow"],
    ["personality", 0x20008n, "allow"],
    ["personality", 0xffffffffn, "allow"],
    ["personality", 0x40000n, EPERM],
  ])("%s of %p", (name, argument, expected) => {
    expect(verdict(runtimeDefault, name, [argument])).toBe(expected as never);
  });

  test("what is newer than the rules is not there, so that programs fall back", () => {
    const program = filter(runtimeDefault) ?? new Uint8Array();
    for (const { audit, calls } of architectures("x64"))
      for (const number of [Math.max(...calls.keys()) + 1, 5000, 0x7fffffff])
        expect(verdictOf(program, { audit, number })).toBe(ENOSYS);
  });

  test("x32 and foreign architectures are not there", () => {
    const program = filter(runtimeDefault) ?? new Uint8Array();
    expect(verdictOf(program, { audit: 0xc000003e, number: 0x40000000 + 39 })).toBe(ENOSYS);
    expect(verdictOf(program, { audit: 0xc00000b7, number: 0 })).toBe(ENOSYS);
  });

  test.each(["x64", "arm64"])("holds for the 32-bit programs of %s too", (machine) => {
    const given = { ...runtimeDefault, machine };
    for (const name of ["read", "execve", "clock_gettime64", "chown32"])
      expect([name, verdict(given, name, [], 1)]).toEqual([name, "allow"]);
    for (const name of ["mount", "unshare", "keyctl", "bpf"])
      expect([name, verdict(given, name, [], 1)]).toEqual([name, EPERM]);
    expect(verdict(given, "clone", [0x10000011n], 1)).toBe(EPERM);
  });
});

describe("isolators", () => {
  test("none is the default set", () => {
    expect(filter({})).toEqual(filter(runtimeDefault) as Uint8Array);
  });

  test("everything is no filter", () => {
    expect(filter({ retain: ["@appc.io/all"] })).toBeUndefined();
  });

  test.each([
    [{ retain: ["@appc.io/empty"] }],
    [{ remove: ["@appc.io/empty"] }],
    [{ retain: ["@rkt/default-whitelist"] }],
    [{ remove: ["@rkt/default-blacklist"] }],
  ])("%p is the default set, and kills as rkt does", (given) => {
    expect(verdict(given, "read")).toBe("allow");
    expect(verdict(given, "mount")).toBe("kill");
  });

  test("names are let through, and nothing else", () => {
    const given = { retain: ["read", "mount", "nosuchcall"], errno: "ENOSYS" };
    expect([verdict(given, "read"), verdict(given, "mount"), verdict(given, "write")]).toEqual([
      "allow",
      "allow",
      ENOSYS,
    ]);
  });

  test("names add to a set", () => {
    const given = { retain: ["@docker/default-whitelist", "unshare"], errno: "EPERM" };
    expect([verdict(given, "unshare"), verdict(given, "mount"), verdict(given, "read")]).toEqual([
      "allow",
      EPERM,
      "allow",
    ]);
  });

  test("what is removed is refused, and nothing else", () => {
    const given = { remove: ["socket"], errno: "EACCES" };
    expect([verdict(given, "socket", [2n]), verdict(given, "mount")]).toEqual([13, "allow"]);
    const more = { remove: ["@docker/default-blacklist", "read"], errno: "EPERM" };
    expect([verdict(more, "read"), verdict(more, "mount"), verdict(more, "write")]).toEqual([
      EPERM,
      EPERM,
      "allow",
    ]);
  });

  test.each([
    [{ retain: ["@systemd/clock"] }, "os/linux/seccomp-retain-set: this engine has no set @systemd/clock"],
    [{ remove: ["@appc.io/all"] }, "os/linux/seccomp-remove-set: this engine has no set @appc.io/all"],
    [{ retain: ["read"], errno: "ENOPE" }, 'unknown error "ENOPE" for system calls'],
    [{ retain: ["read"], remove: ["read"] }, "more than one seccomp isolator"],
  ])("%p is an error", (given, message) => {
    expect(() => filter(given)).toThrow(message);
  });
});

test("every filter ends for every call, and fits into the kernel", () => {
  const names = [...new Set(architectures("x64").flatMap(({ calls }) => [...calls.values()]))].toSorted();
  const everyOther = names.filter((_name, index) => index % 2 === 0);
  for (const machine of ["x64", "arm64"])
    for (const given of [runtimeDefault, {}, { retain: everyOther }, { remove: everyOther }]) {
      const program = filter({ ...given, machine }) ?? new Uint8Array();
      expect(program.length / 8).toBeLessThanOrEqual(4096);
      for (const { audit, calls } of architectures(machine))
        for (const number of [...calls.keys(), 500, 0x7fffffff, 0xffffffff])
          expect(() => verdictOf(program, { audit, number })).not.toThrow();
    }
});

test.each([
  ["x64", 0, { read: 0, openat: 257, uretprobe: 335, pidfd_send_signal: 424, removexattrat: 466 }],
  ["x64", 1, { restart_syscall: 0, socketcall: 102, clock_gettime64: 403, mseal: 462 }],
  ["arm64", 0, { io_setup: 0, openat: 56, clone: 220, kexec_file_load: 294, clone3: 435 }],
  ["arm64", 1, { restart_syscall: 0, pread64: 180, migrate_pages: 400, clone3: 435, cacheflush: 0xf0002 }],
])("the calls of %s %d have the kernel's numbers", (machine, which, expected) => {
  const calls = architectures(machine)[which]?.calls ?? new Map();
  for (const [name, number] of Object.entries(expected))
    expect([name, calls.get(number)]).toEqual([name, name]);
});
