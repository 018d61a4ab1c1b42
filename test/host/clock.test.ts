// The timers of the machine.

import { expect, test } from "bun:test";
import { systemTimers } from "../../src/host/clock.ts";

test("regression: an alarm in a month rang at once", async () => {
  let hasRung = false;
  const cancel = systemTimers.after(2 ** 31, () => {
    hasRung = true;
  });
  await new Promise<void>((resolve) => systemTimers.after(20, resolve));
  cancel();
  expect(hasRung).toBe(false);
});
