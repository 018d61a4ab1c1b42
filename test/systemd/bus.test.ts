import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createConnection, createServer, type Socket } from "node:net";
import fc from "fast-check";
import { BusConnection } from "../../src/systemd/bus.ts";
import { socketPaths } from "../../src/systemd/bus-address.ts";
import { SystemdError } from "../../src/systemd/systemd-error.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";

const daemon = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
};
const getId = { ...daemon, member: "GetId", replySignature: "s" };
const systemBus = "unix:path=/run/dbus/system_bus_socket";
const soon = { timeoutMs: 5000 };

async function failure(promise: Promise<unknown>): Promise<SystemdError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SystemdError);
  return error as SystemdError;
}

test.each([
  ["unix:path=/run/bus", ["/run/bus"]],
  ["unix:abstract=/tmp/x,guid=1;unix:path=/a%20b", ["\0/tmp/x", "/a b"]],
  ["tcp:host=localhost,port=1;autolaunch:", []],
  ["", []],
])("the address %p names %j", (address, paths) => {
  expect(socketPaths(address)).toEqual(paths);
});

describe("a bus", () => {
  test("answers, with errors by name", async () => {
    const bus = await BusConnection.connect(systemBus, soon);
    expect(await bus.call(getId, soon)).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    const error = await failure(bus.call({ ...getId, member: "Nonsense" }, soon));
    expect(error.dbusName).toBe("org.freedesktop.DBus.Error.UnknownMethod");
    expect((await failure(bus.call({ ...getId, replySignature: "u" }, soon))).message).toContain('"s"');
    bus.close();
    expect(await failure(bus.call(getId, soon))).toMatchObject({ isDisconnected: true });
  });

  test("is the next one of the address where the first is not there", async () => {
    const bus = await BusConnection.connect(`unix:path=/nowhere;tcp:host=x;${systemBus}`, soon);
    bus.close();
    const error = await failure(BusConnection.connect("unix:path=/nowhere", soon));
    expect(error).toMatchObject({ isDisconnected: true });
    expect(await failure(BusConnection.connect("tcp:host=localhost", soon))).toMatchObject({
      isDisconnected: true,
    });
  });

  test("answers 200 calls in flight, each its own", async () => {
    const bus = await BusConnection.connect(systemBus, soon);
    const names = Array.from({ length: 200 }, (_, index) => `org.example.N${index}`);
    const errors = await Promise.all(
      names.map((name) =>
        failure(
          bus.call(
            { ...daemon, member: "GetNameOwner", signature: "s", body: [name], replySignature: "s" },
            soon,
          ),
        ),
      ),
    );
    expect(errors.every(({ message }, index) => message.includes(`'${names[index]}'`))).toBe(true);
    bus.close();
  });

  test("gives the signals that were asked for", async () => {
    const bus = await BusConnection.connect(systemBus, soon);
    await bus.addMatch("type='signal',member='NameOwnerChanged'", soon);
    const signal = new Promise((resolve) => bus.onSignal(resolve));
    (await BusConnection.connect(systemBus, soon)).close();
    expect(await signal).toMatchObject({ member: "NameOwnerChanged", signature: "sss" });
    bus.close();
  });

  test("is canceled by the caller's signal, before and during a call", async () => {
    const bus = await BusConnection.connect(systemBus, soon);
    const options = { timeoutMs: 5000, signal: AbortSignal.abort() };
    expect(await failure(bus.call(getId, options))).toMatchObject({ isCanceled: true });
    expect(await failure(BusConnection.connect(systemBus, options))).toMatchObject({ isCanceled: true });
    const abort = new AbortController();
    const call = failure(bus.call(getId, { timeoutMs: 5000, signal: abort.signal }));
    abort.abort();
    expect(await call).toMatchObject({ isCanceled: true });
    expect(await bus.call(getId, soon)).toHaveLength(1);
    bus.close();
  });
});

