// `gantry exec` as a person uses it: with pipes, and at a real terminal.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { executable } from "./executable.ts";
import { Machine } from "./machine.ts";
import { call } from "./machine-cli.ts";
import { manifest } from "./manifest.ts";

let machine: Machine;

beforeAll(async () => {
  machine = await Machine.create();
  await machine.startAgent();
  const scripts = { main: "exec sleep 1000", side: "exec sleep 1000" };
  await machine.write("web.yaml", manifest("web", { image: machine.image, scripts }));
  await machine.write(
    "done.yaml",
    manifest("done", { image: machine.image, restartPolicy: "Never", scripts: { main: "exit 0" } }),
  );
  await machine.waitForReady("web");
});

afterAll(async () => machine[Symbol.asyncDispose]());

describe("without a terminal", () => {
  test("output, errors and the exit code are the command's", async () => {
    const script = "echo out; echo err >&2; exit 7";
    expect(await call(machine, ["exec", "web", "-c", "side", "--", "sh", "-c", script])).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  test("the first container is taken, and told", async () => {
    expect(await call(machine, ["exec", "pod/web-node", "--", "true"])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: 'Defaulted container "main" out of: main, side\n',
    });
    expect((await call(machine, ["exec", "-q", "web", "--", "true"])).stderr).toBe("");
  });

  test("standard input is passed on to its end, be it long", async () => {
    const stdin = "0123456789\n".repeat(200_000);
    const { stdout, exitCode } = await call(machine, ["exec", "-iq", "web", "--", "cat"], { stdin });
    expect(exitCode).toBe(0);
    expect(stdout === stdin).toBe(true);
  });

  test("without -i there is nothing to read", async () => {
    expect((await call(machine, ["exec", "-q", "web", "--", "cat"], { stdin: "x" })).stdout).toBe("");
  });

  test("of a command that a signal ended, as a shell has it", async () => {
    expect((await call(machine, ["exec", "-q", "web", "--", "sh", "-c", "kill -TERM $$"])).exitCode).toBe(
      143,
    );
  });

  test("options after -- are the command's", async () => {
    expect((await call(machine, ["exec", "-q", "web", "--", "echo", "-n", "-c", "--help"])).stdout).toBe(
      "-c --help",
    );
  });

  test.each([
    [
      ["nope", "--", "true"],
      1,
      'gantry: No pod "nope" in the namespace "default" (gantry get pods -A lists them, gantry manifests tells why one may not be there)\n',
    ],
    [
      ["web", "-c", "nope", "--", "true"],
      1,
      'gantry: No container "nope" in the pod "web-node", which has main, side\n',
    ],
    [["done", "--", "true"], 1, 'gantry: container "main" in the pod "done-node" does not run: Completed\n'],
    [["web"], 2, "gantry: exec: name a command after --, as in: gantry exec web -- ls /\n"],
  ])("%j is refused", async (argv, exitCode, stderr) => {
    await machine.waitForPod("done", "over", ({ status }) => status?.phase === "Succeeded");
    expect(await call(machine, ["exec", ...argv])).toEqual({ exitCode, stdout: "", stderr });
  });
});

describe("at a terminal", () => {
  async function terminal(...argv: readonly string[]) {
    let screen = "";
    const child = Bun.spawn([await executable(), "exec", "-it", "-q", "web", "--", ...argv], {
      env: { ...process.env, GANTRY_SERVER: `unix://${machine.socket}`, TERM: "xterm" },
      terminal: {
        cols: 97,
        rows: 31,
        data: (_terminal, bytes) => {
          screen += Buffer.from(bytes).toString();
        },
      },
    });
    const { terminal: pty } = child;
    if (pty === undefined) throw new Error("no terminal");
    const shows = (text: string) => waitUntil(`${text} on the screen`, () => screen.includes(text));
    return { child, pty, shows, screen: () => screen };
  }

  test("it has our size, and follows it", async () => {
    const { child, pty, shows } = await terminal("sh");
    await shows("# ");
    pty.write("stty size\n");
    await shows("31 97");
    pty.resize(60, 20);
    await waitUntil("the new size", async () => {
      pty.write("stty size\n");
      return shows("20 60").then(
        () => true,
        () => false,
      );
    });
    pty.write("exit 5\n");
    expect(await child.exited).toBe(5);
  });

  test("Ctrl-C reaches what runs in it, and not us", async () => {
    const { child, pty, shows } = await terminal("sh", "-c", "echo ready; sleep 1000");
    await shows("ready");
    pty.write("\x03");
    expect(await child.exited).toBe(130);
  });

  test("a shell goes on after Ctrl-C, and what is typed is shown once", async () => {
    const { child, pty, shows, screen } = await terminal("sh");
    await shows("# "); // before, what is typed is our own terminal's
    pty.write("sh -c 'echo up; exec sleep 1000'\n");
    await shows("\r\nup\r\n");
    pty.write("\x03");
    await waitUntil("its next prompt", () => /\^C[\s\S]*# /.test(screen()));
    pty.write("echo $((6 * 7)) is it\n");
    await shows("42 is it\r\n");
    expect(screen().split("echo $((6 * 7)) is it")).toHaveLength(2);
    expect(screen()).not.toContain("\r\r");
    pty.write("\x04");
    await child.exited;
  });

  test.each([
    ["the command ends", undefined],
    ["we are ended", "SIGTERM"],
  ] as const)("our terminal is as it was when %s", async (_when, signal) => {
    let screen = "";
    const script = `${await executable()} exec -it -q web -- sh -c 'echo up; sleep 1'; stty -a`;
    const child = Bun.spawn(["sh", "-c", script], {
      env: { ...process.env, GANTRY_SERVER: `unix://${machine.socket}` },
      terminal: {
        data: (_terminal, bytes) => {
          screen += Buffer.from(bytes).toString();
        },
      },
    });
    await waitUntil("the command", () => screen.includes("up"));
    if (signal) process.kill(Number(Bun.spawnSync(["pgrep", "-P", `${child.pid}`]).stdout), signal);
    await child.exited;
    await waitUntil("stty's answer", () => /\becho\b/.test(screen));
    expect(screen).toMatch(/[^-]\bicanon\b/);
    expect(screen).toMatch(/[^-]\bopost\b/);
    expect(screen).toMatch(/[^-]\becho\b/);
  });

  test("-t without a terminal of our own is no terminal there either", async () => {
    const { stdout, stderr, exitCode } = await call(
      machine,
      ["exec", "-it", "web", "--", "sh", "-c", "test -t 0 || echo none"],
      {
        stdin: "",
      },
    );
    expect({ stdout, exitCode }).toEqual({ stdout: "none\n", exitCode: 0 });
    expect(stderr).toContain("Unable to use a TTY");
  });
});
