// Manifests as people write them: all are accepted.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { acceptFiles } from "../../src/manifest/acceptance.ts";
import { validateFile } from "../../src/manifest/validate-file.ts";
import { formatProblem } from "../../src/pod/problem.ts";
import { options } from "./pod-manifest.ts";

const corpus = `${import.meta.dir}/corpus`;
const names = readdirSync(corpus);
const validated = new Map(
  names.map((name) => [name, validateFile(name, readFileSync(`${corpus}/${name}`, "utf8"), options)]),
);

test("there are at least 60", () => {
  expect(names.length).toBeGreaterThanOrEqual(60);
});

test.each(names)("%s", (name) => {
  const made = validated.get(name);
  expect(made?.problems.map(formatProblem)).toEqual([]);
  expect(made?.content.pods).toHaveLength(1);
});

const life = `${import.meta.dir}/life-corpus`;

test.each(readdirSync(life))("with probes, hooks and init containers: %s", (name) => {
  const { content, problems, notes } = validateFile(name, readFileSync(`${life}/${name}`, "utf8"), options);
  expect([...problems.map(formatProblem), ...notes]).toEqual([]);
  expect(content.pods).toHaveLength(1);
});

test("what two of them both ask of the machine is told", () => {
  const { conflicts } = acceptFiles(validated, new Map());
  const told = Array.from(conflicts, ([name, problems]) => [name, problems.map(({ message }) => message)]);
  expect(Object.fromEntries(told)).toEqual({
    "caddy.yaml": ["host port 80/TCP is also in nginx.yaml"],
    "coredns.yaml": ["host port 53/UDP is also in pihole.yaml"],
    "nginx.yaml": ["host port 80/TCP is also in caddy.yaml"],
    "pihole.yaml": ["host port 53/UDP is also in coredns.yaml"],
  });
});
