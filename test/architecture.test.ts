// Holds the rules of how the code hangs together (README, "The code"), and shows that a breach of each would be seen.

import { describe, expect, test } from "bun:test";
import packageJson from "../package.json" with { type: "json" };
import { findBreaches, findStaleRules, scanImports } from "./architecture.ts";

const root = `${import.meta.dir}/../src`;
const paths = [...new Bun.Glob("**/*").scanSync(root)].sort();
const files = new Map(
  await Promise.all(paths.map(async (path) => [path, await Bun.file(`${root}/${path}`).text()] as const)),
);

test("the tree keeps the rules", () => {
  expect(findBreaches(files)).toEqual([]);
});

test("the rules are about what is there", () => {
  expect(findStaleRules(files, Object.keys(packageJson.dependencies))).toEqual([]);
});

test("imports are found, types and re-exports too, and not those in strings and comments", () => {
  const source = `// import a from "./comment.ts";
import type { A } from "./type.ts";
import { type B } from "./inline-type.ts";
import {
  c,
  d,
} from "./lines.ts";
import "./effect.ts";
import data from "../data.json" with { type: "json" };
export type { E } from "./type-again.ts";
export * from "./all.ts";
export const text = 'import f from "./string.ts"';
export type G = import("./type-position.ts").G;
const later = await import("./dynamic.ts");
`;
  expect(scanImports(source).map(({ path, isType }) => (isType ? `type ${path}` : path))).toEqual([
    "type ./type.ts",
    "./inline-type.ts",
    "./lines.ts",
    "./effect.ts",
    "../data.json",
    "type ./type-again.ts",
    "./all.ts",
    "./type-position.ts",
    "./dynamic.ts",
  ]);
});

describe("a breach is seen:", () => {
  const sound = {
    "pod/pod.ts": '// Role.\nimport { createHash } from "node:crypto";\n',
    "manifest/decode.ts": '// Role.\nimport { parse } from "yaml";\nimport { pod } from "../pod/pod.ts";\n',
    "rkt/appc.ts": "// Role.\n",
    "engine/engine.ts": '// Role.\nimport type { Pod } from "../rkt/appc.ts";\n',
    "main.ts": '// Role.\nimport { decode } from "./manifest/decode.ts";\nprocess.exit(0);\n',
  };

  test("none in a sound tree", () => {
    expect(findBreaches(new Map(Object.entries(sound)))).toEqual([]);
  });

  const cases: [what: string, change: Record<string, string>, breaches: string[]][] = [
    [
      "a folder that may not import another, be it a type",
      { "rkt/client.ts": '// Role.\nimport type { X } from "../manifest/decode.ts";\n' },
      ["rkt/client.ts: may not import manifest/decode.ts"],
    ],
    [
      "one file of a folder is not the whole folder",
      { "rkt/b.ts": "// Role.\n", "engine/c.ts": '// Role.\nimport { b } from "../rkt/b.ts";\n' },
      ["engine/c.ts: may not import rkt/b.ts"],
    ],
    [
      "a package away from home, also when loaded late",
      { "rkt/client.ts": '// Role.\nconst { execa } = await import("execa");\n' },
      ['rkt/client.ts: "execa" is not at home here'],
    ],
    [
      "a package without a home",
      { "rkt/client.ts": '// Role.\nimport pad from "left-pad/pad.js";\n' },
      ['rkt/client.ts: "left-pad" is not at home here'],
    ],
    [
      "a package of types that is loaded",
      { "status/derive.ts": '// Role.\nimport { Pod } from "kubernetes-types/core/v1";\n' },
      [
        'status/derive.ts: "kubernetes-types" has only types: import type',
        "status/derive.ts: is pure, but imports kubernetes-types/core/v1",
      ],
    ],
    [
      "a pure file that reads files",
      { "pod/pod.ts": '// Role.\nimport { readFileSync } from "node:fs";\n' },
      ["pod/pod.ts: is pure, but imports node:fs"],
    ],
    [
      "what a pure file imports is held to be pure too",
      {
        "reconcile/chance.ts": "// Role.\nexport const chance = () => Math.random();\n",
        "reconcile/plan.ts": '// Role.\nimport { chance } from "./chance.ts";\n',
      },
      ["reconcile/chance.ts: is pure, but uses Math.random"],
    ],
    [
      "a pure file that knows its surroundings",
      { "pod/pod.ts": "// Role. Not by process.env.\nexport const node = () => process.env.NODE;\n" },
      ["pod/pod.ts: is pure, but uses process"],
    ],
    [
      "the clock read anywhere else",
      {
        "rkt/a.ts": "// Role.\nexport const a = () => Date.now();\n",
        "rkt/b.ts": "// Role.\nexport const b = () => new Date();\n",
        "host/clock.ts": "// Role.\nexport const c = () => Date.now();\n",
      },
      ["rkt/a.ts: only host/clock.ts reads the clock", "rkt/b.ts: only host/clock.ts reads the clock"],
    ],
    [
      "an end of the process anywhere else",
      { "host/end.ts": "// Role.\nexport const end = () => process.exit(1);\n" },
      ["host/end.ts: only main.ts ends the process"],
    ],
    [
      "a cycle, be it of types",
      {
        "rkt/a.ts": '// Role.\nimport type { B } from "./b.ts";\n',
        "rkt/b.ts": '// Role.\nimport { a } from "./a.ts";\n',
      },
      ["cycle: rkt/a.ts → rkt/b.ts → rkt/a.ts"],
    ],
    ["a barrel", { "rkt/index.ts": "// Role.\n" }, ["rkt/index.ts: no barrels"]],
    ["a default export", { "rkt/a.ts": "// Role.\nexport default 1;\n" }, ["rkt/a.ts: default export"]],
    [
      "a name that says nothing",
      { "rkt/utils.ts": "// Role.\n" },
      ['rkt/utils.ts: "utils" says nothing: which noun is missing?'],
    ],
    [
      "a name in another style",
      { "rkt/Client.ts": "// Role.\n" },
      ['rkt/Client.ts: "Client" is not kebab-case'],
    ],
    [
      "a new folder",
      { "misc2/a.ts": "// Role.\n" },
      ["misc2/a.ts: its folder is in no row of the import table"],
    ],
    [
      "a file without its role",
      { "rkt/a.ts": "export {};\n" },
      ["rkt/a.ts: does not begin with its role and invariant"],
    ],
    ["a file that is too long", { "rkt/a.ts": `// Role.\n${"\n".repeat(320)}` }, ["rkt/a.ts: 321 lines"]],
    [
      "an import without its extension",
      { "main.ts": '// Role.\nimport { decode } from "./manifest/decode";\n' },
      ["main.ts: imports ./manifest/decode, which is not in src/ with this extension"],
    ],
  ];
  test.each(cases)("%s", (_what, change, breaches) => {
    expect(findBreaches(new Map(Object.entries({ ...sound, ...change })))).toEqual(breaches);
  });
});
