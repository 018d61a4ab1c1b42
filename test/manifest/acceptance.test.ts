// Which version of each file counts when they contradict each other.

import { expect, test } from "bun:test";
import { array, assert, constantFrom, dictionary, option, property, uniqueArray } from "fast-check";
import { acceptFiles } from "../../src/manifest/acceptance.ts";
import { type Content, claimsOf, podClaims } from "../../src/manifest/content.ts";
import { type PlacedContent, validateFile } from "../../src/manifest/validate-file.ts";
import type { Pod } from "../../src/pod/pod.ts";
import { minimalPod, options, podFrom } from "./pod-manifest.ts";

const pods = new Map<string, Pod>();

function pod(name: string, file: string): Pod {
  const known = pods.get(name + file) ?? podFrom(minimalPod(`"${name}"`), `/m/${file}`);
  pods.set(name + file, known);
  return known;
}

function contentOf(names: readonly string[], file: string): Content {
  return { pods: names.map((name) => pod(name, file)), configMaps: [], secrets: [] };
}

function placed(names: readonly string[], file: string): PlacedContent {
  const content = contentOf(names, file);
  const claims = content.pods.flatMap((each, document) =>
    podClaims(each).map((claim) => ({ document, claim, place: { line: 4, column: 9 } })),
  );
  return { content, claims, waits: [] };
}

/** `{ a: "x y" }`: file a holds pods x and y; undefined: it has no good version. */
type Files = Readonly<Record<string, string | undefined>>;

function accept(files: Files, before: Files = {}) {
  const names = (text: string) => text.split(" ").filter((name) => name !== "");
  const result = acceptFiles(
    new Map(
      Object.entries(files).map(([file, text]) => [
        file,
        text === undefined ? undefined : placed(names(text), file),
      ]),
    ),
    new Map(Object.entries(before).map(([file, text]) => [file, contentOf(names(text ?? ""), file)])),
  );
  const accepted = Array.from(result.accepted, ([file, found]) => [
    file,
    found.pods.map(({ name }) => name.replace("-node1", "")).join(" "),
  ]);
  return { accepted: Object.fromEntries(accepted), conflicts: [...result.conflicts.keys()], result };
}

test.each<[string, Files, Files, Record<string, string>, string[]]>([
  ["nothing wrong", { a: "x", b: "y" }, {}, { a: "x", b: "y" }, []],
  ["a bad file keeps what it had", { a: undefined }, { a: "x" }, { a: "x" }, []],
  ["a bad file that never was good has nothing", { a: undefined }, {}, {}, []],
  ["a deleted file has nothing", {}, { a: "x" }, {}, []],
  ["an empty list takes away", { a: "" }, { a: "x" }, { a: "" }, []],
  ["two new files with one name", { a: "x", b: "x" }, {}, {}, ["a", "b"]],
  ["the one that ran keeps running", { a: "x", b: "x" }, { a: "x" }, { a: "x" }, ["a", "b"]],
  ["a pod moves from one file to another", { a: "", b: "x" }, { a: "x" }, { a: "", b: "x" }, []],
  ["two files swap their pods", { a: "y", b: "x" }, { a: "x", b: "y" }, { a: "y", b: "x" }, []],
  ["a name that a bad file still holds", { a: undefined, b: "x" }, { a: "x" }, { a: "x" }, ["b"]],
  [
    "refused files block others in turn",
    { a: undefined, b: "x", c: "y" },
    { a: "x", b: "y", c: "z" },
    { a: "x", b: "y", c: "z" },
    ["b", "c"],
  ],
])("%s", (_, files, before, accepted, conflicts) => {
  const found = accept(files, before);
  expect(found.accepted).toEqual(accepted);
  expect(found.conflicts).toEqual(conflicts);
});

test("each of the two names the other, with its place", () => {
  const { conflicts } = accept({ "/m/a": "x", "/m/b": "x" }).result;
  expect(conflicts.get("/m/a")?.[0]).toMatchObject({
    code: "Conflict",
    file: "/m/a",
    line: 4,
    column: 9,
    field: "metadata.name",
  });
  expect(conflicts.get("/m/a")?.[0]?.message).toBe("name default/x-node1 is also in /m/b");
  expect(conflicts.get("/m/b")?.[0]?.message).toBe("name default/x-node1 is also in /m/a");
});

test("whatever happens, no two accepted pods share a name or uid, and a file is taken whole", () => {
  const names = uniqueArray(constantFrom("x", "y", "z", "w"), { maxLength: 3 });
  const files = dictionary(constantFrom("a", "b", "c", "d"), option(names, { nil: undefined }));
  assert(
    property(array(files, { maxLength: 5 }), (steps) => {
      let before: ReadonlyMap<string, Content> = new Map();
      for (const step of steps) {
        const now = new Map(
          Object.entries(step).map(([file, list]) => [
            file,
            list === undefined ? undefined : placed(list, file),
          ]),
        );
        const { accepted, conflicts } = acceptFiles(now, before);
        const claims = [...accepted.values()].flatMap(claimsOf).map(({ text }) => text);
        expect(new Set(claims).size).toBe(claims.length);
        for (const [file, made] of now) {
          const isTaken = made !== undefined && !conflicts.has(file);
          expect(accepted.get(file)).toEqual(isTaken ? made.content : before.get(file));
        }
        before = accepted;
      }
    }),
  );
});

test.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, string>>, string[], string[]]>([
  ["one after the other", { a: "", b: "a", c: "a,b" }, {}, ["a", "b", "c"], []],
  ["itself", { a: "a" }, {}, [], ["a: default/a-n after default/a-n"]],
  [
    "each other: neither is accepted",
    { a: "b", b: "a", c: "b" },
    {},
    ["c"],
    [
      "a: default/a-n after default/b-n after default/a-n",
      "b: default/b-n after default/a-n after default/b-n",
    ],
  ],
  [
    "what was accepted before stays as it was",
    { a: "b", b: "a" },
    { a: "b", b: "" },
    ["a", "b"],
    [
      "a: default/a-n after default/b-n after default/a-n",
      "b: default/b-n after default/a-n after default/b-n",
    ],
  ],
  ["who is not there, or another namespace's", { a: "none", b: "other/b" }, {}, ["a", "b"], []],
])("waiting for %s", (_, files, before, accepted, told) => {
  const evaluate = (all: Readonly<Record<string, string>>) =>
    new Map(
      Object.entries(all).map(([name, after]) => {
        const text = minimalPod(`${name}\n  annotations: {gantry.io/after: "${after}"}`);
        return [name, validateFile(name, text, { ...options, nodeName: "n" })];
      }),
    );
  const kept = new Map([...evaluate(before)].map(([name, { content }]) => [name, content]));
  const result = acceptFiles(evaluate(files), kept);
  expect([...result.accepted.keys()]).toEqual(accepted);
  const messages = Array.from(result.conflicts, ([name, [first]]) => `${name}: ${first?.message}`);
  expect(messages).toEqual(told.map((each) => each.replace(": ", ": waits for itself: ")));
  for (const [problem] of result.conflicts.values()) {
    expect(problem).toMatchObject({ code: "Conflict", line: 5, column: 34 });
  }
});
