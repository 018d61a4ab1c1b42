// `gantry validate` as a process: what it prints where, and its exit code.

import { expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { manifest } from "../e2e/manifest.ts";
import { tempDir } from "../temp-dir.ts";

const main = join(import.meta.dir, "../../src/main.ts");
const good = (name: string) => manifest(name, { image: "example.com/app:1.0" });

function validate(cwd: string, ...argv: string[]) {
  const child = Bun.spawnSync([process.execPath, main, "validate", "--node-name=node", ...argv], { cwd });
  return { exitCode: child.exitCode, stdout: child.stdout.toString(), stderr: child.stderr.toString() };
}

test("good files: each pod is named, in the order of the arguments", async () => {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/b.yaml`, `${good("one")}---\n${good("two")}`);
  await writeFile(`${dir.path}/a.yaml`, good("three"));
  expect(validate(dir.path, "b.yaml", `${dir.path}/a.yaml`)).toEqual({
    exitCode: 0,
    stdout: [
      `${dir.path}/b.yaml: pod default/one-node is valid`,
      `${dir.path}/b.yaml: pod default/two-node is valid`,
      `${dir.path}/a.yaml: pod default/three-node is valid`,
      "",
    ].join("\n"),
    stderr: "",
  });
});

test("a problem: its place on stderr, exit code 1, and the good file is told all the same", async () => {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/bad.yaml`, good("bad").replace("image:", "imago:"));
  await writeFile(`${dir.path}/good.yaml`, good("good"));
  const { exitCode, stdout, stderr } = validate(dir.path, "bad.yaml", "good.yaml");
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^\/.*\/bad\.yaml:\d+:\d+: spec\.containers\[0\]/);
  expect(stdout).toBe(`${dir.path}/good.yaml: pod default/good-node is valid\n`);
});

test("two files with one name are a conflict, as they are for the agent", async () => {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/a.yaml`, good("web"));
  await writeFile(`${dir.path}/b.yaml`, good("web"));
  const { exitCode, stderr } = validate(dir.path, "a.yaml", "b.yaml");
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`name default/web-node is also in ${dir.path}/b.yaml`);
});

test("a directory: its manifests, and what is skipped and why", async () => {
  await using dir = await tempDir();
  await mkdir(`${dir.path}/manifests`);
  await writeFile(`${dir.path}/manifests/web.yaml`, good("web"));
  await writeFile(`${dir.path}/manifests/notes.txt`, "x");
  const { exitCode, stdout } = validate(dir.path, "manifests");
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`${dir.path}/manifests/web.yaml: pod default/web-node is valid\n`);
  expect(stdout).toMatch(/notes\.txt: skipped: /);
});

test("what is accepted and ignored is told, and ConfigMaps and Secrets are named", async () => {
  await using dir = await tempDir();
  const objects = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: hunter2}\n";
  await writeFile(`${dir.path}/web.yaml`, `${good("web")}  preemptionPolicy: Never\n---\n${objects}`);
  const { exitCode, stdout } = validate(dir.path, "web.yaml");
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`${dir.path}/web.yaml: secret default/login is valid\n`);
  expect(stdout).toMatch(/web\.yaml:\d+:3: spec\.preemptionPolicy: ignored: there is one machine/);
  expect(stdout).not.toContain("hunter2");
});

test("what cannot be read, is no text, or would block", async () => {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/latin1.yaml`, Buffer.from([0x61, 0x3a, 0xe9]));
  Bun.spawnSync(["mkfifo", `${dir.path}/pipe.yaml`]);
  for (const [file, message] of [
    ["none.yaml", "none.yaml: there is nothing"],
    ["latin1.yaml", "latin1.yaml: not UTF-8 text"],
    ["pipe.yaml", "pipe.yaml: cannot be read: it is a named pipe"],
  ] as const) {
    const { exitCode, stderr } = validate(dir.path, file);
    expect([file, exitCode, stderr]).toEqual([file, 1, expect.stringContaining(message)]);
  }
});

test("-o json: the same for programs", async () => {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/bad.yaml`, good("bad").replace("image:", "imago:"));
  await writeFile(`${dir.path}/good.yaml`, `${good("good")}  preemptionPolicy: Never\n`);
  const { exitCode, stdout, stderr } = validate(dir.path, "bad.yaml", "good.yaml", "-o", "json");
  expect([exitCode, stderr]).toEqual([1, ""]);
  const [bad, fine] = JSON.parse(stdout.replaceAll(dir.path, "."));
  expect(bad).toMatchObject({ path: "./bad.yaml", state: "invalid", objects: [] });
  expect(bad.problems).toContainEqual(
    expect.objectContaining({ code: "UnknownField", hint: 'did you mean "image"?' }),
  );
  expect(fine).toMatchObject({
    path: "./good.yaml",
    state: "valid",
    objects: [{ kind: "Pod", namespace: "default", name: "good-node" }],
    problems: [],
    notes: [{ field: "spec.preemptionPolicy" }],
  });
});

test("usage", async () => {
  expect(validate("/")).toMatchObject({ exitCode: 2, stdout: "" });
  expect(validate("/", "--nonsense")).toMatchObject({ exitCode: 2, stdout: "" });
  expect(validate("/", "--help")).toMatchObject({ exitCode: 0, stderr: "" });
});
