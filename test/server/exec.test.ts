// Commands over real sockets: a raw client that knows the RFC, Bun's own WebSocket, and curl.

import { afterAll, describe, expect, test } from "bun:test";
import { startSession } from "../../src/host/session.ts";
import type { ContainerCommand, RunningCommand } from "../../src/pod/container-command.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { curl, curled, listenAt, rawClient, statusOf } from "./at-socket.ts";
import { clientFrame, upgradeHead } from "./client-frame.ts";
import { checkBody } from "./description.ts";
import { RawWebSocket } from "./raw-web-socket.ts";
import { testApp, type World } from "./test-app.ts";

const dir = await tempDir();
const address = `unix://${dir.path}/exec.sock`;
const path = "/exec/default/web-edge/app";
const asked: ContainerCommand[] = [];
const commands: RunningCommand[] = [];
/** Runs what is asked for here, on this machine. */
const command: World["command"] = (wanted) => {
  asked.push(wanted);
  const { argv, hasInput, isTerminal } = wanted;
  const started = startSession(argv, {
    env: { PATH: process.env.PATH, TERM: "xterm" },
    hasInput,
    isTerminal,
  });
  commands.push(started);
  return { kind: "started", command: started };
};
const { app, world } = testApp({ command });
const listener = await listenAt(app, address);
afterAll(async () => {
  await listener[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

const words = (...argv: string[]) => argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");
const sh = (script: string) => words("sh", "-c", script);

const isRunning = (pid: number) => Bun.spawnSync(["kill", "-0", String(pid)]).exitCode === 0;

describe("as a WebSocket", () => {
  test("the streams have their channels, and the exit code comes last", async () => {
    const client = new RawWebSocket(
      address,
      `${path}?${sh("echo out; echo err >&2; exit 7")}&output=1&error=1`,
    );
    await client.closed;
    const head = client.raw;
    expect(head).toStartWith("HTTP/1.1 101 Switching Protocols\r\n");
    expect(head).toContain("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    expect(head).toContain("\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n");
    expect(client.messages[0]).toEqual({ channel: 1, bytes: Buffer.alloc(0) });
    expect([client.textOn(1), client.textOn(2)]).toEqual(["out\n", "err\n"]);
    expect(client.messages.at(-1)?.channel).toBe(3);
    expect(JSON.parse(client.textOn(3))).toEqual({
      metadata: {},
      status: "Failure",
      message: "command terminated with non-zero exit code: exit status 7",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "7" }] },
    });
    expect(asked.at(-1)).toMatchObject({
      namespace: "default",
      name: "web-edge",
      container: "app",
      hasInput: false,
    });
  });

  test("success is a Status too; only the streams that are asked for come", async () => {
    const client = new RawWebSocket(address, `${path}?${sh("echo out; echo err >&2")}&stderr=true`);
    await client.closed;
    expect([client.textOn(1), client.textOn(2)]).toEqual(["", "err\n"]);
    expect(JSON.parse(client.textOn(3))).toEqual({ metadata: {}, status: "Success" });
  });

  test("input goes in, and with v5 it has an end", async () => {
    const client = new RawWebSocket(address, `${path}?${words("cat")}&stdin=true&stdout=true`);
    client.send(0, "one ");
    client.socket.write(clientFrame(2, Buffer.from([0, 116, 119]), { isFinal: false }));
    client.socket.write(clientFrame(0, "o"));
    client.socket.write(clientFrame(2, Buffer.of(255, 0)));
    await client.closed;
    expect(client.textOn(1)).toBe("one two");
    expect(JSON.parse(client.textOn(3)).status).toBe("Success");
  });

  test("what the client does not read holds the command back, and none of it is lost", async () => {
    const client = new RawWebSocket(address, `${path}?${sh("head -c 20000000 /dev/zero; echo end >&2")}`);
    client.socket.pause();
    await waitUntil("the command", () => asked.at(-1)?.argv[2]?.includes("20000000") === true);
    const ended = commands.at(-1)?.exitCode;
    const before = process.memoryUsage().rss;
    expect(await Promise.race([ended, Bun.sleep(300).then(() => "held")])).toBe("held");
    expect(process.memoryUsage().rss - before).toBeLessThan(20_000_000);
    client.socket.resume();
    await client.closed;
    expect(client.textOn(1).length).toBe(20_000_000);
    expect(client.textOn(2)).toBe("end\n");
  });

  test("what the command does not read holds the client back", async () => {
    const client = new RawWebSocket(address, `${path}?${words("sleep", "1000")}&input=1&output=1`);
    const part = clientFrame(2, Buffer.alloc(65_536));
    const before = process.memoryUsage().rss;
    let written = 0;
    const write = () => {
      while (written < 2000 && client.socket.write(part)) written++;
    };
    client.socket.on("drain", write);
    write();
    let last = -1;
    await waitUntil("it to stand still", async () => {
      const isStill = last === written;
      last = written;
      await Bun.sleep(50);
      return isStill;
    });
    expect(written).toBeLessThan(200);
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000);
    client.socket.destroy(); // seen by the next ping
    expect(await commands.at(-1)?.exitCode).toBe(143);
  });

  test("a client that leaves ends the command, and what that has started", async () => {
    const client = new RawWebSocket(address, `${path}?${sh("sleep 1000 & echo $!; wait")}`);
    const pid = await waitUntil("the process", () => Number(client.textOn(1)) || undefined);
    expect(isRunning(pid)).toBe(true);
    client.socket.destroy();
    await waitUntil("it to end", () => !isRunning(pid));
  });

  test("so does one that closes, and it is answered", async () => {
    const client = new RawWebSocket(address, `${path}?${words("sleep", "1000")}`);
    await waitUntil("the start", () => client.messages.length > 0);
    client.socket.write(clientFrame(8, Buffer.of(3, 232)));
    await client.closed;
    expect(client.raw).toEndWith("\x88\x02\x03\xe8");
    expect(await commands.at(-1)?.exitCode).toBe(143);
  });

  test("a ping is answered, and what breaks the protocol ends the command", async () => {
    const client = new RawWebSocket(address, `${path}?${words("sleep", "1000")}&input=1`);
    client.socket.write(clientFrame(9, "are you there"));
    await waitUntil("the pong", () => client.raw.includes("\x8a\x0dare you there"));
    client.socket.write(Buffer.of(0x82, 1, 65));
    await client.closed;
    expect(client.raw).toContain("\x03\xeaa client's frame is not masked");
    expect(await commands.at(-1)?.exitCode).toBe(143);
  });

  test("with a terminal: its size, control-C, one stream", async () => {
    const script = "stty size; trap 'stty size' WINCH; echo err >&2; while :; do sleep 0.05; done";
    const client = new RawWebSocket(address, `${path}?${sh(script)}&input=1&output=1&tty=1`);
    await waitUntil("the first size", () => client.textOn(1).endsWith("err\r\n"));
    client.send(4, '{"Width":132,"Height":43}\n');
    await waitUntil("the second", () => client.textOn(1).includes("43 132\r\n"));
    client.send(0, "\x03");
    await client.closed;
    expect(client.textOn(2)).toBe("");
    expect(JSON.parse(client.textOn(3)).details.causes[0].message).toBe("130");
  });

  test("Bun's own client speaks it, with POST a raw one too", async () => {
    const socket = new WebSocket(`ws+unix://${dir.path}/exec.sock:${path}?${words("echo", "hello")}`, [
      "v4.channel.k8s.io",
    ]);
    socket.binaryType = "arraybuffer";
    const parts: Buffer[] = [];
    const { promise, resolve } = Promise.withResolvers<number>();
    socket.onmessage = ({ data }) => void parts.push(Buffer.from(data as ArrayBuffer));
    socket.onclose = ({ code }) => resolve(code);
    expect(await promise).toBe(1000);
    expect(socket.protocol).toBe("v4.channel.k8s.io");
    expect(parts.map((part) => part.toString("latin1"))).toEqual([
      "\x01",
      "\x01hello\n",
      '\x03{"metadata":{},"status":"Success"}',
    ]);
    const client = new RawWebSocket(
      address,
      `${path}?${words("echo", "hello")}`,
      "v4.channel.k8s.io",
      "POST",
    );
    await client.closed;
    expect(client.textOn(1)).toBe("hello\n");
  });

  test("it is not begun by a request that cannot be", async () => {
    const count = asked.length;
    const refused = async (head: string) => {
      const client = rawClient(address, head);
      await client.closed;
      return client.text().slice(9, 12);
    };
    const target = `${path}?${words("id")}`;
    expect(await refused(upgradeHead(target).replace("Version: 13", "Version: 8"))).toBe("426");
    expect(await refused(upgradeHead(target, "chat"))).toBe("400");
    expect(await refused(upgradeHead(target).replace("dGhl", "????"))).toBe("400");
    expect(await refused(upgradeHead(path))).toBe("400");
    expect(await refused(upgradeHead(`${target}&comand=x`))).toBe("400");
    expect(await statusOf(address, target)).toBe(426); // GET without upgrade
    expect(await statusOf(address, target, "-I")).toBe(426);
    expect(asked).toHaveLength(count);
  });
});

