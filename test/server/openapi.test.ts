import { describe, expect, test } from "bun:test";
import { operations } from "../../src/server/openapi-operations.ts";
import { checkBody } from "./description.ts";
import { testApp, unixConnection } from "./test-app.ts";

const described = async () => {
  const response = await testApp().app.request("/openapi.json", {}, unixConnection);
  return (await response.json()) as {
    openapi: string;
    info: { version: string };
    paths: Record<string, Record<string, { parameters: { name: string; in: string }[]; responses: object }>>;
    components: { schemas: object };
  };
};

test("every route is described, and nothing else", () => {
  const { app } = testApp();
  const routes = app.routes
    .filter(({ path }) => path !== "/*")
    .map(({ method, path }) => `${method} ${path}`);
  expect([...new Set(routes)].sort()).toEqual(Object.keys(operations).sort());
});

test("the description is OpenAPI, with every reference in it", async () => {
  const description = await described();
  expect([description.openapi, description.info.version]).toEqual(["3.1.0", "1.2.3"]);
  const references = JSON.stringify(description).match(/#\/components\/schemas\/\w+/g) ?? [];
  for (const reference of new Set(references)) {
    expect(Object.keys(description.components.schemas)).toContain(reference.split("/").at(-1) ?? "");
  }
  const logs = description.paths["/containerLogs/{namespace}/{name}/{container}"]?.get;
  expect(logs?.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual([
    "namespace",
    "name",
    "container",
  ]);
  expect(logs?.parameters.map(({ name }) => name)).toContain("sinceTime");
  expect(Object.keys(logs?.responses ?? {})).toEqual(["200", "default"]);
});

describe("parameters that are described are taken", () => {
  const gets = Object.entries(operations).filter(
    ([key, { answers }]) => key.startsWith("GET ") && 200 in answers && !(101 in answers),
  );
  test.each(gets)("%s", async (key, { parameters = {} }) => {
    const path = key
      .slice("GET ".length)
      .replaceAll(/:\w+/g, (name) => ({ ":namespace": "default", ":name": "web-edge" })[name] ?? "app");
    for (const [name, { schema }] of Object.entries(parameters)) {
      if (name === "watch") continue; // has no end
      const value = { boolean: "true", integer: "1" }[String(schema.type)] ?? samples[name] ?? "";
      const response = await testApp().app.request(`${path}?${name}=${value}`, {}, unixConnection);
      expect([name, response.status]).toEqual([name, 200]);
      await response.body?.cancel();
    }
  });
  const samples: Record<string, string> = {
    stream: "All",
    sinceTime: "2026-01-02T15:04:05.000000001Z",
    container: "app",
  };
});

test("an answer that is not as described is seen", () => {
  expect(() => checkBody("CommandResult", { exitCode: 0, stdout: "" }, "x")).toThrow(
    "must have required property 'stderr'",
  );
  expect(() => checkBody("CommandResult", { exitCode: 0, stdout: "", stderr: "", more: 1 }, "x")).toThrow(
    "additional",
  );
});
