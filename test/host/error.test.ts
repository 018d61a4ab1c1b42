import { describe, expect, test } from "bun:test";
import { errorChain, hasErrorCode } from "../../src/host/error.ts";

describe("errorChain", () => {
  test.each<[string, unknown]>([
    ["a", new Error("a")],
    ["a: b: c", new Error("a", { cause: new Error("b", { cause: "c" }) })],
    ["cannot: b", new Error("cannot: b", { cause: new Error("b") })],
    ["b", new Error("", { cause: new Error("b") })],
    ["two; lines", new Error("two\n  lines")],
    ["text", "text"],
    ["null", null],
    ["", undefined],
  ])("%j", (text, error) => {
    expect(errorChain(error)).toBe(text);
  });

  test("ends, also where an error is its own cause", () => {
    const a = new Error("a");
    const b = new Error("b", { cause: a });
    a.cause = b;
    expect(errorChain(a)).toStartWith("a: b: a");
  });
});

test("hasErrorCode", () => {
  const error = Object.assign(new Error("x"), { code: "ENOENT" });
  expect(hasErrorCode(error, "EACCES", "ENOENT")).toBe(true);
  expect(hasErrorCode(error, "EACCES")).toBe(false);
  expect(hasErrorCode(new Error("x"), "ENOENT")).toBe(false);
  expect(hasErrorCode({ code: "ENOENT" }, "ENOENT")).toBe(false);
});
