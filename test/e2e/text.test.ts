// What a person writes in a manifest arrives as it is, whatever systemd or a shell would make of it.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { writeAci } from "../aci.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";

const hostile = [
  "+%s %n %% %i",
  "$HOME $" + "{HOME} $$ $",
  `"double" 'single' \\ \\n \\x41 \\`,
  "line one\nline two\n",
  "  blanks \t around  ",
  "grüße, 日本語, \u{1f433}",
  "-@:+!",
  "; # [Service]",
  "",
];
const name = `-@:+! %n $x "q" 'a' \\ é`;
const directory = `/srv/${name}`;
const mountPath = `${directory}/%i $y`;

/** Kubernetes' own escape, of what it would expand. */
const escaped = (value: string) => value.split("$$").join("$$$$");

test("in command, arguments, variables, working directory and mount paths", async () => {
  await using machine = await Machine.create();
  const out = `${machine.path}/${name}`;
  mkdirSync(out);
  const script = [
    "#!/bin/sh",
    `cd './%i $y'`,
    `printf '%s\\0' "$0" "$@" >arguments`,
    "cat /proc/$$/environ >environment",
    "cd ..; pwd >'./%i $y/directory'",
    "exec sleep 1000",
  ].join("\n");
  await writeAci(machine.image, {
    entries: [
      { name: "rootfs/srv", type: "directory" },
      { name: `rootfs/bin/${name}`, mode: 0o755, content: script },
    ],
  });
  const env = hostile.map((value, index) => ({ name: `V${index}`, value: escaped(value) }));
  const container = {
    name: "main",
    image: machine.image,
    command: [`/bin/${name}`],
    args: hostile.map((value) => escaped(value)),
    env,
    workingDir: directory,
    volumeMounts: [{ name: "out", mountPath }],
  };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web" },
    spec: { hostNetwork: true, containers: [container], volumes: [{ name: "out", hostPath: { path: out } }] },
  };
  await machine.write("web.json", JSON.stringify(pod));
  await machine.startAgent();
  await machine.waitForReady("web");
  const told = (file: string) => readFile(`${out}/${file}`, "utf8");
  await waitUntil("all to be told", () => Bun.file(`${out}/directory`).exists());
  expect((await told("arguments")).split("\0").slice(0, -1)).toEqual([`/bin/${name}`, ...hostile]);
  const variables = (await told("environment")).split("\0");
  for (const [index, value] of hostile.entries()) expect(variables).toContain(`V${index}=${value}`);
  expect(await told("directory")).toBe(`${directory}\n`);
});
