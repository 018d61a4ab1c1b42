// Which containers are probed, where, and by which version's probes.

import { describe, expect, test } from "bun:test";
import { noConfigObjects } from "../../src/pod/config-objects.ts";
import type { SpecHash } from "../../src/pod/names.ts";
import type { Revision } from "../../src/pod/observed-pod.ts";
import type { Container, Pod } from "../../src/pod/pod.ts";
import { containersStage } from "../../src/pod/stage.ts";
import { type ProbeTarget, probeTargets } from "../../src/probe/targets.ts";
import { envVar, plainContainer } from "../plain-pod.ts";
import { basePod, baseRevision, exited } from "../reconcile/base-world.ts";
import { probe } from "./probing.ts";

const readiness = probe("readiness");
const liveness = probe("liveness");
const startup = probe("startup");

function podWith(
  containers: readonly Partial<Container>[],
  sidecars: readonly Partial<Container>[] = [],
): Pod {
  const pod = basePod();
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map((change) => ({ ...plainContainer, ...change })),
      initContainers: sidecars.map((change) => ({ ...plainContainer, ...change, isSidecar: true })),
    },
  };
}

function appsOf(...states: readonly [string, Revision["apps"][number]["state"]["kind"]][]): Revision["apps"] {
  const [app] = baseRevision().apps;
  if (app === undefined) throw new Error("a revision without an app");
  const exited = { kind: "exited", exitCode: 0, finishedAtMs: undefined, message: "" } as const;
  return states.map(([name, kind]) => ({ ...app, name, state: kind === "exited" ? exited : { kind } }));
}

function targets(pods: readonly Pod[], ...revisions: readonly Revision[]): readonly ProbeTarget[] {
  const desired = { pods, objects: noConfigObjects, files: [], unreadable: undefined };
  return probeTargets({ desired, observation: { revisions, podDirectories: [] } }, "192.0.2.1");
}

const web = podWith([{ readinessProbe: readiness }]);
const running = baseRevision();
const expected: ProbeTarget = {
  uuid: running.uuid,
  key: running.key,
  podUid: running.podUid,
  container: "main",
  address: "192.0.2.1",
  probes: { readiness },
  isStopping: false,
};

test("a container that runs and has a probe, at the machine's address where the pod has none", () => {
  expect(targets([web], running)).toEqual([expected]);
});

test("no address where the pod has a network of its own and the address is not known", () => {
  const own = { ...web, spec: { ...web.spec, hostNetwork: false } };
  expect(targets([own], running)).toEqual([{ ...expected, address: "" }]);
  expect(targets([own], baseRevision({ podIP: "10.1.2.3" }))).toEqual([{ ...expected, address: "10.1.2.3" }]);
});

test("all its probes, and only those that it has", () => {
  const all = podWith([{ startupProbe: startup, livenessProbe: liveness, readinessProbe: readiness }]);
  expect(targets([all], running)).toEqual([{ ...expected, probes: { startup, liveness, readiness } }]);
});

test("a command with the container's variables, as far as the manifest says them", () => {
  const command = ["check", "--port=$(PORT)", "$(NAME)", "$$(PORT)", "$(NONE)"];
  const handler = { kind: "exec", command } as const;
  const env = [
    envVar("PORT", "8080"),
    { name: "NAME", source: { kind: "field", fieldPath: "metadata.name" } } as const,
  ];
  const pod = podWith([{ env, livenessProbe: { ...liveness, handler } }]);
  expect(targets([pod], running)[0]?.probes?.liveness?.handler).toEqual({
    kind: "exec",
    command: ["check", "--port=8080", "$(NAME)", "$(PORT)", "$(NONE)"],
  });
});

describe("nothing of", () => {
  test("a container without probes", () => {
    expect(targets([basePod()], running)).toEqual([]);
  });

  const states: Revision["state"][] = [{ kind: "prepared" }, exited()];
  test.each(states)("a revision that does not run: $kind", (state) => {
    expect(targets([web], baseRevision({ state, apps: running.apps }))).toEqual([]);
  });

  test("an init container", () => {
    const stage = { kind: "init", container: "main" } as const;
    expect(targets([web], baseRevision({ stage }))).toEqual([]);
  });

  test("an app that does not run, yet or any more", () => {
    const two = podWith(["a", "b", "c"].map((name) => ({ name, readinessProbe: readiness })));
    const apps = appsOf(["a", "created"], ["b", "running"], ["c", "exited"]);
    expect(targets([two], baseRevision({ apps })).map(({ container }) => container)).toEqual(["b"]);
  });
});

test("a revision that is stopping is marked", () => {
  expect(targets([web], baseRevision({ state: { kind: "stopping" } }))).toEqual([
    { ...expected, isStopping: true },
  ]);
});

test("a sidecar's probes are its own", () => {
  const pod = podWith([{ readinessProbe: readiness }], [{ name: "proxy", livenessProbe: liveness }]);
  const stage = { kind: "sidecar", container: "proxy" } as const;
  const sidecar = baseRevision({ number: 2, stage, apps: appsOf(["proxy", "running"]) });
  expect(targets([pod], running, sidecar)).toEqual([
    expected,
    { ...expected, uuid: sidecar.uuid, container: "proxy", probes: { liveness } },
  ]);
});

describe("the address is", () => {
  test("the pod's own", () => {
    expect(targets([web], baseRevision({ podIP: "10.1.2.3" }))[0]?.address).toBe("10.1.2.3");
  });

  test("that of the revision whose network it is in", () => {
    const owner = baseRevision({ number: 2, podIP: "10.1.2.3", stage: { kind: "init", container: "x" } });
    const joined = baseRevision({ networkOf: owner.uuid, stage: containersStage });
    expect(targets([web], owner, joined)[0]?.address).toBe("10.1.2.3");
  });
});

describe("which probes a revision had is not known", () => {
  test("of another version of the Pod", () => {
    const edited: Pod = { ...web, specHash: "bbbb" as SpecHash };
    expect(targets([edited], running)).toEqual([{ ...expected, probes: undefined }]);
  });

  test("of a Pod that is wanted no more", () => {
    expect(targets([], running)).toEqual([{ ...expected, probes: undefined }]);
  });
});
