import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { ImageId } from "../../src/pod/names.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { RuntimeError } from "../../src/reconcile/runtime.ts";
import { RktClient } from "../../src/rkt/rkt-client.ts";
import { checkWishes, translatePod } from "../../src/runtime/translation.ts";
import { plainAttempt, plainContainer, plainMount, plainPodSpec } from "../plain-pod.ts";
import { podOf } from "../rkt/pod.ts";

async function refusal(
  act: () => unknown,
): Promise<{ readonly reason: string; readonly message: string } | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { reason: error.reason, message: error.message };
  }
}

test("what a real rkt has no words for is refused, each field with its reason", async () => {
  const volumeMounts = [{ ...plainMount, mountPropagation: "HostToContainer" as const }];
  const pod = podOf({ spec: { hostPID: true, containers: [{ ...plainContainer, volumeMounts }] } });
  const rkt = new RktClient({ command: ["/bin/false"], options: {} });
  const check = (isBuiltin: boolean) =>
    checkWishes(pod, { rkt, isBuiltin, missingPids: undefined }, new AbortController().signal);
  expect(await refusal(() => check(false))).toEqual({
    reason: "CreateContainerConfigError",
    message:
      "spec.hostPID: rkt gives every pod PIDs of its own; " +
      "spec.containers[0].volumeMounts[0].mountPropagation: rkt passes no mounts on between a pod and the machine",
  });
  expect(await refusal(() => check(true))).toBeUndefined();
});

test("where isolation is required and systemd has none, only a pod that asks to share runs", async () => {
  const rkt = new RktClient({ command: ["/bin/false"], options: {} });
  const check = (hostPID: boolean) => {
    const pod = podOf({ spec: { hostPID } });
    return checkWishes(pod, { rkt, isBuiltin: true, missingPids: "of 252" }, new AbortController().signal);
  };
  expect(await refusal(() => check(false))).toEqual({
    reason: "CreateContainerConfigError",
    message: "spec.hostPID: must be true here, since of 252",
  });
  expect(await refusal(() => check(true))).toBeUndefined();
});

test("what an image does not allow is the configuration's fault", async () => {
  const securityContext = { ...plainContainer.securityContext, runAsNonRoot: true };
  const pod: Pod = podOf({ spec: { containers: [{ ...plainContainer, securityContext }] } });
  const manifest = {
    acKind: "ImageManifest" as const,
    acVersion: "0.8.11",
    name: "example.com/x",
    app: { exec: ["/bin/x"], user: "root", group: "root" },
  };
  const translate = () =>
    translatePod({
      pod,
      images: new Map([[plainContainer.name, { id: `sha512-${"0".repeat(64)}` as ImageId, manifest }]]),
      mounts: new Map(),
      environment: new Map(),
      attempt: plainAttempt,
      isBuiltin: true,
      stage1: { name: "", path: "" },
    });
  expect(await refusal(translate)).toEqual({
    reason: "CreateContainerConfigError",
    message: "container has no runAsUser and image will run as root",
  });
});

// On a machine with SELinux there is nothing to try: the label is the machine's.
test.skipIf(existsSync("/sys/fs/selinux/enforce"))(
  "SELinux options mean nothing to a machine without SELinux",
  async () => {
    const seLinuxOptions = { user: "", role: "", type: "spc_t", level: "" };
    const securityContext = { ...plainPodSpec.securityContext, seLinuxOptions };
    const rkt = new RktClient({ command: ["/bin/false"], options: {} });
    const pod = podOf({ spec: { securityContext } });
    await checkWishes(pod, { rkt, isBuiltin: true, missingPids: undefined }, new AbortController().signal);
  },
);
