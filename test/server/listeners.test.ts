// Addresses that cannot be had yet, with real sockets.

import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { createLog } from "../../src/host/log.ts";
import { ListenError } from "../../src/server/listen.ts";
import { Listeners } from "../../src/server/listeners.ts";
import { FakeClock } from "../fakes/fake-clock.ts";
import { waitUntil } from "../wait-until.ts";
import { curled, noTls } from "./at-socket.ts";

const app = { fetch: () => new Response("hello") };

function listeners() {
  const [clock, lines]: [FakeClock, string[]] = [new FakeClock(), []];
  const write = (line: string) => void lines.push(line);
  const log = createLog({ write, isJournal: true, isDebug: false, wallMs: () => 0 });
  return { clock, lines, all: new Listeners({ app, tls: noTls, timers: clock, log }) };
}

test("a port that another process has is told, and had once it is free", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const address = `http://127.0.0.1:${port}`;
  const { clock, lines, all } = listeners();
  await using _all = all;
  await all.open(["http://127.0.0.1:0", address]);
  const problem = `Cannot listen on ${address}: the address could not be opened: `;
  expect(all.problem).toStartWith(problem);
  expect(lines.filter((line) => line.includes("cannot be had yet"))).toHaveLength(1);
  await new Promise((resolve) => other.close(resolve));
  clock.advance(9_999);
  expect(all.problem).toStartWith(problem);
  clock.advance(1);
  await waitUntil("it to be had", () => all.problem === undefined);
  expect(await curled(address, "/")).toBe("hello");
});

test("what time does not mend is an error at once", async () => {
  const { all } = listeners();
  await using _all = all;
  await expect(all.open(["http://0.0.0.0:0"])).rejects.toThrow(ListenError);
});
