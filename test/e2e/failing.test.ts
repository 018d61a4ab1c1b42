// Pods that cannot work: each shows its reason in /pods, and disturbs no other.

import { expect, test } from "bun:test";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { writeAci } from "../aci.ts";
import { Machine } from "./machine.ts";
import { manifest } from "./manifest.ts";

test("an app that exits 3, a missing binary, a missing image, a broken image: each with its reason; the good one runs", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const { image } = machine;
  await writeAci(`${machine.path}/version.aci`, {
    manifest: '{"acKind":"ImageManifest","acVersion":"nope","name":"x"}',
  });
  const whole = new Uint8Array(await Bun.file(image).arrayBuffer());
  await Bun.write(`${machine.path}/cut.aci`, whole.slice(0, whole.length / 2));
  await writeAci(`${machine.path}/climbing.aci`, { entries: [{ name: "rootfs/../../x", content: "x" }] });
  const withoutShell = manifest("nobinary", { image }).replace(
    "command: [/bin/sh",
    "command: [/no/such/program",
  );

  await machine.write("crash.yaml", manifest("crash", { image, scripts: { main: "exit 3" } }));
  await machine.write("nobinary.yaml", withoutShell);
  await machine.write("noimage.yaml", manifest("noimage", { image: `${machine.path}/none.aci` }));
  await machine.write("version.yaml", manifest("version", { image: `${machine.path}/version.aci` }));
  await machine.write("cut.yaml", manifest("cut", { image: `${machine.path}/cut.aci` }));
  await machine.write("climbing.yaml", manifest("climbing", { image: `${machine.path}/climbing.aci` }));
  await machine.write("good.yaml", manifest("good", { image }));
  await machine.waitForReady("good");

  const crash = await machine.waitForPod(
    "crash",
    "in CrashLoopBackOff",
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff",
  );
  expect(crash.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
    exitCode: 3,
    reason: "Error",
  });

  const nobinary = await machine.waitForPod("nobinary", "failed to start", (pod) => {
    const status = pod.status?.containerStatuses?.[0];
    return (status?.lastState?.terminated ?? status?.state?.terminated)?.reason === "StartError";
  });
  expect(nobinary.status?.phase).not.toBe("Succeeded");

  for (const name of ["noimage", "version", "cut", "climbing"]) {
    const pod = await machine.waitForPod(name, "in ImagePullBackOff", (it) =>
      ["ErrImagePull", "ImagePullBackOff"].includes(
        it.status?.containerStatuses?.[0]?.state?.waiting?.reason ?? "",
      ),
    );
    expect(pod.status?.phase).toBe("Pending");
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain(".aci");
  }
});

test("restartPolicy: a pod that completed is not run again, also not by the next agent", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write(
    "job.yaml",
    manifest("job", { image: machine.image, restartPolicy: "OnFailure", scripts: { main: "echo done" } }),
  );
  await machine.write(
    "failed.yaml",
    manifest("failed", { image: machine.image, restartPolicy: "Never", scripts: { main: "exit 4" } }),
  );
  const phases = async () => {
    // When it finished is known once its unit has ended too.
    const hasEnded = (phase: string) => (pod: Pod) =>
      pod.status?.phase === phase &&
      pod.status.containerStatuses?.[0]?.state?.terminated?.finishedAt !== undefined;
    const job = await machine.waitForPod("job", "Succeeded", hasEnded("Succeeded"));
    const failed = await machine.waitForPod("failed", "Failed", hasEnded("Failed"));
    return [job, failed].map((pod) =>
      pod.status?.containerStatuses?.map(({ containerID, state }) => [containerID, state]),
    );
  };
  const before = await phases();
  expect(before[1]?.[0]?.[1]).toMatchObject({ terminated: { exitCode: 4, reason: "Error" } });
  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  expect(await phases()).toEqual(before);
  expect((await machine.runningUnits()).size).toBe(0);
});
