import { describe, expect, test } from "bun:test";
import type { RktUuid } from "../../src/pod/names.ts";
import type { Container, PodSpec } from "../../src/pod/pod.ts";
import { runPreparedArgs } from "../../src/rkt/command-line.ts";
import {
  podResolver,
  prepareOptions,
  type Resolver,
  type RunMachine,
  runPreparedOptions,
} from "../../src/rkt/pod-options.ts";
import { plainContainer, plainPodSpec } from "../plain-pod.ts";
import { podOf } from "./pod.ts";

const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid;
const silent: Resolver = { nameservers: [], searches: [], options: [] };
const local: Resolver = { nameservers: ["127.0.0.1"], searches: ["."], options: [] };
const privileged: Container = {
  ...plainContainer,
  securityContext: { ...plainContainer.securityContext, privileged: true },
};

function argsOf(
  spec: Partial<PodSpec>,
  machine: Partial<RunMachine> = {},
  name = "pod-hostname-foo",
): string {
  const options = runPreparedOptions(podOf({ name, spec }), {
    network: "rkt.kubernetes.io",
    resolver: silent,
    isBuiltin: false,
    ...machine,
  });
  return runPreparedArgs(uuid, options).slice(1, -1).join(" ");
}

// The rows of the kubelet's table that have a network plugin of the kubelet's own (nsenter) are not ours: rkt does the network.
describe("kubelet's TestGenerateRunCommand:", () => {
  test("without a server that is known", () => {
    expect(argsOf({})).toBe("--net=rkt.kubernetes.io --hostname=pod-hostname-foo");
  });

  test("on the host's network, with the host's name and without DNS options", () => {
    expect(argsOf({ hostNetwork: true, nodeName: "test-hostname" }, { resolver: local })).toBe(
      "--net=host --hostname=test-hostname",
    );
  });

  test("with names for other addresses, which a real rkt gets as a file", () => {
    const hostAliases = [
      { ip: "192.0.2.1", hostnames: ["db", "db.local"] },
      { ip: "2001:db8::1", hostnames: ["six"] },
    ];
    const net = "--net=rkt.kubernetes.io";
    const hostname = "--hostname=pod-hostname-foo";
    expect(argsOf({ hostAliases })).toBe(`${net} ${hostname}`);
    expect(argsOf({ hostAliases }, { isBuiltin: true })).toBe(
      `${net} --hosts-entry=192.0.2.1=db --hosts-entry=192.0.2.1=db.local --hosts-entry=2001:db8::1=six ${hostname}`,
    );
  });

  test("with the machine's servers", () => {
    expect(argsOf({}, { resolver: local })).toBe(
      "--net=rkt.kubernetes.io --dns=127.0.0.1 --dns-search=. --dns-opt=ndots:5 --hostname=pod-hostname-foo",
    );
  });

  test.each<[string, readonly Container[], boolean]>([
    ["all", [privileged, privileged], true],
    ["one of two", [privileged, plainContainer], false],
    ["none", [plainContainer], false],
  ])("%s privileged: all-run", (_what, containers, allRun) => {
    const machine = { network: "n", resolver: silent, isBuiltin: false };
    expect(runPreparedOptions(podOf({ spec: { containers } }), machine).allRun).toBe(allRun);
  });
});

test.each<[string, Partial<PodSpec>, string, string]>([
  ["the pod's name", {}, "web-node1", "web-node1"],
  ["of a long one what Linux takes", {}, `${"a".repeat(60)}-.-b-node1`, "a".repeat(60)],
  ["its hostname", { hostname: "db" }, "web-node1", "db"],
])("the host name is %s", (_what, spec, name, expected) => {
  expect(argsOf(spec, {}, name)).toBe(`--net=rkt.kubernetes.io --hostname=${expected}`);
});

test("hostIPC: a real rkt by an option, the engine by an annotation", () => {
  expect(argsOf({ hostIPC: true })).toContain(" --ipc=parent ");
  expect(argsOf({ hostIPC: true }, { isBuiltin: true })).not.toContain("--ipc");
});

describe("the pod's resolver", () => {
  const machine: Resolver = {
    nameservers: ["10.0.0.1"],
    searches: ["lan"],
    options: ["rotate", "timeout:1"],
  };
  const dns = { ...plainPodSpec.dns, nameservers: ["1.1.1.1", "10.0.0.1"], searches: ["svc", "lan"] };

  test("continues the machine's, each server and domain once", () => {
    expect(podResolver(dns, machine)).toEqual({
      nameservers: ["10.0.0.1", "1.1.1.1"],
      searches: ["lan", "svc"],
      options: ["rotate", "timeout:1", "ndots:5"],
    });
  });

  test("its own word on an option counts", () => {
    const { options } = podResolver({ ...dns, options: ["timeout:3", "ndots:2", "edns0"] }, machine);
    expect(options).toEqual(["rotate", "timeout:3", "ndots:2", "edns0"]);
  });

  test("of policy None is what the pod says", () => {
    expect(podResolver({ ...dns, policy: "None" }, machine)).toEqual({
      nameservers: ["1.1.1.1", "10.0.0.1"],
      searches: ["svc", "lan"],
      options: [],
    });
  });
});

describe("prepare", () => {
  const stage1 = { name: "", path: "/usr/lib/rkt/stage1-host.aci" };
  const labelled = {
    ...plainPodSpec.securityContext,
    seLinuxOptions: { user: "", role: "", type: "t", level: "" },
  };

  test.each<[string, Partial<PodSpec>, boolean, boolean]>([
    ["no SELinux options", {}, false, false],
    ["SELinux options", { securityContext: labelled }, false, true],
    ["SELinux options on CoreOS", { securityContext: labelled }, true, false],
  ])("%s: overlay or not", (_what, spec, isCoreOs, noOverlay) => {
    expect(prepareOptions(podOf({ spec }), { stage1, isCoreOs })).toEqual({
      stage1Name: "",
      stage1Path: stage1.path,
      noOverlay,
    });
  });
});
