// 20,000 manifests that once were good, in all (`TEST_FUZZ=20000`; a tenth of that without). Each gives Pods or Problems, never an
// exception, within 100 ms and 64 MiB. The seed is printed when it fails; `TEST_SEED` takes it.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { validateFile } from "../../src/manifest/validate-file.ts";
import { mutate, Random } from "./mutate.ts";
import { options } from "./pod-manifest.ts";

const runs = Number(process.env.TEST_FUZZ ?? 2000);
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const mostMs = 100;
const mostBytes = 64 * 1024 * 1024;

const texts = (folder: string) =>
  readdirSync(`${import.meta.dir}/${folder}`).map((name) =>
    readFileSync(`${import.meta.dir}/${folder}/${name}`, "utf8"),
  );
const good = [...texts("corpus"), ...texts("fixtures/good")];
const donors = [...good, ...texts("fixtures/bad")];

/** A machine that does other things too makes one try slow, but not three. */
function elapsedMs(text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 3 && least > mostMs; tries++) {
    const before = performance.now();
    validateFile("/m/x.yaml", text, options);
    least = Math.min(least, performance.now() - before);
  }
  return least;
}

test(`${runs} mutated manifests, seed ${seed}`, () => {
  const random = new Random(seed);
  let accepted = 0;
  for (let run = 0; run < runs; run++) {
    const text = mutate(random.pick(good), random, donors);
    try {
      const bytesBefore = process.memoryUsage.rss();
      expect(elapsedMs(text)).toBeLessThan(mostMs);
      expect(process.memoryUsage.rss() - bytesBefore).toBeLessThan(mostBytes);
      const { content, problems } = validateFile("/m/x.yaml", text, options);
      const held = content.pods.length + content.configMaps.length + content.secrets.length;
      expect(held === 0 || problems.length === 0).toBe(true);
      for (const { line, column } of problems) expect(line > 0 === column > 0).toBe(true);
      if (held > 0) accepted += 1;
    } catch (error) {
      throw new Error(`seed ${seed}, run ${run}:\n${text}`, { cause: error });
    }
  }
  // Mutations that break everything would try nothing but the parser.
  expect(accepted).toBeGreaterThan(runs / 50);
}, 300_000);
