import { describe, expect, test } from "bun:test";
import type { Container, Pod } from "../../src/pod/pod.ts";
import { PodManifestError } from "../../src/rkt/pod-manifest-error.ts";
import { type Stage1, stage1Arguments, stage1Of } from "../../src/rkt/stage1.ts";
import { plainContainer } from "../plain-pod.ts";
import { podOf } from "./pod.ts";

const machine: Stage1 = { name: "stage1-image0", path: "" };
const none: Stage1 = { name: "", path: "" };
const privileged: Container = {
  ...plainContainer,
  securityContext: { ...plainContainer.securityContext, privileged: true },
};

function pod(annotation: string | undefined, ...containers: readonly Container[]): Pod {
  const annotations =
    annotation === undefined ? {} : { "rkt.alpha.kubernetes.io/stage1-name-override": annotation };
  return podOf({ annotations, spec: { containers } });
}

describe("kubelet's TestPreparePodArgs:", () => {
  test.each<[string, Pod, Stage1, Stage1]>([
    ["the pod's", pod("stage1-image", privileged), none, { name: "stage1-image", path: "" }],
    [
      "the pod's before the machine's",
      pod("stage1-image", privileged),
      machine,
      { name: "stage1-image", path: "" },
    ],
    ["the machine's", pod(undefined, plainContainer), machine, machine],
    ["rkt's own", pod(undefined, plainContainer), none, none],
    [
      "the pod's before the machine's file",
      pod("stage1-image", privileged),
      { name: "", path: "/s.aci" },
      { name: "stage1-image", path: "" },
    ],
  ])("%s", (_what, of, of1, expected) => {
    expect(stage1Of(of, of1)).toEqual(expected);
  });

  test("a container that is not privileged", () => {
    expect(() =>
      stage1Of(pod("stage1-image", privileged, { ...plainContainer, name: "other" }), none),
    ).toThrow(
      new PodManifestError(
        'cannot make "web-node1_default(0123456789abcdef0123456789abcdef)": running a custom stage1 requires a privileged security context',
      ),
    );
  });
});

// rkt issue 3925: `date +%s` printed `/bin/bash`. `$`, quotes and backslashes rkt escapes itself.
describe("arguments", () => {
  const words = ["/bin/100%", "+%s", "$HOME", '"%%"'];

  test.each<[string, Stage1]>([
    ["rkt's default", none],
    ["coreos by name", { name: "coreos.com/rkt/stage1-coreos", path: "" }],
    ["host by file", { name: "", path: "/usr/lib/rkt/stage1-images/stage1-host.aci" }],
    ["a directory that is called fly", { name: "", path: "/fly/stage1-host.aci" }],
  ])("through a systemd, %s", (_what, stage1) => {
    expect(stage1Arguments(words, stage1)).toEqual(["/bin/100%", "+%%s", "$HOME", '"%%%%"']);
  });

  test.each<[string, Stage1]>([
    ["by name", { name: "coreos.com/rkt/stage1-fly:1.30.0", path: "" }],
    ["by file", { name: "", path: "/usr/lib/rkt/stage1-images/stage1-fly.aci" }],
  ])("with the fly stage1, %s", (_what, stage1) => {
    expect(stage1Arguments(words, stage1)).toEqual(words);
  });

  test("none", () => {
    expect(stage1Arguments([], none)).toEqual([]);
  });
});
