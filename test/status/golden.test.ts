// Whole answers, as files beside this one. UPDATE_GOLDEN=1 rewrites golden/.

import { expect, test } from "bun:test";
import { derivePod } from "../../src/status/derive.ts";
import type { PodView } from "../../src/status/shown-pod.ts";
import { exited, nowMs } from "../reconcile/base-world.ts";
import {
  baseView,
  containersStage,
  endedWith,
  initStage,
  sidecarStage,
  stagedPod,
  stageRevision,
} from "./view.ts";

const setupDone = endedWith(stageRevision(initStage, { state: exited({ agoMs: 57_000 }) }), 0);
const crashed = endedWith(stageRevision(containersStage, { state: exited() }), 3, "no database");

const cases: Readonly<Record<string, Partial<PodView>>> = {
  initializing: {
    revisions: [stageRevision(initStage)],
    waiting: [{ kind: "initializing", stage: initStage }],
  },
  running: { revisions: [setupDone, stageRevision(sidecarStage), stageRevision(containersStage)] },
  crashing: {
    revisions: [setupDone, stageRevision(sidecarStage), crashed],
    waiting: [{ kind: "restart", stage: containersStage, backOffMs: 10_000, untilMs: nowMs + 9000 }],
  },
};

test.each(Object.entries(cases))("%s", async (name, change) => {
  const file = Bun.file(`${import.meta.dir}/golden/${name}.json`);
  const text = `${JSON.stringify(derivePod(baseView({ pod: stagedPod(), ...change }), undefined), null, 2)}\n`;
  if (process.env.UPDATE_GOLDEN === "1") await file.write(text);
  expect(text).toBe(await file.text());
});
