import { expect, test } from "bun:test";
import { exampleConfig } from "../../src/cli/example-config.ts";
import { decodeConfigFile } from "../../src/config/config-file.ts";
import { allSettings } from "../../src/config/settings.ts";

test("all of it is a comment", () => {
  expect(decodeConfigFile("/config.yaml", exampleConfig())).toEqual({ given: new Map(), problems: [] });
});

test("without its first column it is the defaults, and names every setting", () => {
  const text = exampleConfig().replaceAll(/^#/gm, "");
  const { given, problems } = decodeConfigFile("/config.yaml", text);
  expect(problems).toEqual([]);
  for (const { key, fallback } of allSettings) {
    const [name = "", group = ""] = key.split(".").reverse();
    expect(text).toMatch(new RegExp(`^${group === "" ? "" : " {2}"}${name}:`, "m"));
    const value = given.get(key)?.value;
    if (value !== undefined) expect([key, value]).toEqual([key, fallback as string]);
  }
});
