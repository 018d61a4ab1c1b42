// The uid that a Pod keeps.

import { expect, test } from "bun:test";
import { adoptUid } from "../../src/reconcile/adopt-uid.ts";
import { basePod, baseRevision, exited } from "./base-world.ts";

const pod = basePod({ uid: "new" });
const old = { uid: "old" };

test.each([
  ["its own where nothing is there", [], "new"],
  ["that of what runs as written", [baseRevision(old)], "old"],
  ["its own where something else runs", [baseRevision({ ...old, hash: "bbbb" })], "new"],
  ["that of the last that ended, when it was as written", [baseRevision({ ...old, state: exited() })], "old"],
  [
    "its own where the last that ended was another",
    [
      baseRevision({ ...old, state: exited({ agoMs: 9000 }) }),
      baseRevision({ number: 2, hash: "bbbb", state: exited() }),
    ],
    "new",
  ],
  [
    "its own where another runs, whatever ended before",
    [baseRevision({ ...old, state: exited() }), baseRevision({ number: 2, hash: "bbbb" })],
    "new",
  ],
])("%s", (_name, revisions, uid) => {
  expect<string>(adoptUid(pod, revisions).uid).toBe(uid);
});
