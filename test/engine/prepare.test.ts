import { expect, test } from "bun:test";
import { rktWorld } from "../contract/rkt-command-line-world.ts";

const argv = [process.execPath, `${import.meta.dir}/../../src/main.ts`, "rkt"];

test("regression: a disk with room for a part of a pod's manifest had a pod of that part", async () => {
  await using world = await rktWorld(argv);
  const id = await world.fetch("busybox.aci");
  const environment = [{ name: "LONG", value: "x".repeat(100_000) }];
  const app = { exec: ["/bin/sh"], user: "0", group: "0", environment };
  const file = await world.writeManifest({ apps: [{ name: "web", image: { id }, app }] });
  await Bun.$`mkdir ${world.path}/rkt/pods && mount -t tmpfs -o size=64k tmpfs ${world.path}/rkt/pods`.quiet();
  try {
    const { stdout, stderr, exitCode } = await world.rkt("prepare", "--quiet", `--pod-manifest=${file}`);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 254 });
    expect(stderr).toContain("no space left on device");
    expect((await world.rkt("list", "--format=json")).stdout).toBe("null\n");
  } finally {
    await Bun.$`umount ${world.path}/rkt/pods`.quiet();
  }
});
