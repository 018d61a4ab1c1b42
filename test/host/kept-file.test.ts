import { expect, test } from "bun:test";
import { rm, stat, writeFile } from "node:fs/promises";
import { KeptFile } from "../../src/host/kept-file.ts";
import type { Log } from "../../src/host/log.ts";
import { tempDir } from "../temp-dir.ts";

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

test("gives back what was kept last, to root alone", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/kept.json`;
  const file = new KeptFile<readonly string[]>(path, silent);
  expect(await file.recall()).toBeUndefined();
  file.keep([]);
  file.keep(["one", "two"]);
  await file.flush();
  expect(await new KeptFile(path, silent).recall()).toEqual(["one", "two"]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("is not written while nothing changes", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/kept.json`;
  const file = new KeptFile<object>(path, silent);
  file.keep({ one: 1 });
  await file.flush();
  await rm(path);
  file.keep({ one: 1 });
  await file.flush();
  expect(await Bun.file(path).exists()).toBe(false);
});

test("what is no such file says nothing", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/kept.json`;
  for (const text of ["", "{", '{"format":0,"value":[1]}']) {
    await writeFile(path, text);
    expect(await new KeptFile(path, silent).recall()).toBeUndefined();
  }
});

test("that it cannot be written is told, and the next time it is tried", async () => {
  await using dir = await tempDir();
  const told: string[] = [];
  const file = new KeptFile(`${dir.path}/none/kept.json`, { ...silent, warn: (text) => told.push(text) });
  file.keep(1);
  await file.flush();
  file.keep(2);
  await file.flush();
  expect(told).toEqual(Array(2).fill("cannot keep what the next agent is to know"));
});
