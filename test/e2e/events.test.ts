// What happens to pods is told as events, by every agent that comes after, and by nobody else; and who watches sees it happen.

import { expect, test } from "bun:test";
import type { EventList, Event as V1Event } from "kubernetes-types/core/v1";
import { eventMessageId } from "../../src/systemd/event-journal.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, run } from "./machine.ts";
import { manifest } from "./manifest.ts";

async function eventsOf(machine: Machine, query = ""): Promise<readonly V1Event[]> {
  return ((await (await machine.get(`/events${query}`)).json()) as EventList).items;
}

const brief = ({ reason, message, count }: V1Event) => `${reason} ${count}: ${message}`;

test("events are counted, filtered, and there again after the agent was killed", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.write("job.yaml", manifest("job", { image: machine.image, scripts: { main: "exit 3" } }));
  await machine.waitForReady("web");
  await machine.waitForPod(
    "job",
    "in back-off",
    ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === "CrashLoopBackOff",
  );

  const web = await eventsOf(
    machine,
    "?fieldSelector=involvedObject.name%3Dweb-node,involvedObject.kind%3DPod",
  );
  expect(web.map(({ reason }) => reason)).toEqual(expect.arrayContaining(["Pulled", "Created", "Started"]));
  expect(web.find(({ reason }) => reason === "Started")).toMatchObject({
    involvedObject: { namespace: "default", name: "web-node", fieldPath: "spec.containers{main}" },
    source: { component: "gantry", host: "node" },
    type: "Normal",
    count: 1,
  });
  const job = await eventsOf(machine, "?involvedObject.name=job-node&namespace=default");
  expect(job.find(({ reason }) => reason === "Started")?.count).toBeGreaterThan(1);
  expect(await eventsOf(machine, "?namespace=elsewhere")).toEqual([]);

  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  const again = await waitUntil("the events to be back", async () => {
    const events = await eventsOf(machine, "?involvedObject.name=web-node");
    return events.some(({ reason }) => reason === "Created") && events;
  });
  const names = (events: readonly V1Event[]) => events.map(({ metadata }) => metadata?.name).sort();
  expect(names(again)).toEqual(names(web));
  expect(again.map(brief)).toEqual(expect.arrayContaining(web.map(brief)));
}, 60_000);

test("a root container that has the journal's socket can write entries, but no events", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const fields = [
    `MESSAGE_ID=${eventMessageId}`,
    `GANTRY_STATE_DIR=${machine.path}/state`,
    "MESSAGE=default/web-node: forged",
    "GANTRY_EVENT_REASON=Killing",
    "GANTRY_EVENT_TYPE=Warning",
    "GANTRY_EVENT_COUNT=1",
    "GANTRY_EVENT_FIRST_MS=1",
    "GANTRY_POD_UID=uid",
    "GANTRY_POD_NAMESPACE=default",
    "GANTRY_POD_NAME=web-node",
  ];
  // The host's own logger(1), which speaks journald's protocol.
  const script = `printf '${fields.join("\\n")}\\n' | /host/usr/bin/logger --journald; exec sleep 1000`;
  const base = manifest("web", { image: machine.image, scripts: { main: script } });
  const mounts = ["/usr", "/lib", "/lib64", "/run/systemd/journal"].map((path, index) => ({
    path,
    name: `v${index}`,
  }));
  await machine.write(
    "web.yaml",
    `${base}      volumeMounts:
${mounts.map(({ name, path }) => `        - {name: ${name}, mountPath: ${path === "/usr" ? "/host/usr" : path}}`).join("\n")}
  volumes:
${mounts.map(({ name, path }) => `    - {name: ${name}, hostPath: {path: ${path}}}`).join("\n")}
`,
  );
  await machine.waitForReady("web");
  await waitUntil("the forged entry to be in the journal", async () =>
    (await run("journalctl", "-q", "-o", "cat", `GANTRY_STATE_DIR=${machine.path}/state`)).includes("forged"),
  );

  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  const events = await waitUntil("the events to be back", async () => {
    const all = await eventsOf(machine);
    return all.some(({ reason }) => reason === "Created") && all;
  });
  expect(events.filter(({ message }) => message?.includes("forged"))).toEqual([]);
}, 60_000);

test("who watches sees a pod come, become Ready, and go", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const leave = new AbortController();
  const response = await machine.get("/pods?watch=true", {
    headers: { Accept: "text/event-stream" },
    signal: leave.signal,
  });
  let text = "";
  const reading = (async () => {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>)
      text += new TextDecoder().decode(chunk);
  })().catch(() => undefined);
  await waitUntil("the beginning", () => text.includes("event: bookmark"));
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await waitUntil("it to come", () => /^event: added\ndata: .*"name":"web-node"/m.test(text));
  await waitUntil("it to become Ready", () =>
    /^event: modified\ndata: .*"type":"Ready","status":"True"/m.test(text),
  );
  await machine.remove("web.yaml");
  await waitUntil("it to go", () => /^event: deleted\ndata: .*"name":"web-node"/m.test(text));
  leave.abort();
  await reading;

  // Whoever was away sees what happened meanwhile.
  const [first] = /^id: \d+$/m.exec(text) ?? [];
  const resumed = await machine.get("/pods", {
    headers: { Accept: "text/event-stream", "Last-Event-ID": first?.slice("id: ".length) ?? "" },
  });
  const reader = resumed.body?.getReader();
  let again = "";
  while (!again.includes("event: deleted")) again += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  expect(again).toContain("event: added");
  expect(again).not.toContain("event: reset");
}, 60_000);

test("an explanation has the last lines of what crashed, and what waits for it", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const script = "echo connecting; echo no disk >&2; exit 3";
  // The probe keeps it from being Ready for the moment that it runs.
  const db = manifest("db", { image: machine.image, scripts: { main: script } }).replace(
    "      env:",
    '      readinessProbe: {exec: {command: ["false"]}}\n      env:',
  );
  const web = manifest("web", { image: machine.image }).replace(
    "metadata:\n",
    "metadata:\n  annotations: {gantry.io/after: default/db}\n",
  );
  await machine.write("db.yaml", db);
  await machine.write("web.yaml", web);
  const explain = async (name: string) => (await machine.get(`/pods/default/${name}-node/explain`)).text();
  const text = await waitUntil("the chain to be whole", async () => {
    const told = await explain("web");
    return told.includes("CrashLoopBackOff") && told.includes("| no disk") && told;
  });
  expect(text).toStartWith("default/web-node is not Ready: ContainerFailed\n");
  expect(text).toMatch(
    /1\. default\/db-node: ContainerFailed .*\n {3}container "main" ended with exit code 3 after \d+ s\n {5}\| connecting\n {5}\| no disk\n/,
  );
  expect(text).toMatch(/2\. default\/db-node: CrashLoopBackOff\n[\s\S]*Next try: /);
  expect(text).toContain("WaitingForPods");

  await machine.write("db.yaml", manifest("db", { image: machine.image }));
  await machine.waitForReady("web");
  expect(await explain("web")).toBe("default/web-node is Ready, and nothing is wrong with it.\n");
}, 60_000);
