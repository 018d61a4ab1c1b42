// ConfigMaps and Secrets beside the pods, as a person sees them: in variables and files, changed in place, and secret where they are secret.

import { expect, test } from "bun:test";
import { operations } from "../../src/server/openapi-operations.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";

const secretValue = "hunter2-5a1c-volume";
const secretVariable = "hunter2-77e0-variable";

const configMap = (greeting: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  GREETING: ${greeting}
  app.conf: "greeting = ${greeting}\\n"
`;

const secret = `apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData:
  token: ${secretValue}
  password: ${secretVariable}
`;

/** Prints what it was given, then runs on. */
const pod = (image: string, name = "web") => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {tier: front}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c]
      args:
        - |
          echo "$GREETING $FIRST_GREETING $POD_NAME $CPU"
          cat /config/app.conf /config/deep/er /self/labels /one.conf
          stat -c '%a %u:%g' /secrets/..data/token
          test "$PASSWORD" = $(cat /all/password) && echo same
          while :; do sleep 1; done
      env:
        - {name: FIRST_GREETING, valueFrom: {configMapKeyRef: {name: settings, key: GREETING}}}
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}}
        - {name: ABSENT, valueFrom: {secretKeyRef: {name: nowhere, key: password, optional: true}}}
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: CPU, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: 1m}}}
      envFrom:
        - configMapRef: {name: settings}
      volumeMounts:
        - {name: config, mountPath: /config}
        - {name: config, mountPath: /one.conf, subPath: app.conf}
        - {name: secrets, mountPath: /secrets}
        - {name: all, mountPath: /all}
        - {name: self, mountPath: /self}
  volumes:
    - name: config
      configMap:
        name: settings
        items:
          - {key: app.conf, path: app.conf}
          - {key: GREETING, path: deep/er}
    - {name: secrets, secret: {secretName: keys}}
    - name: all
      projected:
        sources:
          - configMap: {name: settings}
          - secret: {name: keys}
    - name: self
      downwardAPI:
        items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]
`;

const printed = (greeting: string) => `${greeting} ${greeting} web-node 0
greeting = ${greeting}
${greeting}tier="front"greeting = ${greeting}
600 0:0
same
`;

test("a pod gets what ConfigMaps and Secrets say; a change reaches its files within a second and restarts nothing", async () => {
  await using machine = await Machine.create();
  await machine.write("settings.yaml", configMap("hello"));
  await machine.write("keys.yaml", secret);
  await machine.write("web.yaml", pod(machine.image));
  await machine.startAgent();
  const first = await machine.waitForReady("web");
  await waitUntil("what it prints", async () => (await machine.logs("web")) === printed("hello")).catch(
    async () => {
      expect(await machine.logs("web")).toBe(printed("hello"));
    },
  );

  const inPod = async (file: string) => (await enter(machine, uuidOf(first) ?? "", "cat", file)).trimEnd();
  const units = await machine.runningUnits();
  await machine.write("settings.yaml", configMap("good-day"));
  const changedMs = performance.now();
  const files = `${machine.path}/state/pods/${first.metadata?.uid}/volumes/kubernetes.io~projected`;
  const config = Bun.file(`${files}/config/app.conf`);
  await waitUntil("the file to change", async () => (await config.text()) === "greeting = good-day\n");
  expect(performance.now() - changedMs).toBeLessThan(1000);
  expect(await inPod("/config/app.conf")).toBe("greeting = good-day");
  expect(await inPod("/config/deep/er")).toBe("good-day");
  expect(await inPod("/all/GREETING")).toBe("good-day");
  expect(await inPod("/one.conf")).toBe("greeting = hello"); // as with the kubelet, a subPath stays what it was
  expect(await machine.runningUnits()).toEqual(units);
  expect((await machine.pod("web"))?.status?.containerStatuses?.[0]?.restartCount).toBe(0);

  // Taken away: the pod keeps what it has, and its status tells what is the matter.
  await machine.remove("settings.yaml");
  const stale = await machine.waitForPod("web", "not up to date", (it) =>
    (it.status?.conditions ?? []).some(({ type, status }) => type === "UpToDate" && status === "False"),
  );
  expect(stale.status?.conditions?.find(({ type }) => type === "UpToDate")).toMatchObject({
    reason: "FailedMount",
    message: expect.stringContaining('configmap "settings" not found'),
  });
  expect(await inPod("/config/app.conf")).toBe("greeting = good-day");

  // The next agent brings to the files what was changed while there was none.
  await machine.stopAgent("SIGKILL");
  await machine.write("settings.yaml", configMap("welcome"));
  await machine.startAgent();
  await waitUntil("the file to change", async () => (await config.text()) === "greeting = welcome\n");
  expect(await machine.runningUnits()).toEqual(units);

  await machine.remove("web.yaml");
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
});

test("what is missing keeps a pod from starting, in the kubelet's words, until it is there", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", pod(machine.image));
  const waitingFor = (message: string) =>
    machine.waitForPod("web", message, (it) => {
      const waiting = it.status?.containerStatuses?.[0]?.state?.waiting;
      return waiting?.reason === "CreateContainerConfigError" && waiting.message === message;
    });
  await waitingFor('configmap "settings" not found');
  await machine.write("settings.yaml", configMap("hello"));
  await machine.write("keys.yaml", secret);
  const addedMs = performance.now();
  await waitUntil(
    "what it prints",
    async () => (await machine.logs("web").catch(() => "")) === printed("hello"),
  );
  expect(performance.now() - addedMs).toBeLessThan(5000); // no back-off is waited for
});

