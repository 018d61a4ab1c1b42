// README.md says what the schema says.

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { supportMatrix } from "../../src/manifest/support-matrix.ts";

const readme = `${import.meta.dir}/../../README.md`;
const section = /(?<=<!-- support matrix -->\n).*?(?=<!-- \/support matrix -->)/s;

test("the README's support matrix is the schema's (UPDATE_GOLDEN=1 rewrites it)", () => {
  const matrix = `\n${supportMatrix()}\n`;
  const text = readFileSync(readme, "utf8");
  if (process.env.UPDATE_GOLDEN === "1")
    writeFileSync(
      readme,
      text.replace(section, () => matrix),
    );
  expect(readFileSync(readme, "utf8").match(section)?.[0]).toBe(matrix);
});
