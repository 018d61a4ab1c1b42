import { expect, test } from "bun:test";
import { unitPlace } from "../../src/engine/systemctl.ts";

test.each([
  [
    "0::/gantry.slice/gantry-1.slice/gantry-2.service\n",
    { unit: "gantry-2.service", slice: "gantry-1.slice" },
  ],
  [
    "4:memory:/\n1:name=systemd:/system.slice/x.scope\n0::/other\n",
    { unit: "x.scope", slice: "system.slice" },
  ],
  ["0::/user.slice/user-1.slice/session-2.scope/inner\n", { unit: "session-2.scope", slice: "user-1.slice" }],
  ["1:name=systemd:/\n0::/system.slice/x.service\n", { unit: "x.service", slice: "system.slice" }],
  ["0::/\n", { unit: undefined, slice: undefined }],
])("%j is in its unit", (text, place) => {
  expect(unitPlace(text)).toEqual(place);
});
