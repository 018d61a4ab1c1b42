// Images that lie on the machine: a device that reaches no registry is filled by copying files.

import { expect, test } from "bun:test";
import { writeOciLayout } from "../oci-layout.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";
import { manifest } from "./manifest.ts";

test("an OCI layout as a pod's image, and as an archive; another image in the same place is seen at the next start", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const layout = `${machine.path}/app`;
  const config = { Entrypoint: ["/bin/sh", "-c", "echo $SAYS; exec sleep 100000"], Env: ["SAYS=one"] };
  await writeOciLayout(layout, [{ tag: "1.0", config }]);
  await run("tar", "-C", layout, "-cf", `${machine.path}/app.tar`, ".");
  const withoutCommand = (name: string, image: string, says: string) =>
    manifest(name, { image, labels: { says } }).replace(/ {6}command: .*\n/, "");

  await machine.write("layout.yaml", withoutCommand("layout", `oci:${layout}:1.0`, "one"));
  await machine.write(
    "archive.yaml",
    withoutCommand("archive", `oci-archive:${machine.path}/app.tar:1.0`, "one"),
  );
  const first = await machine.waitForReady("layout");
  await machine.waitForReady("archive");
  for (const name of ["layout", "archive"])
    await waitUntil(`${name} to speak`, async () => (await machine.logs(name)) === "one\n");

  await writeOciLayout(layout, [{ tag: "1.0", config: { ...config, Env: ["SAYS=two"] } }]);
  const edited = withoutCommand("layout", `oci:${layout}:1.0`, "two").replace(
    "value: hello",
    "value: hello again",
  );
  await machine.write("layout.yaml", edited);
  const second = await machine.waitForPod("layout", "replaced", (pod) => uuidOf(pod) !== uuidOf(first));
  expect(second.metadata?.labels?.says).toBe("two");
  await waitUntil("the new image to speak", async () => (await machine.logs("layout")) === "two\n");
});
