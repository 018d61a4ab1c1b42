import { expect, test } from "bun:test";
import { seLinuxContext } from "../../src/systemd/selinux-context.ts";

const label = "system_u:object_r:container_file_t:s0:c1,c2";
const nothing = { user: "", role: "", type: "", level: "" };

test.each([
  ["nothing", nothing, label],
  ["type", { ...nothing, type: "spc_t" }, "system_u:object_r:spc_t:s0:c1,c2"],
  ["level", { ...nothing, level: "s0:c3" }, "system_u:object_r:container_file_t:s0:c3"],
  ["all", { user: "u", role: "r", type: "t", level: "s1" }, "u:r:t:s1"],
])("of a label is replaced: %s", (_what, options, expected) => {
  expect(seLinuxContext(label, options)).toBe(expected);
});

test("a policy without levels", () => {
  expect(seLinuxContext("user_u:role_r:type_t", { ...nothing, type: "x_t" })).toBe("user_u:role_r:x_t");
});

test("what is no label: stat prints it of a file without", () => {
  expect(seLinuxContext("?", { ...nothing, type: "spc_t" })).toBeUndefined();
});
