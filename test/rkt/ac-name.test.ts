import { expect, test } from "bun:test";
import { sanitizeAcIdentifier, sanitizeAcName } from "../../src/rkt/ac-name.ts";
import vectors from "./fixtures/sanitize-acname-acidentifier.json";

test.each(vectors)('kubelet: "$in"', (vector) => {
  expect(sanitizeAcName(vector.in)).toBe(vector.acname_err === null ? vector.acname : undefined);
  expect(sanitizeAcIdentifier(vector.in)).toBe(
    vector.acidentifier_err === null ? vector.acidentifier : undefined,
  );
});

test.each([
  ["web-TCP:80", "web-tcp-80", "web-tcp_80"],
  ["a_b", "a-b", "a_b"],
  ["a--b", "a--b", "a--b"],
  ["x~y", "x-y", "x~y"],
  ["foo_", "foo", "foo"],
  ["", undefined, undefined],
  ["é", undefined, undefined],
])('"%s"', (text, name, identifier) => {
  expect(sanitizeAcName(text)).toBe(name as string);
  expect(sanitizeAcIdentifier(text)).toBe(identifier as string);
});
