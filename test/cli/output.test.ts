// What the commands print beside their tables.

import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tempDir } from "../temp-dir.ts";

const main = join(import.meta.dir, "../../src/main.ts");

test("regression: an error message that quotes what others wrote moved the terminal", async () => {
  const child = Bun.spawn([process.execPath, main, "wait", "pod/web", "--for=\u009b2J"], { stderr: "pipe" });
  expect(await child.stderr.text()).toEndWith('not "\ufffd2J"\n');
  expect(await child.exited).toBe(2);
});

test("a file is named without what its name would do to a terminal", async () => {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/a\u009b2J.yaml`, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n");
  const child = Bun.spawn([process.execPath, main, "validate", dir.path], { stdout: "pipe" });
  const text = await child.stdout.text();
  expect(text).toContain("a\ufffd2J.yaml: secret default/s is valid");
  expect(text).not.toContain("\u009b");
});
