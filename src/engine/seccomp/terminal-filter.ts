// Keeps a program from typing into its terminal, which is that of who has entered the app: a shell outside would read it next (CVE-2016-2568
// is one of many). Pure. Linux 6.2 can be told to do it (dev.tty.legacy_tiocsti).

import { filterProgram, type Rule } from "./filter-program.ts";
import { architectures } from "./system-calls.ts";

const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
const EPERM = 1;

const ioctl: Rule = {
  argument: 1,
  test: "isOneOf",
  values: [TIOCSTI, TIOCLINUX],
  match: { errno: EPERM },
  otherwise: "allow",
};

/** `machine`: process.arch. */
export function terminalFilter(machine: string): Uint8Array {
  return filterProgram(architectures(machine), (name) => (name === "ioctl" ? ioctl : "allow"));
}
