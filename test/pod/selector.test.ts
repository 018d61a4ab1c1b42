// Kubernetes' selectors, on labels and on fields.

import { expect, test } from "bun:test";
import { parseFieldSelector, parseLabelSelector } from "../../src/pod/selector.ts";

const labels = { app: "web", tier: "front", "example.com/x": "1" };

test.each([
  ["app=web", true],
  ["app==web", true],
  ["app=db", false],
  ["app!=db", true],
  ["none!=db", true],
  ["app=web,tier=back", false],
  ["app=web, tier in (front, back)", true],
  ["tier notin (front,back),app=web", false],
  ["none notin (a)", true],
  ["none in (a,)", false],
  ["example.com/x", true],
  ["!app", false],
  ["!none", true],
  ["app=", false],
])("labels: %s is %p", (selector, expected) => {
  expect(parseLabelSelector(selector)?.(labels)).toBe(expected);
});

test.each(["app in web", "=", "a=b=c", "", "a b", "a in (b", "((", "a=(b", "a in (b=c)", "a,,b"])(
  "%j is no selector of labels",
  (selector) => {
    expect(parseLabelSelector(selector)).toBeUndefined();
  },
);

const pod = { metadata: { name: "web", labels }, spec: { hostNetwork: true }, status: { phase: "Running" } };

test.each([
  ["status.phase=Running", true],
  ["status.phase!=Running", false],
  ["spec.hostNetwork=true,metadata.name=web", true],
  ["status.podIP=", true],
  ["metadata.labels=x", false],
])("fields: %s is %p", (selector, expected) => {
  expect(parseFieldSelector(selector)?.(pod)).toBe(expected);
});

test("what is no selector of fields", () => {
  expect(parseFieldSelector("status.phase")).toBeUndefined();
});
