// The answers, decoded into Kubernetes' official types: what tsc finds missing, or does not know, fails.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine } from "./machine.ts";
import { manifest } from "./manifest.ts";

const root = join(import.meta.dir, "../..");
const types = join(root, "node_modules/kubernetes-types/core/v1.d.ts");

const withStages = (image: string) =>
  manifest("web", { image, labels: { app: "web" } }).replace(
    "  containers:",
    `  initContainers:
    - {name: first, image: ${image}, command: [/bin/true]}
    - {name: beside, image: ${image}, command: [sleep, "1000"], restartPolicy: Always}
  containers:`,
  );

test("pods that run, crash and have stages, events and the node are of the official types", async () => {
  await using machine = await Machine.create();
  const { image } = machine;
  await machine.write("web.yaml", withStages(image));
  await machine.write("crash.yaml", manifest("crash", { image, scripts: { main: "echo no luck; exit 3" } }));
  await machine.write("none.yaml", manifest("none", { image: `${machine.path}/none.aci` }));
  await machine.startAgent();
  await waitUntil("a pod of each kind", async () => {
    const [web, crash, none] = await Promise.all(["web", "crash", "none"].map((name) => machine.pod(name)));
    const { state, lastState } = crash?.status?.containerStatuses?.[0] ?? {};
    return (
      web !== undefined &&
      isReady(web) &&
      (state?.waiting && lastState?.terminated) !== undefined &&
      none?.status?.containerStatuses?.[0]?.state?.waiting?.message !== undefined
    );
  });

  const answer = async (path: string) => (await machine.get(path)).text();
  const source = `import type { EventList, Node, Pod, PodList } from ${JSON.stringify(types)};
export const pods: PodList = ${await answer("/pods")};
export const pod: Pod = ${await answer("/pods/default/web-node")};
export const running: PodList = ${await answer("/runningpods/")};
export const events: EventList = ${await answer("/events")};
export const node: Node = ${await answer("/node")};
`;
  expect(await complaints(machine.path, source)).toBe("");
  // What is missing, too much, or of another type would be seen.
  const faulty = source
    .replace('"ready":true,', "")
    .replace('"involvedObject":', '"object":')
    .replace('"status":"True"', '"status":true');
  const found = await complaints(machine.path, faulty);
  for (const text of ["'ready' is missing", "'\"object\"' does not exist", "'boolean' is not assignable"])
    expect(found).toContain(text);
}, 60_000);

/** Of tsc, about a file of this text. */
async function complaints(directory: string, source: string): Promise<string> {
  await Bun.write(`${directory}/answers.ts`, source);
  const tsc = Bun.spawn(
    [
      join(root, "node_modules/.bin/tsc"),
      "--noEmit",
      "--strict",
      "--exactOptionalPropertyTypes",
      "answers.ts",
    ],
    { cwd: directory, stdin: "ignore", stdout: "pipe" },
  );
  return tsc.stdout.text();
}
