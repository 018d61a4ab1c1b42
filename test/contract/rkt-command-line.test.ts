// The built-in engine, as it is started by the agent, under a real systemd.

import { describeRktCommandLine } from "./rkt-command-line.ts";

describeRktCommandLine("the built-in engine", [
  process.execPath,
  `${import.meta.dir}/../../src/main.ts`,
  "rkt",
]);
