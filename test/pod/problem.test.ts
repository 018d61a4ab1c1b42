import { expect, test } from "bun:test";
import { formatProblem, type Problem } from "../../src/pod/problem.ts";

const base: Problem = {
  code: "UnknownField",
  file: "/m/web.yaml",
  line: 7,
  column: 3,
  field: "spec.contaners",
  message: "unknown field",
  hint: 'did you mean "containers"?',
};

test.each<[string, Partial<Problem>]>([
  ['/m/web.yaml:7:3: spec.contaners: unknown field (did you mean "containers"?)', {}],
  ["/m/web.yaml:7:3: spec.contaners: unknown field", { hint: "" }],
  ["/m/web.yaml:7:3: unknown field", { hint: "", field: "" }],
  ["/m/web.yaml: unknown field", { hint: "", field: "", line: 0, column: 0 }],
])("%s", (text, change) => {
  expect(formatProblem({ ...base, ...change })).toBe(text);
});