test("a pod that asks for it is replaced when what its variables are made from changes", async () => {
  await using machine = await Machine.create();
  await machine.write("settings.yaml", configMap("hello"));
  await machine.write("keys.yaml", secret);
  const annotated = 'labels: {tier: front}\n  annotations: {gantry.io/restart-on-change: "true"}';
  await machine.write("web.yaml", pod(machine.image).replace("labels: {tier: front}", annotated));
  await machine.startAgent();
  const first = await machine.waitForReady("web");
  await machine.write("settings.yaml", configMap("good-day"));
  await machine.waitForPod("web", "replaced", (it) => uuidOf(it) !== uuidOf(first));
  await waitUntil(
    "what it prints",
    async () => (await machine.logs("web").catch(() => "")) === printed("good-day"),
  );
});

test("a Secret's values are in the pod, and in nothing that tells of it", async () => {
  await using machine = await Machine.create({ flags: ["--debug"] });
  await machine.write("settings.yaml", configMap("hello"));
  await machine.write("keys.yaml", secret);
  await machine.write("web.yaml", pod(machine.image));
  // Things that go wrong with them have messages, too.
  await machine.write("bad.yaml", pod(machine.image, "bad").replace("key: password}", "key: nothing}"));
  await machine.write("worse.yaml", secret.replace("stringData:", "stringDate:").replace("keys", "worse"));
  await machine.startAgent();
  const web = await machine.waitForReady("web");
  await waitUntil("what it prints", async () => (await machine.logs("web")) === printed("hello"));
  await machine.waitForPod("bad", "refused", (it) =>
    (it.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "").includes("couldn't find key nothing"),
  );
  await machine.write("keys.yaml", secret.replace("token:", "other: x\n  token:"));
  const added = `${machine.path}/state/pods/${web.metadata?.uid}/volumes/kubernetes.io~projected/secrets/other`;
  await waitUntil("the new key", () => Bun.file(added).exists());

  const told: Record<string, string> = {
    log: machine.log,
    journal: await run("journalctl", "--no-pager", "--output=export"),
    "pod unit": await run("systemctl", "cat", `gantry-${uuidOf(web)}.service`),
  };
  for (const [what, answer] of await answersOf(machine, ["web", "bad"])) told[what] = answer;
  expect(Object.keys(told)).toContain("/events?watch=true&timeoutSeconds=1 as text/event-stream: 200");
  for (const [where, text] of Object.entries(told)) {
    expect([where, text.includes(secretValue), text.includes(btoa(secretValue))]).toEqual([
      where,
      false,
      false,
    ]);
    expect([where, text.includes(secretVariable)]).toEqual([where, false]);
  }
  // On disk: nothing of what is mounted. A variable has to be in what starts the app, for root's eyes only.
  const files = (
    await Bun.$`grep -rlF ${secretValue} ${machine.path}/state /run/systemd /var/log`.nothrow().text()
  )
    .split("\n")
    .filter((file) => file !== "" && !file.includes("/volumes/kubernetes.io~projected/"));
  expect(files).toEqual([]);
  const variables = (
    await Bun.$`grep -rlF ${secretVariable} ${machine.path}/state /run/systemd /var/log`.nothrow().text()
  )
    .split("\n")
    .filter((file) => file !== "" && !file.includes("/volumes/kubernetes.io~projected/"));
  expect(variables.length).toBeGreaterThan(0);
  for (const file of variables)
    expect([file, (await run("stat", "-c", "%A", file)).slice(7, 10)]).toEqual([file, "---"]);
});

/** All that may be read of these pods, by what was asked: in each form that there is, and of a watch what it tells first. */
async function answersOf(machine: Machine, names: readonly string[]): Promise<readonly [string, string][]> {
  const asked = Object.entries(operations).flatMap(([key, { answers, parameters = {} }]) => {
    const [method, pattern = ""] = key.split(" ");
    if (method !== "GET" || 101 in answers) return [];
    const paths = names.map((name) => {
      const parts = { namespace: "default", name: `${name}-node`, container: "main" };
      return pattern.replaceAll(/:(\w+)/g, (_, part: keyof typeof parts) => parts[part]);
    });
    const queries = ["verbose", "previous", "watch"].filter((name) => name in parameters);
    return [...new Set(paths)].flatMap((path) =>
      ["", ...queries].flatMap((query) =>
        Object.keys(answers[200] ?? {}).map((type) => ({
          target: `${path}?${query}=true${"watch" in parameters ? "&timeoutSeconds=1" : ""}`,
          type,
        })),
      ),
    );
  });
  return Promise.all(
    asked.map(async ({ target, type }): Promise<[string, string]> => {
      const response = await machine.get(target, { headers: { Accept: type } });
      return [`${target} as ${type}: ${response.status}`, await response.text()];
    }),
  );
}

/** Runs a command in the pod's only app. */
function enter(machine: Machine, uuid: string, ...command: readonly string[]): Promise<string> {
  return run(
    `${import.meta.dir}/../../dist/gantry`,
    "rkt",
    `--dir=${machine.path}/state/rkt`,
    "enter",
    uuid,
    ...command,
  );
}
