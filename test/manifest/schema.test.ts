// The table itself. That it has a row for each field of Kubernetes' types, and no other, is checked by the compiler (`satisfies
// RowsOf<…>` in schema.ts); here is that the compiler does check it.

import { expect, test } from "bun:test";
import type { EnvVar } from "kubernetes-types/core/v1.d.ts";
import { nearestName } from "../../src/manifest/nearest-name.ts";
import { flag, list, notYet, optional, type RowsOf, required, text } from "../../src/manifest/row.ts";
import { podSchema } from "../../src/manifest/schema.ts";

test("a row too few, one too many, and a shape that does not fit do not compile", () => {
  const name = required(text());
  const value = optional(text());
  // @ts-expect-error valueFrom is missing
  ({ name, value }) satisfies RowsOf<EnvVar>;
  // @ts-expect-error valueForm is no field
  ({ name, value, valueFrom: notYet, valueForm: notYet }) satisfies RowsOf<EnvVar>;
  // @ts-expect-error name is text
  ({ name: required(flag), value, valueFrom: notYet }) satisfies RowsOf<EnvVar>;
  // @ts-expect-error name is no list
  ({ name: required(list(text())), value, valueFrom: notYet }) satisfies RowsOf<EnvVar>;
  ({ name, value, valueFrom: notYet }) satisfies RowsOf<EnvVar>;
});

test("what is refused for ever has a reason", () => {
  const unexplained = Object.entries(podSchema.rows.spec.shape.rows.volumes.shape.item.rows).filter(
    ([, row]) => row.support === "never" && row.reason === "",
  );
  expect(unexplained).toEqual([]);
});

test.each([
  ["comand", "command"],
  ["imagePullpolicy", "imagePullPolicy"],
  ["volumeMount", "volumeMounts"],
  ["prots", "ports"],
  ["nmae", "name"],
  ["x", undefined],
  ["frobnicate", undefined],
])("the nearest name to %s is %s", (written, nearest) => {
  const names = ["name", "command", "args", "imagePullPolicy", "image", "volumeMounts", "ports", "env"];
  expect(nearestName(written, names)).toBe(nearest);
});
