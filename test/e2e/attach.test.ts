// `gantry attach`: what a container writes from now on.

import { expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";
import { call } from "./machine-cli.ts";
import { manifest } from "./manifest.ts";

test.each([false, true])(
  "attach shows what a container writes from now on, until it ends (confined: %p)",
  async (isConfined) => {
    await using machine = await Machine.create({ isConfined });
    await machine.startAgent();
    const script = "echo early; while ! test -e /tmp/go; do sleep 0.1; done; echo late; exec sleep 2";
    await machine.write(
      "talk.yaml",
      manifest("talk", { image: machine.image, restartPolicy: "Never", scripts: { main: script } }),
    );
    await machine.waitForReady("talk");
    await waitUntil("its first line", async () => (await machine.logs("talk")) === "early\n");
    const attached = call(machine, ["attach", "talk"]);
    await waitUntil("somebody to be attached", async () => {
      const { stdout } = await call(machine, ["exec", "talk", "--", "touch", "/tmp/go"]);
      return stdout === "";
    });
    expect(await attached).toEqual({ exitCode: 0, stdout: "late\n", stderr: "" });
  },
);
