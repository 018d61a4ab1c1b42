import { describe, expect, test } from "bun:test";
import { CommandError, type CommandOptions, runCommand } from "../../src/host/command.ts";
import { waitUntil } from "../wait-until.ts";

const sh = (script: string, options: Partial<CommandOptions> = {}) =>
  runCommand(["/bin/sh", "-c", script], { timeoutMs: 10_000, ...options });

async function failureOf(promise: Promise<unknown>): Promise<CommandError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CommandError) return error;
  throw new Error(`no CommandError but ${error}`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("runCommand", () => {
  test("returns what the program prints, to the last newline", async () => {
    expect(await sh("echo out; echo err >&2")).toEqual({ stdout: "out\n", stderr: "err\n" });
  });

  test("gives input, which is empty unless told, and adds to the environment", async () => {
    expect((await sh("cat; echo $A", { input: "in ", env: { A: "a" } })).stdout).toBe("in a\n");
    expect((await sh("cat; echo $HOME")).stdout).toBe(`${process.env.HOME ?? ""}\n`);
  });

  test("tells an exit code, and the end of stderr", async () => {
    const error = await failureOf(sh("echo out; for i in 1 2 3 4; do echo line $i >&2; done; exit 3"));
    expect(error).toMatchObject({ exitCode: 3, signal: undefined, isTimeout: false, isCanceled: false });
    expect(error).toMatchObject({ stdout: "out\n", message: "exit code 3: line 2; line 3; line 4" });
  });

  test("tells a signal", async () => {
    const error = await failureOf(sh("kill -9 $$"));
    expect(error).toMatchObject({ exitCode: undefined, signal: "SIGKILL", message: "sh: SIGKILL" });
  });

  test("tells that there is no such program, or that it cannot be run", async () => {
    const missing = await failureOf(runCommand(["/no/such"], { timeoutMs: 1000 }));
    expect(missing).toMatchObject({ isNotFound: true, message: "/no/such: no such program" });
    const noProgram = await failureOf(runCommand(["/etc/passwd"], { timeoutMs: 1000 }));
    expect(noProgram).toMatchObject({ isNotFound: false, message: "passwd: could not be run" });
  });

  test("ends what does not end in time", async () => {
    const error = await failureOf(sh("exec sleep 1000", { timeoutMs: 100 }));
    expect(error).toMatchObject({ isTimeout: true, message: "sh: did not end in time" });
  });

  test("ends what is canceled, and starts nothing that already is", async () => {
    const cancel = new AbortController();
    const running = failureOf(sh("exec sleep 1000", { signal: cancel.signal }));
    cancel.abort();
    expect(await running).toMatchObject({ isCanceled: true, message: "sh: canceled" });
    expect(await failureOf(sh("exec sleep 1000", { signal: cancel.signal }))).toMatchObject({
      isCanceled: true,
    });
  });

  test("more output than asked for is an error", async () => {
    expect(await failureOf(sh("yes", { maxBytes: 1000 }))).toBeInstanceOf(CommandError);
  });

  test.each([
    ["its program waits for it", "sleep 1000 & echo $!; wait"],
    ["its program is gone", "sleep 1000 & echo $!"],
    ["it ignores SIGTERM", 'trap "" TERM; sleep 1000 & echo $!; wait'],
  ])(
    "regression: a grandchild that held the pipe outlived the deadline, also where %s",
    async (_, script) => {
      const error = await failureOf(sh(script, { timeoutMs: 200 }));
      expect(error.isTimeout).toBe(true);
      await waitUntil("the grandchild to end", () => !isAlive(Number(error.stdout)));
    },
  );
});
