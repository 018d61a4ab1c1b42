// The executable runs as root, in any directory: nothing of that directory may reach it.

import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { tempDir } from "../temp-dir.ts";
import { executable, faultyExecutable } from "./executable.ts";

test("no .env, bunfig.toml, tsconfig.json, package.json or node_modules of the current directory is loaded", async () => {
  await using dir = await tempDir();
  const evil = `require("node:fs").writeFileSync("${dir.path}/loaded", "x");`;
  await writeFile(`${dir.path}/evil.js`, evil);
  await writeFile(`${dir.path}/.env`, "GANTRY_NONSENSE=1\nNODE_OPTIONS=--require ./evil.js\n");
  await writeFile(`${dir.path}/bunfig.toml`, 'preload = ["./evil.js"]\n');
  await writeFile(`${dir.path}/package.json`, '{"imports": {"#x": "./evil.js"}}');
  await writeFile(`${dir.path}/tsconfig.json`, '{"compilerOptions": {"paths": {"*": ["./evil.js"]}}}');
  for (const name of ["usocket", "x11", "execa", "hono", "yaml", "dbus-next"]) {
    await mkdir(`${dir.path}/node_modules/${name}`, { recursive: true });
    await writeFile(`${dir.path}/node_modules/${name}/index.js`, evil);
  }
  await mkdir(`${dir.path}/empty`);
  const agent = Bun.spawn(
    [
      await executable(),
      "agent",
      "--manifest-path=/nonexistent",
      `--state-dir=${dir.path}/state`,
      `--run-dir=${dir.path}/run`,
      `--listen=unix://${dir.path}/s`,
      "--rkt-path=builtin",
    ],
    { cwd: dir.path, stderr: "ignore" },
  );
  for (let answer = false; !answer; ) {
    expect(agent.exitCode).toBeNull();
    answer = await fetch("http://localhost/healthz", { unix: `${dir.path}/s` }).then(
      ({ ok }) => ok,
      () => false,
    );
  }
  agent.kill();
  await agent.exited;
  expect(await Bun.file(`${dir.path}/loaded`).exists()).toBe(false);
});

test("nothing is in it that would be loaded from there: dbus-next's optional packages", async () => {
  const text = Buffer.from(await Bun.file(await executable()).arrayBuffer());
  for (const name of ["usocket", "x11"]) expect([name, text.includes(`"${name}"`)]).toEqual([name, false]);
});

test("no fault points are in it", async () => {
  const has = async (path: string) => Buffer.from(await Bun.file(path).arrayBuffer()).includes("FAULT_POINT");
  expect([await has(await executable()), await has(await faultyExecutable())]).toEqual([false, true]);
});

test("usage errors exit 2, say what is wrong in one line, and print nothing on stdout", async () => {
  for (const argv of [
    ["nonsense"],
    ["agent", "--no-such-flag"],
    ["agent", "--state-dir=relative"],
    ["agent", "--node-name=No Name"],
  ]) {
    const { exitCode, stdout, stderr } = Bun.spawnSync([await executable(), ...argv]);
    expect([argv, exitCode, stdout.toString(), stderr.toString().trim().split("\n").length]).toEqual([
      argv,
      2,
      "",
      1,
    ]);
  }
});
