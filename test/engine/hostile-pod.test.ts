// Images that try to get, when they run, what a container is kept from.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { waitUntil } from "../wait-until.ts";
import { lines, type Pod, property, runningPod, scripts } from "./running-pod.ts";

/** What was said about an app that could not be started, once that is known. */
async function complaint({ uuid }: Pod, app: string): Promise<string> {
  const unit = `gantry-${uuid}-${app}.service`;
  return waitUntil(`${unit} ended`, async () => {
    const output = await Bun.$`journalctl -o cat -u ${unit} --no-pager`.quiet().nothrow().text();
    return output.split("\n").find((line) => line.startsWith("start-app: "));
  });
}

describe("regression: an image whose /proc is a symbolic link had the kernel's files unprotected", () => {
  test.each(["/proc", "/sys"])("%s", async (path) => {
    await using pod = await runningPod(scripts({ web: "echo up; sleep 60" }), {
      entries: [{ name: `rootfs${path}`, type: "symlink", linkname: "/elsewhere" }],
    });
    expect(await complaint(pod, "web")).toBe(`start-app: ${path} of the image is not a directory`);
    await waitUntil("the end", async () => (await property(pod.unit, "ActiveState")) === "failed");
    expect(await property(pod.unit, "ExecMainStatus")).toBe("226");
  });
});

describe("regression: an image's working directory was made outside of its root", () => {
  test.each([
    ["/proc/1/root/tmp/gantry-made", []],
    ["/work/gantry-made", [{ name: "rootfs/work", type: "symlink", linkname: "/proc/1/root/tmp" }]],
  ] as const)("%s", async (workingDirectory, entries) => {
    await using pod = await runningPod(scripts({ web: "pwd; echo end; sleep 60" }, { workingDirectory }), {
      entries,
    });
    const place = "/tmp/gantry-made"; // what /proc/1/root is called, looked for in its own root;
    expect(await lines(pod, "web", "end")).toEqual([place, "end"]);
    expect((await pod.world.rkt("enter", pod.uuid, "/bin/pwd")).stdout).toBe(`${place}\n`);
    expect(existsSync("/tmp/gantry-made")).toBe(false);
  });
});
