// `gantry config` as a process: what is in effect, and where it is from.

import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TempDir, tempDir } from "../temp-dir.ts";

const main = join(import.meta.dir, "../../src/main.ts");

function show(dir: TempDir, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawnSync([process.execPath, main, "config", ...argv], {
    env: { GANTRY_CONFIG: `${dir.path}/config.yaml`, ...env },
  });
  const settled = (text: string) => text.replaceAll(dir.path, ".");
  return {
    exitCode: child.exitCode,
    stdout: settled(child.stdout.toString()),
    stderr: settled(child.stderr.toString()),
  };
}

async function configured(files: Readonly<Record<string, string>>): Promise<TempDir> {
  const dir = await tempDir();
  await mkdir(`${dir.path}/config.d`);
  for (const [name, text] of Object.entries(files)) await writeFile(`${dir.path}/${name}`, text);
  return dir;
}

test("each value with its source, as a file that could be given to --config", async () => {
  await using dir = await configured({
    "config.yaml": "nodeName: edge1\nrkt:\n  path: builtin\n",
    "config.d/listen.yaml": "listen:\n  - unix:///srv/a.sock\n  - unix:///srv/b.sock\n",
  });
  const env = { GANTRY_NETWORK: "lan" };
  const { exitCode, stdout, stderr } = show(dir, ["--debug", "--state-dir=/srv/state/"], env);
  expect([exitCode, stderr]).toEqual([0, ""]);
  const lines = stdout.split("\n");
  for (const line of [
    "manifestPath: /etc/gantry/manifests  # default",
    "stateDir: /srv/state  # --state-dir",
    "nodeName: edge1  # ./config.yaml:1:11",
    "listen:  # ./config.d/listen.yaml:2:3",
    "  - unix:///srv/b.sock",
    "network: lan  # GANTRY_NETWORK",
    "rkt:",
    "  path: builtin  # ./config.yaml:3:9",
    "debug: true  # --debug",
  ])
    expect(lines).toContain(line);

  await writeFile(`${dir.path}/all.yaml`, stdout);
  await writeFile(`${dir.path}/config.d/listen.yaml`, "");
  const again = show(dir, [`--config=${dir.path}/all.yaml`]);
  const values = (text: string) => text.replaceAll(/ {2}# .*$/gm, "");
  expect(values(again.stdout)).toBe(values(stdout));
});

test("-o json", async () => {
  await using dir = await configured({ "config.yaml": "nodeName: edge1\n" });
  const shown = JSON.parse(show(dir, ["-o", "json", "--max-parallel-image-pulls=3"]).stdout);
  expect(shown.nodeName).toEqual({ value: "edge1", source: "./config.yaml:1:11" });
  expect(shown.maxParallelImagePulls).toEqual({ value: 3, source: "--max-parallel-image-pulls" });
  expect(shown["rkt.insecureOptions"]).toEqual({ value: [], source: "default" });
});

test("what cannot be used is told, a line each, and nothing else", async () => {
  await using dir = await configured({
    "config.yaml": "nodeNam: edge1\n",
    "config.d/a.yaml": "debug: sometimes\n",
  });
  expect(show(dir, ["--run-dir=run"], { GANTRY_DEBUGG: "true" })).toEqual({
    exitCode: 2,
    stdout: "",
    stderr: [
      'gantry: ./config.yaml:1:1: nodeNam: unknown field "nodeNam" (did you mean "nodeName"?)',
      "gantry: ./config.d/a.yaml:1:8: debug: Invalid value: sometimes: must be true or false",
      "gantry: unknown variable GANTRY_DEBUGG in the environment (did you mean GANTRY_DEBUG?)",
      'gantry: --run-dir: must be an absolute path, not "run"',
      "",
    ].join("\n"),
  });
});