describe("a daemon", () => {
  let dir: TempDir;
  beforeAll(async () => {
    dir = await tempDir();
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  async function ownDaemon(): Promise<{
    pid: number;
    address: string;
    kill: (signal: NodeJS.Signals) => void;
  }> {
    const address = `unix:path=${dir.path}/bus-${Math.random()}`;
    const process = Bun.spawn(
      ["dbus-daemon", "--session", "--nofork", "--nosyslog", `--address=${address}`, "--print-address"],
      { stdout: "pipe", stderr: "ignore" },
    );
    await process.stdout.getReader().read(); // it listens once it has printed that
    return { pid: process.pid, address, kill: (signal) => process.kill(signal) };
  }

  test.each(["SIGKILL", "SIGTERM"] as const)("that ends by %s ends the pending calls", async (signal) => {
    const own = await ownDaemon();
    const bus = await BusConnection.connect(own.address, soon);
    own.kill("SIGSTOP");
    const calls = Array.from({ length: 10 }, () => bus.call(getId, { timeoutMs: 60_000 }));
    const ended = Promise.allSettled(calls);
    own.kill(signal);
    own.kill("SIGCONT");
    const reason = await bus.closed;
    expect(reason).toMatchObject({ isDisconnected: true });
    // One that is told to end may answer before it does.
    for (const call of await ended) if (call.status === "rejected") expect(call.reason).toBe(reason);
    expect(await failure(bus.call(getId, soon))).toBe(reason);
  });

  test("that hangs lets calls time out, and answers when it goes on", async () => {
    const own = await ownDaemon();
    const bus = await BusConnection.connect(own.address, soon);
    own.kill("SIGSTOP");
    expect(await failure(bus.call(getId, { timeoutMs: 50 }))).toMatchObject({ isTimeout: true });
    expect(await failure(BusConnection.connect(own.address, { timeoutMs: 50 }))).toMatchObject({
      isDisconnected: true,
    });
    own.kill("SIGCONT");
    expect(await bus.call(getId, soon)).toHaveLength(1);
    bus.close();
    own.kill("SIGKILL");
  });

  /** Listens as a bus would; what it does with each client is the test's. */
  async function fakeDaemon(serve: (client: Socket) => void): Promise<AsyncDisposable & { address: string }> {
    const path = `${dir.path}/fake-${Math.random()}`;
    const server = createServer((client) => {
      client.on("error", () => undefined);
      serve(client);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return {
      address: `unix:path=${path}`,
      [Symbol.asyncDispose]: async () => {
        server.close();
      },
    };
  }

  test("that refuses us says so", async () => {
    await using fake = await fakeDaemon((client) => client.write("REJECTED EXTERNAL\r\n"));
    const error = await failure(BusConnection.connect(fake.address, soon));
    expect(String(((error.cause as Error).cause as Error).message)).toContain("REJECTED EXTERNAL");
  });

  test("that says nothing but bytes does not hurt", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 16, maxLength: 200 }),
        fc.boolean(),
        async (bytes, isLittle) => {
          await using fake = await fakeDaemon((client) => {
            client.write("OK 0123\r\n");
            client.end(isLittle ? Buffer.concat([Buffer.from("l"), bytes]) : bytes);
          });
          const error = await failure(BusConnection.connect(fake.address, soon));
          expect(error).toMatchObject({ isDisconnected: true });
        },
      ),
      { numRuns: 200 },
    );
  });

  test("that announces 4 GB is left at once", async () => {
    const header = Buffer.alloc(16, 0xff).fill("l", 0, 1);
    await using fake = await fakeDaemon((client) => {
      client.write("OK 0123\r\n");
      client.write(header);
    });
    const error = await failure(BusConnection.connect(fake.address, soon));
    expect((error.cause as Error).message).toContain("not the D-Bus protocol");
  });

  test("that writes single bytes is understood", async () => {
    await using slow = await fakeDaemon((client) => {
      const upstream = createConnection({ path: "/run/dbus/system_bus_socket" });
      client.pipe(upstream);
      client.on("close", () => upstream.destroy());
      upstream.on("data", async (data: Buffer) => {
        upstream.pause();
        for (const byte of data) {
          client.write(Uint8Array.of(byte));
          await Bun.sleep(0); // so that each is a packet of its own
        }
        upstream.resume();
      });
    });
    const bus = await BusConnection.connect(slow.address, soon);
    expect(await bus.call(getId, soon)).toHaveLength(1);
    bus.close();
  });
});
