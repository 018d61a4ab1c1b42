// Every path of the endpoint as curl has it, of an agent with pods of all kinds, each answer held to the description.

import { expect, test } from "bun:test";
import { operations } from "../../src/server/openapi-operations.ts";
import { checkBody } from "../server/description.ts";
import { Machine, run } from "./machine.ts";
import { manifest } from "./manifest.ts";

test("every path is answered as it is described", async () => {
  await using machine = await Machine.create({ flags: ["--listen=http://127.0.0.1:10299"] });
  await machine.startAgent();
  const { image } = machine;
  await machine.write("web.yaml", manifest("web", { image }));
  await machine.write("crash.yaml", manifest("crash", { image, scripts: { main: "echo no luck; exit 3" } }));
  await machine.write(
    "bad.yaml",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec: {containers: []}\n",
  );
  await machine.write("notes.txt", "not a manifest");
  await machine.waitForReady("web");
  await machine.waitForPod(
    "crash",
    "restarted",
    ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1,
  );

  const curl = async (url: string, ...options: string[]) => {
    const format = ["-w", "\n%{http_code} %{content_type}"];
    const text = await run("curl", "-sS", "--max-time", "20", ...format, ...options, url);
    const [, body = "", status = "", type = ""] = /^(.*)\n(\d{3}) ([^;\n]*)[^\n]*$/s.exec(text) ?? [];
    return { body, status: Number(status), type };
  };
  const unix = ["--unix-socket", machine.socket];
  const names: Record<string, string> = { namespace: "default", name: "web-node", container: "main" };

  for (const [key, { answers }] of Object.entries(operations)) {
    const [method = "", path = ""] = key.split(" ");
    if (method !== "GET" || 101 in answers) continue;
    const target = path.replaceAll(/:(\w+)/g, (_, name) => names[name] ?? "");
    for (const [type, schema] of Object.entries(answers[200] ?? {})) {
      if (type === "text/event-stream") continue; // has no end
      const accept = ["-H", `Accept: ${type}`];
      const answer = await curl(`http://gantry${target}`, ...unix, ...accept);
      expect([key, answer.status, answer.type]).toEqual([key, 200, type]);
      const records = type === "application/x-ndjson" ? answer.body.trim().split("\n") : [answer.body];
      if (schema !== undefined) for (const record of records) checkBody(schema, JSON.parse(record), key);
      expect((await curl(`http://127.0.0.1:10299${target}`, ...accept)).status).toBe(200);
      expect((await curl(`http://gantry${target}`, ...unix, ...accept, "-I")).status).toBe(200);
    }
  }

  const explained = await curl(
    "http://gantry/pods/default/crash-node/explain",
    ...unix,
    "-H",
    "Accept: application/json",
  );
  checkBody("Explanation", JSON.parse(explained.body), "explain");
  const question = JSON.stringify({ files: [{ name: "web.yaml" }], isDetailed: true });
  const plan = await curl("http://gantry/plan", ...unix, "--data-binary", question);
  checkBody("Plan", JSON.parse(plan.body), "plan");
  const deleted = await curl("http://gantry/manifests/confirm-delete", ...unix, "-X", "POST");
  checkBody("Deleted", JSON.parse(deleted.body), "confirm-delete");
  const result = await curl(
    "http://gantry/exec/default/web-node/main?command=true",
    ...unix,
    "-X",
    "POST",
    "-H",
    "Accept: application/json",
  );
  checkBody("CommandResult", JSON.parse(result.body), "exec");
}, 120_000);
