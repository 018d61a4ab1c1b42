// What every rkt must do on its command line, as a suite that takes the rkt as an argument. Its expectations are recordings of rkt 1.30.0.
// Where ours differs on purpose the test says "unlike rkt" in its name, and the reason beside it.

import { describe } from "bun:test";
import { describeGarbage } from "./rkt-command-line-garbage.ts";
import { describeImages } from "./rkt-command-line-images.ts";
import { describePrepare } from "./rkt-command-line-prepare.ts";
import { describeRun } from "./rkt-command-line-run.ts";
import { describeUsage } from "./rkt-command-line-usage.ts";
import type { RktArgv } from "./rkt-command-line-world.ts";

export function describeRktCommandLine(name: string, argv: RktArgv): void {
  describe(name, () => {
    describeUsage(argv);
    describeImages(argv);
    describePrepare(argv);
    describeRun(argv);
    describeGarbage(argv);
  });
}
