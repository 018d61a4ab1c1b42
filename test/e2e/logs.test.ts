// Logs as a person asks for them: of a container that initialises, of all runs of one that crashes, followed across a restart.

import { expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";

const manifest = (image: string) => `apiVersion: v1
kind: Pod
metadata:
  name: job
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
  initContainers:
    - name: prepare
      image: ${image}
      command: [/bin/sh, -c, "echo preparing; echo prepared"]
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c, "echo run of $$; sleep 0.5; exit 1"]
`;

test("of an init container, of all runs, and followed from one run into the next", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("job.yaml", manifest(machine.image));
  await machine.waitForPod(
    "job",
    "run once",
    ({ status }) => status?.containerStatuses?.[0]?.state?.running !== undefined,
  );
  const text = async (query: string) => (await machine.get(`/pods/default/job-node/logs?${query}`)).text();
  const following = text("container=main&follow=true"); // ends with the first run
  const acrossRuns = new AbortController();
  const all = await machine.get("/pods/default/job-node/logs?container=main&follow=true&allRevisions=true", {
    signal: acrossRuns.signal,
  });
  let followed = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of all.body ?? []) followed += decoder.decode(chunk);
  })().catch(() => undefined);

  expect(await text("container=prepare")).toBe("preparing\nprepared\n");
  expect((await following).match(/run of/g)).toHaveLength(1);
  await waitUntil("the next run in the same log", () => followed.match(/run of/g)?.length === 2, 30_000);
  const records = await machine.get("/pods/default/job-node/logs?container=main&allRevisions=true", {
    headers: { Accept: "application/x-ndjson" },
  });
  const revisions = (await records.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).revision);
  expect(new Set(revisions).size).toBe(2);
  acrossRuns.abort();
  await reading;
}, 60_000);
