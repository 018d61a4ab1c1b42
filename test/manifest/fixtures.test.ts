// One file a rule: what is wrong with it, and where, stands in its first lines.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { validateFile } from "../../src/manifest/validate-file.ts";
import { formatProblem } from "../../src/pod/problem.ts";
import { options } from "./pod-manifest.ts";

const fixtures = `${import.meta.dir}/fixtures`;

describe("bad", () => {
  test.each(readdirSync(`${fixtures}/bad`))("%s", (name) => {
    const text = readFileSync(`${fixtures}/bad/${name}`, "utf8");
    const expected = Array.from(text.matchAll(/^# expect: (.*)$/gm), ([, line = ""]) => line);
    const { content, problems } = validateFile(name, text, options);
    const found = problems.map((problem) => formatProblem(problem).slice(name.length + 1));
    expect(found).toEqual(expected);
    expect(expected).not.toEqual([]);
    expect(content).toEqual({ pods: [], configMaps: [], secrets: [] });
  });
});

describe("good", () => {
  test.each(readdirSync(`${fixtures}/good`))("%s", (name) => {
    const text = readFileSync(`${fixtures}/good/${name}`, "utf8");
    const { content, problems } = validateFile(name, text, options);
    expect(problems).toEqual([]);
    const golden = `${fixtures}/golden/${name}.json`;
    const actual = `${JSON.stringify(content, shown, 2)}\n`;
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(golden, actual);
    expect(actual).toBe(readFileSync(golden, "utf8"));
  });
});

/** Maps by their keys, bytes as text. */
function shown(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  return value instanceof Map ? Object.fromEntries(value) : value;
}
