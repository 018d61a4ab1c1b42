// Images that try to get, when they run, what a container is kept from.

import { describe, expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { type Pod, property, runningPod, scripts } from "./running-pod.ts";

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
    expect(await complaint(pod, "web")).toBe(`start-app: ${path} of the image is a symbolic link`);
    await waitUntil("the end", async () => (await property(pod.unit, "ActiveState")) === "failed");
    expect(await property(pod.unit, "ExecMainStatus")).toBe("226");
  });
});
