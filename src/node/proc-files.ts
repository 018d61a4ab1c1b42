// What /proc tells of a machine as a whole, parsed. Pure.

export interface MachineMemory {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** The kernel's own estimate of what can be had without swapping. */
  readonly availableBytes: number;
  readonly rssBytes: number;
}

/** /proc/meminfo; undefined where it does not tell the three that matter. */
export function parseMachineMemory(text: string): MachineMemory | undefined {
  const bytes = (name: string) => {
    const value = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1];
    return value === undefined ? undefined : Number(value) * 1024;
  };
  const [totalBytes, freeBytes, availableBytes] = ["MemTotal", "MemFree", "MemAvailable"].map(bytes);
  if (totalBytes === undefined || freeBytes === undefined || availableBytes === undefined) return undefined;
  return { totalBytes, freeBytes, availableBytes, rssBytes: bytes("AnonPages") ?? 0 };
}

/** Nanoseconds that all cores have worked, from /proc/stat. */
export function parseMachineCpuNs(text: string): number | undefined {
  const [, ...values] = /^cpu +[\d ]+$/m.exec(text)?.[0].split(/ +/) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = values.map(Number);
  return values.length === 0 ? undefined : (user + nice + system + irq + softIrq) * 10_000_000; // USER_HZ is 100
}

/** /proc/vmstat. */
export function parsePageFaults(text: string): { readonly all: number; readonly major: number } {
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return { all: value("pgfault"), major: value("pgmajfault") };
}

/** All processes and threads, from /proc/loadavg. */
export function parseTaskCount(text: string): number | undefined {
  const count = /^\S+ \S+ \S+ \d+\/(\d+) /.exec(text)?.[1];
  return count === undefined ? undefined : Number(count);
}

export interface NetworkInterface {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

/** /proc/PID/net/dev, without loopback and the host's ends of pods' cables. */
export function parseInterfaces(text: string): readonly NetworkInterface[] {
  return text.split("\n").flatMap((line) => {
    const [, name = "", rest = ""] = /^ *([^ :]+): *(.*)$/.exec(line) ?? [];
    if (rest === "" || name === "lo" || name.startsWith("veth")) return [];
    const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = rest.split(/ +/).map(Number);
    return [{ name, rxBytes, rxErrors, txBytes, txErrors }];
  });
}

/** The interface of the default route, from /proc/net/route; undefined if there is none. */
export function parseDefaultInterface(text: string): string | undefined {
  return /^(\S+)\t00000000\t/m.exec(text)?.[1];
}
