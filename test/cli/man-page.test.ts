// The man page, as man's own programs see it.

import { expect, test } from "bun:test";
import { join } from "node:path";

const main = join(import.meta.dir, "../../src/main.ts");
const page = Bun.spawnSync([process.execPath, main, "man"]).stdout;

test("man's programs find nothing wrong with it but that it has no date", () => {
  const { stdout } = Bun.spawnSync(["mandoc", "-T", "lint", "-W", "style"], { stdin: page });
  const complaints = stdout.toString().trim().split("\n");
  expect(complaints).toEqual([expect.stringContaining('missing date, using "": TH')]);
});

test("every command and every setting is in it", () => {
  const { stdout } = Bun.spawnSync(["mandoc", "-T", "ascii"], { stdin: page });
  const text = stdout.toString().replaceAll(/.\x08/g, "");
  const help = Bun.spawnSync([process.execPath, main, "--help"]).stdout.toString();
  const commands = [...help.matchAll(/^ {2}([a-z][a-z-]*)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== "help");
  expect(commands.length).toBeGreaterThan(20);
  for (const command of commands) expect(text).toMatch(new RegExp(`^ +gantry ${command}\\b`, "m"));
  for (const text_ of ["--state-dir <value>", "--follow", "--certificate-authority <file>", "SEE ALSO"])
    expect(text).toContain(text_);
  expect(text.match(/--server <address>/g)).toHaveLength(1);
});
