// Runs a command for which there is no inotify instance left: `bun without-inotify.ts COMMAND…`. Instances are counted by user, so that using them
// all up would take them from everybody else.

import { filterProgram } from "../../src/engine/seccomp/filter-program.ts";
import { architectures } from "../../src/engine/seccomp/system-calls.ts";
import { becomeProgram } from "../../src/host/become.ts";
import { dropPrivileges } from "../../src/host/privileges.ts";

const EMFILE = 24;
const [program = "", ...args] = process.argv.slice(2);
dropPrivileges({
  uid: 0,
  gid: 0,
  groups: [],
  capabilities: (1n << 64n) - 1n,
  noNewPrivileges: false,
  systemCallFilters: [
    filterProgram(architectures(process.arch), (name) =>
      name.startsWith("inotify_init") ? { errno: EMFILE } : "allow",
    ),
  ],
});
becomeProgram(program, [program, ...args], process.env);
