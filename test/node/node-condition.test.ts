import { expect, test } from "bun:test";
import { nextPressures, nodeConditions, noPressure, transitionMs } from "../../src/node/node-condition.ts";
import type { Pressure } from "../../src/node/threshold.ts";

const wallMs = Date.UTC(2026, 0, 1);
const at = (nowMs: number) => ({ nowMs, wallMs: wallMs + nowMs });
const found = (...pressures: Pressure[]) => new Set(pressures);

test("without any shortage there are the kubelet's three conditions, all False", () => {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  expect(nodeConditions(noPressure({ wallMs }))).toEqual([
    {
      type: "MemoryPressure",
      status: "False",
      reason: "KubeletHasSufficientMemory",
      message: "the machine has sufficient memory available",
      lastTransitionTime,
    },
    {
      type: "DiskPressure",
      status: "False",
      reason: "KubeletHasNoDiskPressure",
      message: "the machine has no disk pressure",
      lastTransitionTime,
    },
    {
      type: "PIDPressure",
      status: "False",
      reason: "KubeletHasSufficientPID",
      message: "the machine has sufficient PID available",
      lastTransitionTime,
    },
  ]);
});

test("a shortage stays until it has not been seen for the transition period, and each begins anew what is left of it", () => {
  const memoryAt = (states: ReturnType<typeof noPressure>) => {
    const { status, reason, lastTransitionTime } = nodeConditions(states)[0] ?? {};
    return [status, reason, lastTransitionTime];
  };
  const first = nextPressures(noPressure({ wallMs }), found("MemoryPressure"), at(1000));
  const present = ["True", "KubeletHasInsufficientMemory", "2026-01-01T00:00:01Z"];
  expect(memoryAt(first)).toEqual(present);
  const again = nextPressures(first, found("MemoryPressure"), at(61_000));
  expect(memoryAt(nextPressures(again, found("DiskPressure"), at(60_999 + transitionMs)))).toEqual(present);
  expect(memoryAt(nextPressures(again, found(), at(61_000 + transitionMs)))).toEqual([
    "False",
    "KubeletHasSufficientMemory",
    "2026-01-01T00:06:01Z",
  ]);
});
