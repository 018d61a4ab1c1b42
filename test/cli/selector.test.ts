// What is no selector is a mistake in the command's usage.

import { expect, test } from "bun:test";
import { UsageError } from "../../src/cli/failure.ts";
import { decodeFieldSelector, decodeLabelSelector } from "../../src/cli/selector.ts";

test("selectors of labels and of fields", () => {
  expect(decodeLabelSelector("app=web")({ app: "web" })).toBe(true);
  expect(decodeFieldSelector("status.phase=Running")({ status: { phase: "Pending" } })).toBe(false);
  expect(() => decodeLabelSelector("a=b=c")).toThrow(UsageError);
  expect(() => decodeFieldSelector("status.phase")).toThrow(UsageError);
});
