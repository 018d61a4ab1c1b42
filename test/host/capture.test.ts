// Real programs: how they end, what they leave, and what is left of them.

import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { type CaptureOptions, captureCommand } from "../../src/host/capture.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const options: CaptureOptions = { timeoutMs: 10_000, signal: new AbortController().signal, maxBytes: 100 };

const capture = (script: string, change: Partial<CaptureOptions> = {}) =>
  captureCommand(["/bin/sh", "-c", script], { ...options, ...change });

/** A zombie does not run: it has no command line. */
const isRunning = (pid: number) =>
  readFile(`/proc/${pid}/cmdline`, "utf8").then(
    (text) => text !== "",
    () => false,
  );

describe("the end is told as it was:", () => {
  const cases: [what: string, script: string, exitCode: number][] = [
    ["success", "true", 0],
    ["an exit code", "exit 7", 7],
    ["a signal", "kill -9 $$", 137],
    ["another signal", "kill -TERM $$", 143],
  ];
  test.each(cases)("%s", async (_what, script, exitCode) => {
    expect(await capture(script)).toEqual({ exitCode, stdout: "", stderr: "" });
  });
});

test("both outputs are kept, whatever the exit code", async () => {
  expect(await capture("echo out; echo err >&2; exit 3")).toEqual({
    exitCode: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
});

test("what is beyond the limit is dropped, and the program is not held up by it", async () => {
  const { exitCode, stdout } = await capture("head -c 1000000 /dev/zero | tr '\\0' x; exit 5");
  expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: "x".repeat(100) });
});

test("at the deadline it is killed, with what it has started and also if it ignores SIGTERM", async () => {
  const script = "trap '' TERM; sleep 1000 & echo $$ $!; wait";
  const { exitCode, stdout } = await capture(script, { timeoutMs: 300 });
  const pids = stdout.trim().split(" ").map(Number);
  expect({ exitCode, count: pids.length }).toEqual({ exitCode: undefined, count: 2 });
  for (const pid of pids) await waitUntil("it to be gone", async () => !(await isRunning(pid)));
});

test("a gentler signal is followed by SIGKILL", async () => {
  const script = "trap 'echo asked' TERM; echo begun; while :; do sleep 0.1; done";
  expect(await capture(script, { timeoutMs: 300, killSignal: "SIGTERM" })).toMatchObject({
    exitCode: undefined,
    stdout: "begun\nasked\n",
  });
});

test("what goes on in the background does not keep its answer back", async () => {
  const { exitCode, stdout } = await capture("sleep 1000 & echo $!; exit 4");
  expect(exitCode).toBe(4);
  expect(await isRunning(Number(stdout))).toBe(true);
  process.kill(Number(stdout), "SIGKILL");
});

test("canceled, it is killed and throws the reason", async () => {
  await using dir = await tempDir();
  const cancel = new AbortController();
  const captured = capture(`echo $$ >${dir.path}/pid; exec sleep 1000`, { signal: cancel.signal });
  const pid = await waitUntil(
    "it to run",
    async () => Number(await readFile(`${dir.path}/pid`, "utf8").catch(() => "")) || undefined,
  );
  cancel.abort(new Error("not wanted any more"));
  await expect(captured).rejects.toThrow("not wanted any more");
  await waitUntil("it to be gone", async () => !(await isRunning(pid)));
});

test("a program that is not there throws", () => {
  return expect(captureCommand(["/nonexistent"], options)).rejects.toThrow("ENOENT");
});
