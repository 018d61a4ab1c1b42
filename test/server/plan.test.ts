// What may be asked about manifests that are not there yet.

import { expect, test } from "bun:test";
import { testApp, unixConnection } from "./test-app.ts";

async function statusOf(body: string): Promise<number> {
  const { app } = testApp();
  return (await app.request("/plan", { method: "POST", body }, unixConnection)).status;
}

test.each(["web.yaml", "..data.yaml", "a b"])("%j is the name of a file", async (name) => {
  expect(await statusOf(JSON.stringify({ files: [{ name, text: "" }] }))).toBe(200);
});

test.each(["..", ".", "", "../x.yaml", "/etc/passwd", "a\0b"])(
  "%j leads somewhere else, and is refused",
  async (name) => {
    expect(await statusOf(JSON.stringify({ files: [{ name, text: "" }] }))).toBe(400);
  },
);

test.each(["{", "[]x", '{"files": 1}', '{"files": [{"name": "a", "text": 1}]}', '{"isDetailed": "yes"}'])(
  "%s is no question",
  async (body) => {
    expect(await statusOf(body)).toBe(400);
  },
);
