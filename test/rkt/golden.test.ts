// Pod in, appc pod manifest and unit file out. UPDATE_GOLDEN=1 rewrites golden/.

import { expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import type { ImageId, RktUuid } from "../../src/pod/names.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { allContainersOf, podOfStage } from "../../src/pod/stage.ts";
import type { Attempt } from "../../src/reconcile/runtime.ts";
import { podManifest } from "../../src/rkt/pod-manifest.ts";
import { prepareOptions, type Resolver, runPreparedOptions } from "../../src/rkt/pod-options.ts";
import { RktClient } from "../../src/rkt/rkt-client.ts";
import { seLinuxOptionsOf } from "../../src/rkt/unfulfilled.ts";
import { podUnitText } from "../../src/systemd/pod-unit.ts";
import { seLinuxContext } from "../../src/systemd/selinux-context.ts";
import { podFrom } from "../manifest/pod-manifest.ts";
import { plainAttempt, plainContainer } from "../plain-pod.ts";
import { defaultImage, fromDocker, type GoldenCase, goldenCases } from "./golden-cases.ts";
import { podOf } from "./pod.ts";
import { variable } from "./resolved.ts";

const directory = `${import.meta.dir}/golden`;
const uuid = "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid;
const id = "sha512-afec53855e9208a62afaa5cec03af213bb4afe866566850cd90576d4fd0a21a4" as ImageId;
const resolver: Resolver = { nameservers: ["192.168.1.1"], searches: ["lan"], options: [] };
const stage1 = { name: "", path: "" };
const base: Attempt = { ...plainAttempt, restartCount: 3, backOffMs: 40_000 };
const rkt = new RktClient({
  command: ["/usr/bin/rkt"],
  options: { insecureOptions: ["image", "ondisk"], dir: "/var/lib/rkt" },
});

function manifestText(
  pod: Pod,
  { image = defaultImage, mounts, variables, attempt, isBuiltin = false }: GoldenCase,
): string {
  const names = allContainersOf(pod.spec).map(({ name }) => name);
  const { stage1Name, noOverlay } = prepareOptions(pod, { stage1, isCoreOs: false });
  const manifest = podManifest({
    pod,
    images: new Map(names.map((name) => [name, { id, manifest: image }])),
    mounts: new Map(names.map((name) => [name, mounts ?? []])),
    environment: new Map(names.map((name) => [name, variables ?? []])),
    attempt: { ...base, ...attempt },
    isBuiltin,
    stage1,
  });
  const text = `${JSON.stringify({ prepare: { stage1Name, noOverlay }, manifest }, null, 2)}\n`;
  // Of all of a Container, so that a new field anywhere would change every file.
  return text.replaceAll(/(container-hash",\s+"value": ")\d+/g, "$1HASH");
}

function unitText(
  pod: Pod,
  { attempt, order = { after: [], before: [] }, isBuiltin = false }: GoldenCase,
): string {
  const seLinuxOptions = seLinuxOptionsOf(pod);
  const { restartCount, backOffMs, stage, networkOf } = { ...base, ...attempt };
  const ofEngine = { joinNetwork: networkOf, appsAfter: order.after, appsBefore: order.before };
  return podUnitText({
    uuid,
    pod: { uid: pod.uid, name: pod.name, namespace: pod.namespace, hostNetwork: pod.spec.hostNetwork },
    ...{ restartCount, backOffMs, stage, networkOf, order },
    preparedMs: 5_123_450,
    specHash: pod.specHash,
    manifest: pod.source.file,
    execStart: rkt.runPreparedArgv(uuid, {
      ...runPreparedOptions(podOfStage(pod, stage), { network: "default", resolver, isBuiltin }),
      ...(isBuiltin ? ofEngine : {}),
    }),
    finishedFile: `/var/lib/gantry/pods/${pod.uid}/finished-${uuid}`,
    graceSeconds: pod.spec.terminationGracePeriodSeconds,
    seLinuxContext: seLinuxOptions && seLinuxContext("system_u:object_r:var_lib_t:s0", seLinuxOptions),
  });
}

async function expectGolden(name: string, pod: Pod, golden: GoldenCase): Promise<void> {
  const texts = { json: manifestText(pod, golden), service: unitText(pod, golden) };
  for (const [kind, text] of Object.entries(texts)) {
    const file = `${directory}/${name}.${kind}`;
    if (process.env.UPDATE_GOLDEN === "1") await Bun.write(file, text);
    expect(text).toBe(await readFile(file, "utf8"));
  }
}

test.each(Object.entries(goldenCases))("%s", async (name, golden) => {
  const { container, securityContext, spec, annotations = {} } = golden;
  const only = {
    ...plainContainer,
    ...container,
    securityContext: { ...plainContainer.securityContext, ...securityContext },
  };
  await expectGolden(name, podOf({ annotations, spec: { containers: [only], ...spec } }), golden);
});

test("a whole pod from its manifest", async () => {
  const pod = podFrom(await readFile(`${directory}/whole-pod.yaml`, "utf8"));
  const env = pod.spec.containers[0]?.env ?? [];
  const variables = env.flatMap(({ name, source }) =>
    source.kind === "value" ? [variable(name, source.value)] : [],
  );
  await expectGolden("whole-pod", pod, { image: fromDocker, variables });
});

test("no golden file is left of a case that has gone", async () => {
  const files = (await readdir(directory)).filter((file) => !file.endsWith(".yaml"));
  const expected = [...Object.keys(goldenCases), "whole-pod"].flatMap((name) => [
    `${name}.json`,
    `${name}.service`,
  ]);
  expect(files.sort()).toEqual(expected.sort());
});
