// tcpSocket and exec, and what is the same for all.

import { describe, expect, test } from "bun:test";
import type { Entered } from "../../src/probe/exec.ts";
import { checkOnce, uuid } from "./check-once.ts";

const success = { kind: "success" } as const;

describe("tcpSocket", () => {
  const tcp = (port: number, host = "") => ({ kind: "tcpSocket", host, port }) as const;

  test("succeeds where somebody listens, and says nothing there", async () => {
    const closed = Promise.withResolvers<number>();
    let bytes = 0;
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data: (_socket, chunk) => {
          bytes += chunk.length;
        },
        close: () => closed.resolve(bytes),
      },
    });
    expect(await checkOnce(tcp(server.port))).toEqual(success);
    expect(await closed.promise).toBe(0);
    expect(await checkOnce(tcp(server.port, "localhost"), { address: "192.0.2.1" })).toEqual(success);
  });

  test("fails where nobody listens", async () => {
    expect(await checkOnce(tcp(1))).toEqual({
      kind: "failure",
      message: "dial tcp 127.0.0.1:1: connect: connection refused",
    });
    expect(await checkOnce(tcp(1), { address: "::1" })).toEqual({
      kind: "failure",
      message: "dial tcp [::1]:1: connect: connection refused",
    });
  });

  test("fails where the host has no address", async () => {
    // What has no name server cannot know that there is no such host.
    expect(await checkOnce(tcp(80, "nowhere.invalid"))).toEqual({
      kind: "failure",
      message: expect.stringMatching(
        /^dial tcp nowhere\.invalid:80: (no such host|temporary failure in name resolution)$/,
      ),
    });
  });

  test("asks nobody where the pod has no address", async () => {
    expect(await checkOnce(tcp(80, ""), { address: "" })).toEqual({
      kind: "failure",
      message: "dial tcp: the pod has no address",
    });
    expect(await checkOnce({ kind: "grpc", port: 80, service: "" }, { address: "" })).toEqual({
      kind: "failure",
      message: "dial tcp: the pod has no address",
    });
  });

  test("gives up at the deadline, and closes what opens later", async () => {
    await using full = await fullListener();
    expect(await checkOnce(tcp(full.port), { timeoutMs: 200 })).toEqual({
      kind: "failure",
      message: `dial tcp 127.0.0.1:${full.port}: i/o timeout`,
    });
    expect(await full.acceptLast()).toBe("closed");
  });
});

/** Listens, but takes no more: what connects is neither accepted nor refused, until it is told to accept. */
async function fullListener() {
  const script = `
import os, socket, sys
tell = lambda text: os.write(1, text.encode())
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(0)
held = socket.create_connection(server.getsockname())
tell(str(server.getsockname()[1]))
sys.stdin.readline(); server.accept(); last, _ = server.accept()
try: tell("closed" if last.recv(1) == b"" else "data")
except ConnectionResetError: tell("closed")`;
  const child = Bun.spawn(["python3", "-c", script], { stdin: "pipe", stdout: "pipe" });
  const reader = child.stdout.getReader();
  const told = async () => new TextDecoder().decode((await reader.read()).value);
  return {
    port: Number(await told()),
    acceptLast() {
      child.stdin.write("\n");
      child.stdin.flush();
      return told();
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

describe("exec", () => {
  const exec = { kind: "exec", command: ["cat", "/ready"] } as const;
  const answers: [what: string, entered: Entered, result: object][] = [
    ["exit code 0", { exitCode: 0, output: "fine" }, success],
    [
      "another exit code",
      { exitCode: 3, output: "cat: no such file" },
      { kind: "failure", message: "cat: no such file" },
    ],
    [
      "the deadline",
      { exitCode: undefined, output: "" },
      { kind: "failure", message: 'command "cat /ready" timed out' },
    ],
  ];
  test.each(answers)("%s", async (_what, entered, result) => {
    expect<object>(await checkOnce(exec, { enter: async () => entered })).toEqual(result);
  });

  test("is entered as the handler says", async () => {
    const entered: unknown[] = [];
    await checkOnce(exec, {
      timeoutMs: 1234,
      enter: async (...[id, app, command, { timeoutMs }]) => {
        entered.push(id, app, command, timeoutMs);
        return { exitCode: 0, output: "" };
      },
    });
    expect(entered).toEqual([uuid, "web", ["cat", "/ready"], 1234]);
  });

  test("is tried three times where it could not be run, and then says nothing of the container", async () => {
    let tries = 0;
    const enter = async () => {
      tries++;
      throw new Error("rkt cannot enter", { cause: new Error("not running") });
    };
    expect(await checkOnce(exec, { enter })).toEqual({
      kind: "error",
      message: "rkt cannot enter: not running",
    });
    expect(tries).toBe(3);
  });

  test("that could not be run once is as good as ever", async () => {
    let tries = 0;
    const enter = async () => {
      if (++tries < 3) throw new Error("busy");
      return { exitCode: 0, output: "" };
    };
    expect(await checkOnce(exec, { enter })).toEqual(success);
  });

  test("canceled, throws the reason", async () => {
    const signal = AbortSignal.abort(new Error("not wanted any more"));
    const enter = async () => {
      throw new Error("killed");
    };
    await expect(checkOnce(exec, { enter, signal })).rejects.toThrow("not wanted any more");
  });
});
