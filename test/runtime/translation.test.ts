import { expect, test } from "bun:test";
import type { ImageId } from "../../src/pod/names.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { RuntimeError } from "../../src/reconcile/runtime.ts";
import { checkWishes, translatePod } from "../../src/runtime/translation.ts";
import { plainContainer, plainMount } from "../plain-pod.ts";
import { podOf } from "../rkt/pod.ts";

function refusal(act: () => unknown): { readonly reason: string; readonly message: string } | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { reason: error.reason, message: error.message };
  }
}

test("what a real rkt has no words for is refused, each field with its reason", () => {
  const volumeMounts = [{ ...plainMount, mountPropagation: "HostToContainer" as const }];
  const pod = podOf({ spec: { hostPID: true, containers: [{ ...plainContainer, volumeMounts }] } });
  expect(refusal(() => checkWishes(pod, false))).toEqual({
    reason: "CreateContainerConfigError",
    message:
      "spec.hostPID: rkt gives every pod PIDs of its own; " +
      "spec.containers[0].volumeMounts[0].mountPropagation: rkt passes no mounts on between a pod and the machine",
  });
  expect(refusal(() => checkWishes(pod, true))).toBeUndefined();
});

test("what an image does not allow is the configuration's fault", () => {
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
      attempt: { restartCount: 0, backOffMs: 0 },
      isBuiltin: true,
      stage1: { name: "", path: "" },
    });
  expect(refusal(translate)).toEqual({
    reason: "CreateContainerConfigError",
    message: "container has no runAsUser and image will run as root",
  });
});
