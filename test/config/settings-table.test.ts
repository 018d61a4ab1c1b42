// README.md says what the table of settings says.

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { settingsTable } from "../../src/config/settings-table.ts";

const readme = `${import.meta.dir}/../../README.md`;
const section = /(?<=<!-- settings -->\n).*?(?=<!-- \/settings -->)/s;

test("the README's settings are the agent's (UPDATE_GOLDEN=1 rewrites them)", () => {
  const table = `\n${settingsTable()}\n`;
  const text = readFileSync(readme, "utf8");
  if (process.env.UPDATE_GOLDEN === "1")
    writeFileSync(
      readme,
      text.replace(section, () => table),
    );
  expect(readFileSync(readme, "utf8").match(section)?.[0]).toBe(table);
});
