// The kernel's capabilities by name and number. Pure.

/** In the order of their numbers: capabilities(7), include/uapi/linux/capability.h. */
const numbered =
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
    .split(" ")
    .map((name) => `CAP_${name}`);

/** What rkt 1.30 leaves an app that asks for nothing else. */
export const defaultCapabilities: readonly string[] =
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    .split(" ")
    .map((name) => `CAP_${name}`);

/** `{"set": ["CAP_CHOWN", "net_admin"]}` of an isolator; undefined where there is none. */
export function capabilityNames(value: unknown): readonly string[] | undefined {
  if (typeof value !== "object" || value === null || !("set" in value) || !Array.isArray(value.set))
    return undefined;
  return value.set.map((name) => {
    const upper = String(name).toUpperCase();
    return upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  });
}

/** Bit N for capability N; names that the kernel does not know are left out. All for undefined. */
export function capabilityBits(names: readonly string[] | undefined): bigint {
  if (names === undefined) return (1n << 64n) - 1n;
  return names
    .map((name) => numbered.indexOf(name))
    .filter((number) => number >= 0)
    .reduce((bits, number) => bits | (1n << BigInt(number)), 0n);
}