describe("for scripts", () => {
  test("the output is the answer, the exit code its trailer", async () => {
    const head = `${dir.path}/head`;
    expect(await curled(address, `${path}?${sh("echo out; exit 3")}`, "-X", "POST", "-D", head)).toBe(
      "out\n",
    );
    expect(await Bun.file(head).text()).toMatch(/\r\nx-exit-code: 3\r\n/i);
  });

  test("it comes as it is written", async () => {
    const child = curl(address, `${path}?${sh("echo first; sleep 1000")}`, "-X", "POST");
    expect(new TextDecoder().decode((await child.stdout.getReader().read()).value)).toBe("first\n");
    child.kill("SIGKILL");
    expect(await commands.at(-1)?.exitCode).toBe(143);
  });

  test("the body is the input, of any length", async () => {
    await Bun.write(`${dir.path}/big`, new Uint8Array(3_000_000));
    const options = [
      "-X",
      "POST",
      "-H",
      "Content-Type: application/octet-stream",
      "--data-binary",
      `@${dir.path}/big`,
    ];
    expect(await curled(address, `${path}?${words("wc", "-c")}`, ...options)).toBe("3000000\n");
    const chunked = [...options, "-H", "Transfer-Encoding: chunked"];
    expect(await curled(address, `${path}?${words("wc", "-c")}`, ...chunked)).toBe("3000000\n");
    expect(await curled(address, `${path}?${words("wc", "-c")}`, "-X", "POST")).toBe("0\n");
  });

  test("as JSON it has all of it apart", async () => {
    const text = await curled(
      address,
      `/pods/default/web-edge/exec?container=app&${sh("echo out; echo err >&2; exit 5")}`,
      ...["-X", "POST", "-H", "Accept: application/json"],
    );
    expect(JSON.parse(text)).toEqual({ exitCode: 5, stdout: "out\n", stderr: "err\n" });
  });

  test.each([
    ["all of a MiB", 1_048_576, {}],
    ["only a MiB of more, and says so", 1_048_577, { stdoutTruncated: true }],
  ])("as JSON it has %s", async (_what, count, truncated) => {
    const script = sh(`head -c ${count} /dev/zero | tr "\\0" x`);
    const text = await curled(address, `${path}?${script}`, "-X", "POST", "-H", "Accept: application/json");
    checkBody("CommandResult", JSON.parse(text), "exec");
    expect(JSON.parse(text)).toEqual({
      exitCode: 0,
      stdout: "x".repeat(1_048_576),
      stderr: "",
      ...truncated,
    });
  });
});

