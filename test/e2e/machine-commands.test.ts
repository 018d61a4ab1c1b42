// The commands that need no agent, of the compiled executable.

import { expect, test } from "bun:test";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { allSettings } from "../../src/config/settings.ts";
import { tempDir } from "../temp-dir.ts";
import { executable } from "./executable.ts";
import { manifest } from "./manifest.ts";

async function gantry(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([await executable(), ...argv], {
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test.each(["version", "--version"])("%s tells the product's, its commit and its runtime", async (word) => {
  const { exitCode, stdout, stderr } = await gantry([word]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const expected = `gantry ${packageJson.version} \\(commit ([0-9a-f]{12}|unknown), bun ${Bun.version}\\)\n`;
  expect(stdout).toMatch(new RegExp(`^${expected}$`));
});

test("man prints the page of this version", async () => {
  const main = join(import.meta.dir, "../../src/main.ts");
  const ofSource = Bun.spawnSync([process.execPath, main, "man"]).stdout.toString();
  expect(await gantry(["man"])).toEqual({
    exitCode: 0,
    stdout: ofSource.replace('"gantry dev"', `"gantry ${packageJson.version}"`),
    stderr: "",
  });
});

test("config tells each setting and where it comes from, as a file that can be given back to it", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/config.yaml`;
  const first = await gantry(["config", "--state-dir=/srv/state", "-o", "json"], {
    GANTRY_NODE_NAME: "edge",
  });
  expect({ ...first, stdout: "" }).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  const told = JSON.parse(first.stdout);
  expect(Object.keys(told)).toEqual(allSettings.map(({ key }) => key));
  expect([told.stateDir, told.nodeName.value]).toEqual([
    { value: "/srv/state", source: "--state-dir" },
    "edge",
  ]);
  const yaml = await gantry(["config", "--state-dir=/srv/state"], { GANTRY_NODE_NAME: "edge" });
  await Bun.write(file, yaml.stdout);
  await Bun.$`chmod 600 ${file}`;
  const again = JSON.parse((await gantry(["config", `--config=${file}`, "-o", "json"])).stdout);
  const values = (all: Readonly<Record<string, { readonly value: unknown }>>) =>
    Object.entries(all).map(([key, { value }]) => [key, value]);
  expect(values(again)).toEqual(values(told));
  expect(await gantry(["config", "--state-dir=state"])).toMatchObject({ exitCode: 2, stdout: "" });
});

test("validate: what is well on stdout, what is wrong on stderr with its place", async () => {
  await using dir = await tempDir();
  await Bun.write(`${dir.path}/web.yaml`, manifest("web", { image: "example.com/web:1" }));
  await Bun.write(`${dir.path}/bad.yaml`, "apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspek: {}\n");
  expect(await gantry(["validate", "--node-name=edge", `${dir.path}/web.yaml`])).toEqual({
    exitCode: 0,
    stdout: `${dir.path}/web.yaml: pod default/web-edge is valid\n`,
    stderr: "",
  });
  const { exitCode, stdout, stderr } = await gantry(["validate", "--node-name=edge", dir.path]);
  expect([exitCode, stdout]).toEqual([1, `${dir.path}/web.yaml: pod default/web-edge is valid\n`]);
  expect(stderr).toMatch(new RegExp(`^${dir.path}/bad\\.yaml:4:1: .*spek.*spec`, "m"));
});
