import { expect, test } from "bun:test";
import { excerptOf } from "../../src/manifest/excerpt.ts";
import type { Problem } from "../../src/pod/problem.ts";

function problemAt(line: number, code: Problem["code"] = "Invalid"): Problem {
  return { code, file: "/a.yaml", line, column: 1, field: "", message: "", hint: "" };
}

const numbered = ["kind: Pod", ...Array.from({ length: 19 }, (_, index) => `# line ${index + 2}`)].join("\n");

test("the lines around each problem, once each", () => {
  const lines = excerptOf(numbered, [problemAt(1), problemAt(10), problemAt(11)]).map(({ line }) => line);
  expect(lines).toEqual([1, 2, 3, 8, 9, 10, 11, 12, 13]);
});

test("none for a problem of the whole file far from it", () => {
  expect(excerptOf(numbered, [problemAt(-5)])).toEqual([]);
});

test.each([
  ["kind: Pod"],
  ["# of the shop\n---\nkind: Pod\n---"],
  ['{"kind": "ConfigMap"}'],
  ["--- {kind: Pod}\n...\n---\nkind: ConfigMap"],
  ["kind: List\nitems: [{kind: Pod}, {kind: ConfigMap}]"],
  ["kind: Pod\nspec: {containers: ["],
  ["kind: Pod\nspec:\n\tcontainers"],
  ["kind: Pod\nspec: {volumes: [{secret: {secretName: key}}]}"],
])("of Pods and ConfigMaps, also where they are no YAML: %j", (text) => {
  expect(excerptOf(text, [problemAt(1)])[0]).toEqual({ line: 1, text: text.split("\n")[0] ?? "" });
});

test.each([
  ["kind: Secret"],
  ['{"kind": "Secret"}'],
  ["kind: 'Secret'"],
  ["kind: SecretList"],
  ["kind: secret"],
  ["kind: Secrets"],
  ["kind: Sceret"],
  ["kind:"],
  ["kind: pod"],
  ["Kind: Pod"],
  ["kind Pod"],
  ["type: Opaque"],
  ["kind: &a Pod\nkind: *a"],
  ["kind: *alias"],
  ["kind: !!str Secret"],
  ['kind: "\\x53ecret"'],
  ["? kind\n: Secret"],
  ["kind: ConfigMap\nstringData: {password: x"],
  ["kind: List\nitems: [{kind: Pod}, {kind: Sceret}]"],
  ["kind: List\nitems: [{kind: Pod}, {data: {}}]"],
  ["kind: List\nitems: {kind: Pod}"],
  ["kind: Pod\n---\nkind: Sceret"],
  ["kind: Pod\n---\ndata:"],
  ["kind: Pod\n--\nkind: Sceret"],
  ["kind: Pod\nname: 'not closed\n---\ndata: {a: b}"],
  ["kind: Pod\nspec: [\n---\ndata: {a: b}"],
  ["apiVersion: v1\nkind: ConfigMap\n\napiVersion: v1\ndata:"],
  ["- kind: Pod"],
  ["# nothing"],
  [""],
])("none of a file that may hold a Secret: %j", (text) => {
  for (const shown of [text, `${text}\npassword: hunter2`]) {
    expect(excerptOf(shown, [problemAt(1), problemAt(3)])).toEqual([]);
  }
});

test("none of a file that is too large to be looked at", () => {
  expect(excerptOf(numbered, [problemAt(1, "TooLarge")])).toEqual([]);
});
