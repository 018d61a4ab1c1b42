import { describe, expect, test } from "bun:test";
import { allCapabilities, defaultCapabilities } from "../../src/pod/capabilities.ts";
import type { Resources, SecurityContext } from "../../src/pod/pod.ts";
import type { AppcIsolator } from "../../src/rkt/appc.ts";
import { appIsolators, type IsolatorOptions } from "../../src/rkt/isolators.ts";
import { plainContainer } from "../plain-pod.ts";
import allCapabilitiesCount from "./fixtures/all-capabilities-count.json";
import vectors from "./fixtures/isolators.json";
import quantities from "./fixtures/quantities.json";

interface Asked {
  readonly image?: readonly AppcIsolator[];
  readonly context?: Partial<SecurityContext>;
  readonly resources?: Partial<Resources>;
  readonly options?: Partial<IsolatorOptions>;
}

function isolatorsOf({ image = [], context, resources, options }: Asked): readonly AppcIsolator[] {
  return appIsolators(
    image,
    {
      securityContext: { ...plainContainer.securityContext, ...context },
      resources: { ...plainContainer.resources, ...resources },
    },
    { isBuiltin: false, isPodPrivileged: false, ...options },
  );
}

function vector(name: string) {
  const found = vectors.find((candidate) => candidate.case === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

const retain = (...set: readonly string[]) => ({ name: "os/linux/capabilities-retain-set", value: { set } });
const capabilities = (add: readonly string[], drop: readonly string[] = []) => ({
  context: { capabilities: { add, drop } },
});

test("kubelet: a container that asks for nothing has none", () => {
  expect(vector("nothing").isolators).toBeNull();
  expect(isolatorsOf({})).toEqual([]);
});

test("kubelet: a request alone is the limit too", () => {
  const { isolators } = vector("cpu request only");
  expect(isolatorsOf({ resources: { cpu: { request: "250m", limit: "250m" } } })).toEqual(isolators as never);
});

test("kubelet: privileged is all of its capabilities, and drops are ignored", () => {
  const privileged = (isBuiltin: boolean) =>
    isolatorsOf({
      context: {
        privileged: true,
        capabilities: { add: [], drop: ["CAP_CHOWN"] },
        seccompProfile: "Unconfined", // as the manifest makes it of privileged
      },
      options: { isPodPrivileged: true, isBuiltin },
    });
  expect(vector("privileged(count only)").isolators).toBe(privileged(false).length as never);
  expect(allCapabilities.slice(0, allCapabilitiesCount.count).at(-1)).toBe("CAP_AUDIT_READ");
  expect(privileged(false)).toEqual([retain(...allCapabilities.slice(0, allCapabilitiesCount.count))]);
  expect(privileged(true)).toEqual([retain(...allCapabilities)]);
});

// Different from the kubelet, whose retain-set was what is added and nothing else, beside a remove-set: rkt 1.30 refuses an app with both.
// (The prefix CAP_ is the manifest's to add; rkt refuses a name without.)
test.each<[string, Asked, AppcIsolator]>([
  ["added to the default", capabilities(["CAP_NET_ADMIN"]), retain(...defaultCapabilities, "CAP_NET_ADMIN")],
  ["one of the default added", capabilities(["CAP_CHOWN"]), retain(...defaultCapabilities)],
  [
    "added and dropped",
    capabilities(["CAP_NET_ADMIN"], ["CAP_MKNOD"]),
    retain(...defaultCapabilities.filter((name) => name !== "CAP_MKNOD"), "CAP_NET_ADMIN"),
  ],
  ["the same added and dropped", capabilities(["CAP_BPF"], ["CAP_BPF"]), retain(...defaultCapabilities)],
  ["all dropped, one added", capabilities(["CAP_NET_BIND_SERVICE"], ["ALL"]), retain("CAP_NET_BIND_SERVICE")],
  [
    "all added, one dropped",
    capabilities(["ALL"], ["CAP_CHOWN"]),
    retain(...allCapabilities.slice(1, allCapabilitiesCount.count)),
  ],
  [
    "all dropped: appc knows no empty retain-set",
    capabilities([], ["ALL"]),
    { name: "os/linux/capabilities-remove-set", value: { set: defaultCapabilities } },
  ],
])("capabilities: %s", (_what, asked, expected) => {
  expect(isolatorsOf(asked)).toEqual([expected]);
});

describe("system calls", () => {
  const filter = (value: { readonly set: readonly string[]; readonly errno?: string }) => [
    { name: "os/linux/seccomp-retain-set", value },
  ];

  test.each<[string, Asked, readonly AppcIsolator[]]>([
    [
      "RuntimeDefault is Docker's profile, which makes a call fail and kills nobody",
      { context: { seccompProfile: "RuntimeDefault" } },
      filter({ set: ["@docker/default-whitelist"], errno: "EPERM" }),
    ],
    ["Unconfined", { context: { seccompProfile: "Unconfined" } }, filter({ set: ["@appc.io/all"] })],
    [
      "a privileged one among others, for whom rkt filters",
      { context: { privileged: true, seccompProfile: "RuntimeDefault" } },
      [retain(...allCapabilities.slice(0, allCapabilitiesCount.count)), ...filter({ set: ["@appc.io/all"] })],
    ],
  ])("%s", (_what, asked, expected) => {
    expect(isolatorsOf(asked)).toEqual(expected);
  });
});

test("allowPrivilegeEscalation: false", () => {
  expect(isolatorsOf({ context: { allowPrivilegeEscalation: false } })).toEqual([
    { name: "os/linux/no-new-privileges", value: true },
  ]);
});

describe("the image's", () => {
  const image: readonly AppcIsolator[] = [
    retain("CAP_SYS_ADMIN"),
    { name: "os/linux/capabilities-remove-set", value: { set: ["CAP_NET_ADMIN"] } },
    { name: "os/linux/seccomp-remove-set", value: { set: ["@rkt/default-blacklist"] } },
    { name: "resource/cpu", value: { request: "100m", limit: "200m" } },
    { name: "resource/memory", value: { request: "10M", limit: "20M" } },
    { name: "example.com/own", value: 1 },
  ];

  test("are kept by a container that asks for nothing", () => {
    expect(isolatorsOf({ image })).toEqual(image);
  });

  test("are each replaced by the container's of their kind: retain-set and remove-set are one", () => {
    const replaced = isolatorsOf({
      image,
      context: { capabilities: { add: [], drop: ["CAP_MKNOD"] }, seccompProfile: "Unconfined" },
      resources: { memory: { request: "5M", limit: "50M" } },
    });
    expect(replaced.map(({ name }) => name)).toEqual([
      "resource/cpu",
      "example.com/own",
      "os/linux/capabilities-retain-set",
      "os/linux/seccomp-retain-set",
      "resource/memory",
    ]);
  });
});

test.each(quantities.filter(({ err }) => err === null))("kubelet: quantity $in", (quantity) => {
  const resource = { request: quantity.in, limit: quantity.in };
  expect(isolatorsOf({ resources: { cpu: resource, memory: resource } })).toEqual([
    quantity.cpu_isolator,
    quantity.memory_isolator,
  ] as never);
});
