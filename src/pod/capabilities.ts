// The kernel's capabilities by name: what may be asked for, and what a container has that asks for nothing.

/** In the order of their numbers: capabilities(7), include/uapi/linux/capability.h. */
export const allCapabilities: readonly string[] =
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
    .split(" ")
    .map((name) => `CAP_${name}`);

/** What rkt 1.30 leaves an app that asks for nothing else; Docker's too. */
export const defaultCapabilities: readonly string[] =
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    .split(" ")
    .map((name) => `CAP_${name}`);

/** Kubernetes leaves the prefix out, the kernel does not: here it is always there. `ALL` stays. */
export function prefixedCapability(name: string): string {
  return name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`;
}
