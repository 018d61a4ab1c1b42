// Images of a real registry: credentials, pull policies, a registry that fails, and one that is gone.

import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { type Fault, startFaultyRegistry } from "../faulty-registry.ts";
import { writeOciLayout } from "../oci-layout.ts";
import { type Registry, type RegistryOptions, startRegistry } from "../registry.ts";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine, type MachineOptions, run, uuidOf } from "./machine.ts";
import { manifest } from "./manifest.ts";

const password = "open-sesame-4711";

/** A registry with `app:1`, and a machine. */
async function world(options: RegistryOptions = {}, how: MachineOptions = {}) {
  const machine = await Machine.create(how);
  const registry = await startRegistry(options);
  await writeOciLayout(`${machine.path}/layout`, [{ tag: "app" }]);
  await registry.push(`${machine.path}/layout`, "app", "app:1");
  await machine.startAgent();
  return {
    machine,
    registry,
    image: `${registry.address}/app:1`,
    async [Symbol.asyncDispose]() {
      await machine[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

function waitingOf(pod: Pod | undefined): { reason?: string; message?: string } {
  return pod?.status?.containerStatuses?.[0]?.state?.waiting ?? {};
}

function waitForReason(machine: Machine, name: string, ...reasons: readonly string[]): Promise<Pod> {
  return machine.waitForPod(
    name,
    reasons.join(" or "),
    (pod) => reasons.includes(waitingOf(pod).reason ?? ""),
    60_000,
  );
}

function waitForReady(machine: Machine, name: string): Promise<Pod> {
  return machine.waitForPod(name, "Ready", isReady, 60_000);
}

function secretOf(registry: Registry, user: string, secret: string): string {
  const config = JSON.stringify({ auths: { [registry.address]: { username: user, password: secret } } });
  return `apiVersion: v1
kind: Secret
metadata: {name: registry}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: ${JSON.stringify(config)}
`;
}

const withSecret = (text: string) =>
  text.replace("  containers:", "  imagePullSecrets: [{name: registry}]\n  containers:");

test.each([false, true])(
  "a password from an imagePullSecret: refused until it is right, and left nowhere (confined: %p)",
  async (isConfined) => {
    await using it = await world({ users: { me: password } }, { isConfined });
    const { machine, image, registry } = it;
    await machine.write("none.yaml", manifest("none", { image }));
    const without = await waitForReason(machine, "none", "ErrImagePull");
    expect(waitingOf(without).message).toContain("401");

    await machine.write("secret.yaml", secretOf(registry, "me", "wrong"));
    await machine.write("web.yaml", withSecret(manifest("web", { image })));
    const refused = await waitForReason(machine, "web", "ErrImagePull");
    expect(waitingOf(refused).message).toContain("401");
    await machine.write("secret.yaml", secretOf(registry, "me", password));
    await waitForReady(machine, "web");

    const told = [
      machine.log,
      JSON.stringify(await machine.pods()),
      await run("journalctl", "--output=json"),
    ];
    for (const text of told) expect(text).not.toContain(password);
    expect(await readdir(`${machine.path}/run/credentials`)).toEqual([]);
    const found = await run(
      "sh",
      "-c",
      `grep -rl ${password} ${machine.path}/state ${machine.path}/run || true`,
    );
    expect(found).toBe("");
  },
);

test("a registry that fails: each fault has its reason, and all pods run once it is healed", async () => {
  await using it = await world({}, { flags: ["--max-parallel-image-pulls=10"] });
  const { machine, registry } = it;
  const faults: Readonly<Record<string, readonly [fault: Fault, message: RegExp]>> = {
    f401: [{ status: 401 }, /401|credential/],
    f403: [{ status: 403 }, /403/],
    f404: [{ status: 404 }, /404/],
    f429: [{ status: 429, headers: { "retry-after": "1" } }, /429/],
    f500: [{ status: 500 }, /500/],
    cut: ["cut", /connection|EOF|layer/],
    length: ["length", /bytes/],
    content: ["content", /digest|sha256/],
  };
  const byName = Object.fromEntries(Object.entries(faults).map(([name, [fault]]) => [name, fault]));
  await using faulty = await startFaultyRegistry(registry, "app", byName);
  for (const name of Object.keys(faults))
    await machine.write(`${name}.yaml`, manifest(name, { image: `${faulty.address}/${name}:1` }));
  for (const [name, [, message]] of Object.entries(faults)) {
    const waiting = waitingOf(await waitForReason(machine, name, "ErrImagePull", "ImagePullBackOff"));
    expect(waiting.message).toContain(`pull`);
    expect(waiting.message).toContain(`image "${faulty.address}/${name}:1": `);
    expect(waiting.message?.split('": ').at(-1)).toMatch(message);
  }
  faulty.heal();
  for (const name of Object.keys(faults)) await waitForReady(machine, name);
});

test("a slow registry: the status tells how far it got, and others wait in the queue", async () => {
  await using it = await world();
  const { machine, registry } = it;
  await using slow = await startFaultyRegistry(registry, "app", { slow: "slow" });
  await machine.write("slow.yaml", manifest("slow", { image: `${slow.address}/slow:1` }));
  await waitUntil("progress", async () =>
    /^Pulling image ".*": [\d.]+ .?i?B of 1\.\d MiB$/.test(
      waitingOf(await machine.pod("slow")).message ?? "",
    ),
  );
  await machine.write("web.yaml", manifest("web", { image: it.image }));
  await waitForReady(machine, "web");
  await waitForReady(machine, "slow");
});

test("Always, when the registry is gone: the pod runs what is there and says so, until it is back", async () => {
  await using it = await world();
  const { machine, registry, image } = it;
  const always = (label: string) =>
    manifest("web", { image, labels: { label } }).replace(/(image: .*)/, "$1\n      imagePullPolicy: Always");
  await machine.write("web.yaml", always("one").replace("hello", "hallo"));
  await waitForReady(machine, "web");

  const port = Number(registry.address.split(":")[1]);
  await registry[Symbol.asyncDispose]();
  await machine.write("web.yaml", always("two"));
  const stale = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === "ImagesUpToDate");
  const pod = await machine.waitForPod(
    "web",
    "told to be stale",
    (candidate) => stale(candidate) !== undefined,
  );
  expect(stale(pod)).toMatchObject({ status: "False", reason: "ErrImagePull" });
  expect(stale(pod)?.message).toContain("connection refused");
  await waitForReady(machine, "web");

  await using back = await startRegistry({ port });
  await back.push(`${machine.path}/layout`, "app", "app:1");
  let current = await waitForReady(machine, "web");
  await waitUntil(
    "a start with the image pulled anew, which is one after the back-off",
    async () => {
      const before = uuidOf(current);
      await machine.write("web.yaml", always("three").replace("hello", `hello after ${before}`));
      const isAnother = (candidate: Pod) => isReady(candidate) && uuidOf(candidate) !== before;
      current = await machine.waitForPod("web", "started anew", isAnother);
      return stale(current) === undefined;
    },
    60_000,
  );
});

test("Never, and a digest: what is not there is not pulled; what is, is found", async () => {
  await using it = await world();
  const { machine, image } = it;
  const [line = ""] = (
    await run("skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", `docker://${image}`)
  ).split("\n");
  const pinned = image.replace(/:1$/, `@${line}`);
  const never = (name: string) =>
    manifest(name, { image: pinned }).replace(/(image: .*)/, "$1\n      imagePullPolicy: Never");
  await machine.write("never.yaml", never("never"));
  const pod = await waitForReason(machine, "never", "ErrImageNeverPull");
  expect(waitingOf(pod).message).toBe(`Container image "${pinned}" is not present with pull policy of Never`);
  await machine.write("web.yaml", manifest("web", { image: pinned }));
  await waitForReady(machine, "web");
  await machine.write("never.yaml", never("never").replace("hello", "hallo")); // an edit waits for no back-off
  await waitForReady(machine, "never");
});
