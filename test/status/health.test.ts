import { expect, test } from "bun:test";
import { Health } from "../../src/status/health.ts";

test("each check begins as failing, in the order given", () => {
  const health = new Health(["reconcile", "manifests"], 1000);
  expect(health.checks()).toEqual([
    { name: "reconcile", error: "not checked yet", sinceMs: 1000 },
    { name: "manifests", error: "not checked yet", sinceMs: 1000 },
  ]);
});

test("a failure is told since it began, whatever it becomes, and forgotten when it is over", () => {
  const health = new Health(["reconcile"], 1000);
  health.report("reconcile", undefined, 2000);
  expect(health.check("reconcile")).toEqual({ name: "reconcile", error: undefined, sinceMs: undefined });
  health.report("reconcile", "no D-Bus", 3000);
  health.report("reconcile", "still no D-Bus", 4000);
  expect(health.check("reconcile")).toEqual({ name: "reconcile", error: "still no D-Bus", sinceMs: 3000 });
  health.report("reconcile", undefined, 5000);
  health.report("reconcile", "again", 6000);
  expect(health.check("reconcile")?.sinceMs).toBe(6000);
});