describe("is refused", () => {
  test.each<[World["command"], number, string]>([
    [() => ({ kind: "podNotFound" }), 404, 'Pod "web-edge" not found in namespace "default"'],
    [
      () => ({ kind: "containerNotFound", containers: ["a", "b"] }),
      404,
      'container "app" not found in pod "web-edge", which has [a b]',
    ],
    [
      () => ({ kind: "notRunning", container: "app", reason: "CrashLoopBackOff" }),
      409,
      'container "app" in pod "web-edge" is not running: CrashLoopBackOff',
    ],
  ])("where there is nothing to run it in (%#)", async (answer, status, detail) => {
    world.command = answer;
    const post = JSON.parse(await curled(address, `${path}?command=id`, "-X", "POST"));
    expect([post.status, post.detail]).toEqual([status, detail]);
    const client = new RawWebSocket(address, `${path}?command=id`);
    await client.closed;
    expect(client.raw).toStartWith(`HTTP/1.1 ${status} `);
    world.command = command;
  });

  test("on an address that is read only, by every method and with every upgrade", async () => {
    await using loopback = await listenAt(app, "http://127.0.0.1:0");
    const { port } = new URL(loopback.address);
    const count = asked.length;
    const paths = [
      path,
      "/pods/default/web-edge/exec",
      "/attach/default/web-edge/app",
      "/portForward/default/web-edge",
    ];
    for (const each of paths) {
      for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"]) {
        const head = upgradeHead(`${each}?command=id`, "v5.channel.k8s.io", method);
        for (const request of [head, head.replace("Upgrade: websocket\r\n", "")]) {
          const client = rawClient(
            loopback.address,
            request
              .replace("Host: localhost", `Host: localhost:${port}`)
              .replace("keep-alive, Upgrade", "close"),
          );
          await client.closed;
          expect(client.text()).not.toMatch(/^HTTP\/1\.1 [123]/);
        }
      }
      expect(await statusOf(loopback.address, `${each}?command=id`, "-X", "POST")).toBe(405);
    }
    expect(asked).toHaveLength(count);
  });

  test("for a page of another site, also where the socket would do", async () => {
    await using loopback = await listenAt(app, "http://127.0.0.1:0");
    const { port } = new URL(loopback.address);
    const head = upgradeHead(`${path}?command=id`).replace(
      "Host: localhost",
      `Host: localhost:${port}\r\nOrigin: http://evil.example`,
    );
    const client = rawClient(loopback.address, head);
    await client.closed;
    expect(client.text()).toStartWith("HTTP/1.1 403 ");
    expect(client.text()).toContain("origin");
  });

  test("with a NUL or without a word to run", async () => {
    for (const query of ["", "command=", "command=a%00b"]) {
      expect(await statusOf(address, `${path}?${query}`, "-X", "POST")).toBe(400);
    }
  });
});

test("the agent's log tells that, and not what, is run", async () => {
  await curled(address, `${path}?${words("echo", "s3cret")}`, "-X", "POST");
  const line = world.logged.findLast((each) => each.startsWith("exec"));
  expect(line).toContain("default/web-edge");
  expect(world.logged.join()).not.toContain("s3cret");
});
