// What a container may ask of the kernel unless told otherwise: the outcome of Docker's and containerd's default profiles (moby 27,
// containerd 2). Pure. They list what is allowed, some 380 names; here is the rest of what the kernel has, which is shorter and says more.

import type { Rule, Verdict } from "./filter-program.ts";

/** Old, or a door into the kernel that containers have no need of; no capability opens them. */
const refused = words(`
  _sysctl afs_syscall bdflush break create_module ftime get_kernel_syms get_tls getpmsg gtty idle lock mpx nfsservctl nice oldfstat
  oldlstat oldolduname oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write prof profil putpmsg query_module readdir security
  sgetmask sigaction signal sigpending sigsuspend ssetmask stty sysfs tuxcall ulimit uselib usr26 usr32 ustat vm86 vm86old vserver
  add_key keyctl request_key
  io_uring_enter io_uring_register io_uring_setup userfaultfd
  kexec_file_load kexec_load swapoff swapon pivot_root
  migrate_pages move_pages
  lsm_get_self_attr lsm_list_modules lsm_set_self_attr
`);

/** Each is allowed to whom has one of the capabilities that it is listed with. */
const guarded: Readonly<Record<string, ReadonlySet<string>>> = {
  CAP_BPF: words("bpf"),
  CAP_DAC_READ_SEARCH: words("open_by_handle_at"),
  CAP_PERFMON: words("perf_event_open"),
  CAP_SYSLOG: words("syslog"),
  CAP_SYS_ADMIN: words(`
    bpf clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie mount mount_setattr move_mount open_tree
    perf_event_open quotactl quotactl_fd setdomainname sethostname setns statmount syslog umount umount2 unshare
  `),
  CAP_SYS_BOOT: words("reboot"),
  CAP_SYS_CHROOT: words("chroot"),
  CAP_SYS_MODULE: words("delete_module finit_module init_module"),
  CAP_SYS_NICE: words("get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
  CAP_SYS_PACCT: words("acct"),
  CAP_SYS_PTRACE: words("kcmp pidfd_getfd process_madvise"),
  CAP_SYS_RAWIO: words("ioperm iopl"),
  CAP_SYS_TIME: words("clock_settime clock_settime64 settimeofday stime"),
  CAP_SYS_TTY_CONFIG: words("vhangup"),
};

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of clone(2). */
const newNamespaces = 0x7e020000;
const AF_VSOCK = 40;
/** PER_LINUX and PER_LINUX32, each with and without UNAME26, and the question for the current one: personality(2). */
const personalities = [0, 8, 0x20000, 0x20008, 0xffffffff];
/** Its flags are in memory, where no filter sees them; libc falls back to clone(2), which one does. */
const noSuchCall: Verdict = { errno: 38 };

/** Whether a call is let through to an app with these capabilities; undefined: all. */
export function defaultRule(
  name: string,
  capabilities: readonly string[] | undefined,
  refusal: Verdict,
): Rule {
  const has = (capability: string) => capabilities === undefined || capabilities.includes(capability);
  const guards = Object.keys(guarded).filter((capability) => guarded[capability]?.has(name));
  if (refused.has(name)) return refusal;
  if (guards.length > 0) {
    if (guards.some(has)) return "allow";
    return name === "clone3" ? noSuchCall : refusal;
  }
  switch (name) {
    case "clone":
      if (has("CAP_SYS_ADMIN")) return "allow";
      return { argument: 0, test: "hasAnyOf", values: [newNamespaces], match: refusal, otherwise: "allow" };
    case "socket": // it would reach the hypervisor
      return { argument: 0, test: "isOneOf", values: [AF_VSOCK], match: refusal, otherwise: "allow" };
    case "personality":
      return { argument: 0, test: "isOneOf", values: personalities, match: "allow", otherwise: refusal };
    default:
      return "allow";
  }
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ""));
}
