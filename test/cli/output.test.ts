// What the commands print beside their tables.

import { expect, test } from "bun:test";
import { join } from "node:path";

test("regression: an error message that quotes what others wrote moved the terminal", async () => {
  const main = join(import.meta.dir, "../../src/main.ts");
  const child = Bun.spawn([process.execPath, main, "wait", "pod/web", "--for=\u009b2J"], { stderr: "pipe" });
  expect(await child.stderr.text()).toEndWith('not "\ufffd2J"\n');
  expect(await child.exited).toBe(2);
});
