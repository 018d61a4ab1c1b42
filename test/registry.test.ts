// The tests' own registry is one that the world's tools take for real.

import { expect, test } from "bun:test";
import { run } from "./e2e/machine.ts";
import { writeOciLayout } from "./oci-layout.ts";
import { startRegistry } from "./registry.ts";
import { tempDir } from "./temp-dir.ts";

test("an image made by hand is pushed, for one or several architectures, and read by skopeo; only with the password", async () => {
  await using dir = await tempDir();
  const layout = `${dir.path}/layout`;
  await writeOciLayout(layout, [
    { tag: "one", config: { Cmd: ["/bin/true"] } },
    { tag: "many", architectures: ["amd64", "arm64"] },
  ]);
  await run("umoci", "unpack", "--rootless", "--image", `${layout}:one`, `${dir.path}/bundle`);
  expect(await Bun.file(`${dir.path}/bundle/rootfs/bin/busybox`).exists()).toBe(true);

  await using registry = await startRegistry({ users: { me: "secret" } });
  await registry.push(layout, "one", "test/one:1");
  await registry.push(layout, "one", "test/one:docker", { format: "v2s2" });
  await registry.push(layout, "many", "test/many:1");

  const inspect = (name: string, ...options: readonly string[]) =>
    run(
      "skopeo",
      "inspect",
      "--raw",
      "--tls-verify=false",
      ...options,
      `docker://${registry.address}/${name}`,
    );
  const creds = "--creds=me:secret";
  expect(JSON.parse(await inspect("test/one:1", creds))).toMatchObject({ layers: [{}] });
  expect(await inspect("test/one:docker", creds)).toContain("vnd.docker.distribution.manifest.v2");
  expect(JSON.parse(await inspect("test/many:1", creds)).manifests).toHaveLength(2);
  await expect(inspect("test/one:1", "--creds=me:wrong")).rejects.toThrow("unauthorized");
});
