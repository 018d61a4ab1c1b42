// `gantry plan`: what would become of the pods, told by the agent that would do it.

import { expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { Machine } from "./machine.ts";
import { call } from "./machine-cli.ts";
import { manifest, talker } from "./manifest.ts";

test.each([false, true])(
  "what is started, replaced, brought up to date, kept and removed, and that nothing of it happens (confined: %p)",
  async (isConfined) => {
    await using machine = await Machine.create({ isConfined });
    await machine.startAgent();
    const { image } = machine;
    const labels = { tier: "one" };
    await machine.write("web.yaml", manifest("web", { image, labels }));
    await machine.waitForReady("web");
    const before = await machine.runningUnits();
    const plan = async (text: string, ...flags: readonly string[]) => {
      await writeFile(`${machine.path}/web.yaml`, text);
      const { exitCode, stdout } = await call(machine, ["plan", "web.yaml", ...flags]);
      return { exitCode, lines: stdout.split("\n").slice(0, -1) };
    };
    const file = "./manifests/web.yaml";

    expect(await plan(manifest("web", { image, labels }))).toEqual({
      exitCode: 0,
      lines: [file, "  = pod default/web-node is kept: it is as it is written"],
    });
    const scripts = { main: `true; ${talker}` };
    expect((await plan(manifest("web", { image, labels, scripts }))).lines).toEqual([
      file,
      "  ~ pod default/web-node would be replaced: spec.containers[0].command[2] changed",
    ]);
    expect((await plan(manifest("web", { image, labels: { tier: "two" } }))).lines).toEqual([
      file,
      "  ~ pod default/web-node would be brought up to date in place: metadata.labels.tier changed; nothing is restarted",
    ]);
    expect((await plan(manifest("db", { image }))).lines).toEqual([
      file,
      "  + pod default/db-node would be started: nothing of it runs",
      "  - pod default/web-node would be removed: no manifest has it any more",
    ]);
    expect((await plan("", "--delete")).lines).toEqual([
      file,
      "  - pod default/web-node would be removed: no manifest has it any more",
    ]);
    expect(await plan("kind: Pod\n")).toEqual({
      exitCode: 1,
      lines: [
        file,
        `  ! ${file}:1:1: apiVersion: Required value`,
        "  what was accepted of it before stays",
        "  = pod default/web-node is kept: it is as it is written",
      ],
    });
    expect(await call(machine, ["plan", "--delete"])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "gantry: plan: --delete: name the files, as in: gantry plan --delete web.yaml\n",
    });
    expect((await call(machine, ["plan"])).stdout).toBe(
      `${file}\n  = pod default/web-node is kept: it is as it is written\n`,
    );
    expect(await machine.runningUnits()).toEqual(before);
    expect(await readFile(`${machine.manifests}/web.yaml`, "utf8")).toBe(manifest("web", { image, labels }));
  },
);

test("the unit and the appc manifest, without the values of Secrets, and what is not known without the image", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: hunter2}\n";
  const pod = manifest("web", { image: "registry.example/app:1" }).replace(
    "- name: GREETING\n          value: hello",
    "- name: PASSWORD\n          valueFrom: {secretKeyRef: {name: login, key: password}}",
  );
  await writeFile(`${machine.path}/web.yaml`, `${pod}---\n${secret}`);
  const { exitCode, stdout } = await call(machine, ["plan", "web.yaml", "--show=unit,appc"]);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('? image "registry.example/app:1" is not in the store');
  expect(stdout).toMatch(/unit of containers:\n {8}\[Unit\]\n {8}Description=Pod default\/web-node /);
  expect(stdout).toContain("./state/pods/");
  expect(stdout).not.toContain("./run/plan.");
  const json = JSON.parse((await call(machine, ["plan", "web.yaml", "-o", "json"])).stdout);
  const [{ app }] = json.files[0].pods[0].stages[0].appc.apps;
  expect(app.environment).toEqual([{ name: "PASSWORD", value: "(key password of the Secret login)" }]);
  expect(`${stdout}${JSON.stringify(json)}`).not.toContain("hunter2");
  expect(await machine.leftovers()).toEqual([]);

  await writeFile(`${machine.path}/web.yaml`, pod);
  const missing = await call(machine, ["plan", "web.yaml"]);
  expect(missing.exitCode).toBe(1);
  expect(missing.stdout).toContain('! it could not be: CreateContainerConfigError: secret "login" not found');
});
