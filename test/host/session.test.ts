import { describe, expect, test } from "bun:test";
import { type Session, startSession } from "../../src/host/session.ts";
import { waitUntil } from "../wait-until.ts";

const env = { PATH: process.env.PATH, TERM: "xterm" };

function pipes(script: string, hasInput = false): Session {
  return startSession(["sh", "-c", script], { env, hasInput, isTerminal: false });
}

function terminal(script: string): Session {
  return startSession(["sh", "-c", script], { env, hasInput: true, isTerminal: true });
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("by pipes", () => {
  test("output, errors and the exit code are apart", async () => {
    const session = pipes("echo out; echo err >&2; exit 7");
    expect(await Promise.all([all(session.output), all(session.errors), session.exitCode])).toEqual([
      "out\n",
      "err\n",
      7,
    ]);
  });

  test("a signal is 128 and its number", async () => {
    expect(await pipes("kill -TERM $$").exitCode).toBe(143);
  });

  test("input goes in, whole, and has an end", async () => {
    const session = pipes("wc -c", true);
    for (let n = 0; n < 100; n++) await session.write(new Uint8Array(100_000));
    session.endInput();
    expect((await all(session.output)).trim()).toBe("10000000");
  });

  test("without input it reads the end at once", async () => {
    expect(await all(pipes("wc -c").output)).toBe("0\n");
  });

  test("who writes waits for who reads", async () => {
    const session = pipes("read go; exec sleep 1000", true);
    let written = 0;
    const writing = (async () => {
      for (; written < 1000; written++) await session.write(new Uint8Array(65_536));
    })();
    let before = -1;
    await waitUntil("it to stand still", () => {
      const isStill = before === written;
      before = written;
      return isStill;
    });
    expect(written).toBeLessThan(50);
    session.kill();
    expect(await session.exitCode).toBe(143);
    await writing; // nobody reads: what is left is given up
  });

  test("input of a program that has closed it is given up", async () => {
    const session = pipes("exec <&-; echo closed; sleep 0.2", true);
    for (let n = 0; n < 10; n++) await session.write(new Uint8Array(65_536));
    expect(await all(session.output)).toBe("closed\n");
  });

  test("what nobody reads holds it back, and nothing of it is lost", async () => {
    const session = pipes("head -c 20000000 /dev/zero; echo end >&2");
    const before = process.memoryUsage().rss;
    const reader = session.output[Symbol.asyncIterator]();
    let bytes = (await reader.next()).value?.length ?? 0;
    expect(await Promise.race([session.exitCode, Bun.sleep(300).then(() => "held")])).toBe("held");
    expect(process.memoryUsage().rss - before).toBeLessThan(10_000_000);
    for (let one = await reader.next(); !one.done; one = await reader.next()) bytes += one.value.length;
    expect(bytes).toBe(20_000_000);
    expect(await all(session.errors)).toBe("end\n");
  });

  test("a child that is left behind and holds the output keeps nobody waiting", async () => {
    const session = pipes("sleep 1000 & echo $!");
    const pid = Number(await all(session.output));
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });

  test("it is killed with what it has started", async () => {
    const session = pipes("trap '' TERM; sleep 1000 & echo $!; kill -STOP $!; wait");
    const first = await session.output[Symbol.asyncIterator]().next();
    const pid = Number(Buffer.from(first.value ?? []).toString());
    session.kill();
    await waitUntil("it to end", () => !isRunning(pid), 10_000);
  }, 15_000);

  test("a program that is not there throws", () => {
    expect(() => startSession(["/no/such"], { env, hasInput: false, isTerminal: false })).toThrow();
  });
});

describe("by a terminal", () => {
  test("it is one, of the size that is told", async () => {
    const session = terminal("test -t 0 && test -t 1 && test -t 2 && read line && stty size");
    session.resize(132, 43);
    await session.write(Buffer.from("go\r"));
    expect(await all(session.output)).toBe("go\r\n43 132\r\n");
    expect(await session.exitCode).toBe(0);
  });

  test("regression: one that had ended before we looked at its terminal could not be started", async () => {
    for (let round = 0; round < 30; round++) {
      const session = startSession(["/bin/echo", "x"], { env, hasInput: false, isTerminal: true });
      expect(await all(session.output)).toBe("x\r\n");
      expect(await session.exitCode).toBe(0);
    }
  });

  test("a change of its size is a signal", async () => {
    const session = terminal("trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done");
    const reader = session.output[Symbol.asyncIterator]();
    expect(Buffer.from((await reader.next()).value ?? []).toString()).toBe("ready\r\n");
    session.resize(50, 20);
    expect(Buffer.from((await reader.next()).value ?? []).toString()).toBe("20 50\r\n");
    expect(await session.exitCode).toBe(3);
  });

  test("control-C ends what runs in it", async () => {
    const session = terminal("echo ready; exec sleep 1000");
    const output = session.output[Symbol.asyncIterator]();
    await output.next();
    await session.write(Buffer.from("\x03"));
    expect(await session.exitCode).toBe(130);
  });

  test("the end of the input is control-D", async () => {
    const session = terminal("cat");
    await session.write(Buffer.from("line\r"));
    session.endInput();
    expect(await all(session.output)).toBe("line\r\nline\r\n");
  });

  test("what nobody reads holds it back, and nothing of it is lost", async () => {
    const session = terminal("stty -opost; seq 1 1000000");
    const output = session.output[Symbol.asyncIterator]();
    const first = Buffer.from((await output.next()).value ?? []);
    const before = process.memoryUsage().rss;
    expect(await Promise.race([session.exitCode, Bun.sleep(300).then(() => "held")])).toBe("held");
    expect(process.memoryUsage().rss - before).toBeLessThan(10_000_000);
    const rest = [];
    for (let one = await output.next(); !one.done; one = await output.next())
      rest.push(Buffer.from(one.value));
    const lines = Buffer.concat([first, ...rest])
      .toString()
      .split("\n");
    expect(lines.findIndex((line, at) => line !== String(at + 1))).toBe(1_000_000);
  });

  test("it is hung up when it is killed, also while it is held back", async () => {
    const session = terminal("yes");
    await session.output[Symbol.asyncIterator]().next();
    session.kill();
    expect(await session.exitCode).toBe(129);
  });
});
