// The page's headers: what a browser lets it do.

import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { testApp, unixConnection } from "./test-app.ts";

const asked = async () =>
  testApp().app.request("/", { headers: { Accept: "text/html,application/xhtml+xml" } }, unixConnection);

test("it may run and load exactly what is in it, and ask nobody but its server", async () => {
  const response = await asked();
  const page = await response.text();
  const hashes = (tag: string) =>
    [...page.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, "gs"))].map(
      ([, text = ""]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`,
    );
  const [styles, scripts] = [hashes("style"), hashes("script")];
  expect([styles.length, scripts.length]).toEqual([1, 2]);
  expect(response.headers.get("content-security-policy")).toBe(
    `default-src 'none'; style-src ${styles.join(" ")}; script-src ${scripts.join(" ")}; connect-src 'self'; ` +
      "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
});

test("nobody keeps it, guesses its type, or is told where it was", async () => {
  const { headers } = await asked();
  expect(Object.fromEntries(headers)).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    vary: "Accept",
  });
});
