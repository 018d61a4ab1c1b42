// ConfigMaps and Secrets in the directory: what pods are served from, and when they are restarted for it.

import { expect, test } from "bun:test";
import { rename, unlink } from "node:fs/promises";
import { systemClock } from "../../src/host/clock.ts";
import { ManifestDirectory } from "../../src/manifest/directory.ts";
import { serializeAcceptedPod } from "../../src/pod/desired.ts";
import { waitUntil } from "../wait-until.ts";
import { minimalPod } from "./pod-manifest.ts";
import { silent, Watched } from "./watched-directory.ts";

const settings = (colour: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: ${colour}, other: x}\n`;

const login = (password: string) =>
  `apiVersion: v1\nkind: Secret\nmetadata: {name: login}\nstringData: {password: ${password}}\n`;

const env = `      env:
        - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
      envFrom: [{secretRef: {name: login}}]
`;

const restarting = `${minimalPod("web").replace("name: web", 'name: web\n  annotations: {gantry.io/restart-on-change: "true"}')}${env}`;

function textOf(watched: Watched, key: string): string | undefined {
  const { configMaps, secrets } = watched.directory.desired.objects;
  const bytes =
    configMaps.get("default/settings")?.data.get(key) ?? secrets.get("default/login")?.data.get(key);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

async function waitForText(watched: Watched, key: string, text: string | undefined): Promise<void> {
  await waitUntil(`${key} to be ${text}`, () => textOf(watched, key) === text);
}

const hashOf = (watched: Watched) => watched.directory.desired.pods[0]?.specHash as string | undefined;

test("added, changed, moved to another file, and gone with it", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", settings("blue"));
  await waitForText(watched, "colour", "blue");
  expect(watched.file("a.yaml")).toMatchObject({ state: "accepted", pods: [] });
  const { objects } = watched.directory.desired;
  await watched.put("b.yaml", minimalPod("b"));
  await watched.waitForNames("b");
  expect(watched.directory.desired.objects).toBe(objects); // nothing of them has changed
  await watched.put("a.yaml", settings("red"));
  await waitForText(watched, "colour", "red");
  await rename(`${watched.path}/a.yaml`, `${watched.path}/c.yaml`);
  await watched.waitForState("c.yaml", "accepted");
  expect(textOf(watched, "colour")).toBe("red");
  await unlink(`${watched.path}/c.yaml`);
  await waitForText(watched, "colour", undefined);
});

test("a bad edit keeps what was accepted, and shows nothing of a Secret", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", login("hunter2"));
  await waitForText(watched, "password", "hunter2");
  await watched.put("a.yaml", login("[hunter2]"));
  const file = await watched.waitForState("a.yaml", "rejected");
  expect(textOf(watched, "password")).toBe("hunter2");
  expect(JSON.stringify(file)).not.toContain("hunter2");
});

test("two files with one name: both are told, and what was accepted counts", async () => {
  await using watched = await Watched.start();
  await watched.put("a.yaml", settings("blue"));
  await waitForText(watched, "colour", "blue");
  await watched.put("b.yaml", settings("red"));
  const b = await watched.waitForState("b.yaml", "rejected");
  const message = `ConfigMap default/settings is also in ${watched.path}/a.yaml`;
  expect(b).toMatchObject({ problems: [{ code: "Conflict", field: "metadata.name", message }] });
  expect(watched.file("a.yaml")).toMatchObject({ state: "rejected", problems: [{ code: "Conflict" }] });
  expect(textOf(watched, "colour")).toBe("blue");
});

test("two files with one port of the machine: both are told", async () => {
  const withPort = (name: string, hostIP: string) =>
    `${minimalPod(name)}      ports: [{containerPort: 80, hostPort: 80, hostIP: ${hostIP}}]\n`;
  await using watched = await Watched.start();
  await watched.put("a.yaml", withPort("a", "10.0.0.1"));
  await watched.put("b.yaml", withPort("b", "10.0.0.2"));
  await watched.waitForNames("a", "b");
  await watched.put("c.yaml", withPort("c", "0.0.0.0"));
  const c = await watched.waitForState("c.yaml", "rejected");
  const message = `host port 80/TCP of 0.0.0.0 is also in ${watched.path}/a.yaml, ${watched.path}/b.yaml`;
  const field = "spec.containers[0].ports[0].hostPort";
  expect(c).toMatchObject({ problems: [{ code: "Conflict", line: 9, column: 45, field, message }] });
  expect(watched.names).toEqual(["a", "b"]);
});

test("only who asks for it is another pod when its environment's objects change", async () => {
  await using watched = await Watched.start();
  await watched.put("objects.yaml", `${settings("blue")}---\n${login("one")}`);
  await watched.put("web.yaml", `${minimalPod("web")}${env}`);
  await watched.waitForNames("web");
  const plain = hashOf(watched);
  await watched.put("objects.yaml", `${settings("red")}---\n${login("one")}`);
  await waitForText(watched, "colour", "red");
  expect(hashOf(watched)).toBe(plain as string);

  await watched.put("web.yaml", restarting);
  await waitUntil("another hash", () => hashOf(watched) !== plain);
  const red = hashOf(watched);
  await watched.put("objects.yaml", `${settings("red").replace("other: x", "other: z")}---\n${login("one")}`);
  await waitForText(watched, "other", "z");
  expect(hashOf(watched)).toBe(red as string); // no variable is made of that key
  await watched.put("objects.yaml", `${settings("green")}---\n${login("one")}`);
  await waitUntil("another hash", () => hashOf(watched) !== red);
  const green = hashOf(watched);
  await watched.put("objects.yaml", `${settings("green")}---\n${login("two")}`);
  await waitUntil("another hash", () => hashOf(watched) !== green);
});

test("an init container's environment counts as well", async () => {
  const inInit = restarting.replace(
    env,
    `  initContainers:\n    - name: init\n      image: example.com/app:1.0\n${env}`,
  );
  await using watched = await Watched.start();
  await watched.put("objects.yaml", `${settings("blue")}---\n${login("one")}`);
  await watched.put("web.yaml", inInit);
  await watched.waitForNames("web");
  const blue = hashOf(watched);
  await watched.put("objects.yaml", `${settings("red")}---\n${login("one")}`);
  await waitUntil("another hash", () => hashOf(watched) !== blue);
});

test("another agent makes the same hash, and takes the recorded one while the pod's file is bad", async () => {
  await using watched = await Watched.start();
  await watched.put("objects.yaml", `${settings("blue")}---\n${login("hunter2")}`);
  await watched.put("web.yaml", restarting);
  await watched.waitForNames("web");
  await waitForText(watched, "colour", "blue");
  const accepted = watched.directory.desired.pods.map(serializeAcceptedPod);
  expect(accepted.join()).not.toContain("hunter2");
  const hash = hashOf(watched);
  const open = () =>
    new ManifestDirectory({
      path: watched.path,
      nodeName: "node1",
      accepted,
      memoryFile: watched.memoryFile,
      clock: systemClock,
      log: silent,
      record() {},
      onChange() {},
    });
  {
    await using second = open();
    await second.start(new AbortController().signal);
    expect(second.desired.pods[0]?.specHash as string).toBe(hash as string);
  }
  await watched.put("web.yaml", "kind: [");
  await watched.waitForState("web.yaml", "rejected");
  await using third = open();
  await third.start(new AbortController().signal);
  expect(third.desired.pods[0]?.specHash as string).toBe(hash as string);
});
