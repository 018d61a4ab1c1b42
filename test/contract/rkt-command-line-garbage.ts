// rm, gc, and what killed or concurrent processes leave.

import { describe, expect, test } from "bun:test";
import { constants, mkdirSync, openSync, readdirSync } from "node:fs";
import { makeNode, nodeTypes, tryLock } from "../../src/host/libc.ts";
import {
  normalized,
  type RktArgv,
  type RktWorld,
  recorded,
  rktWorld,
  text,
} from "./rkt-command-line-world.ts";

/** What a prepare leaves that was killed in its middle: the directory, and its lock that nobody holds. */
function abortedPrepare(world: RktWorld, uuid: string): string {
  const path = `${world.path}/rkt/pods/prepare/${uuid}`;
  mkdirSync(path);
  makeNode(`${path}/lock`, nodeTypes.fifo | 0o600);
  return path;
}

const uuid1 = "02de1135-8af9-42ba-929f-4ad7d5f7bfb1";

export function describeGarbage(argv: RktArgv): void {
  describe("rm", () => {
    test("of an exited, then a removed pod", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ web: "exit 0" });
      await world.rkt("run-prepared", "--net=host", uuid);
      expect(normalized(await world.rkt("rm", uuid))).toEqual(recorded("10-fly/187"));
      expect(normalized(await world.rkt("rm", uuid))).toEqual(normalized(recorded("10-fly/188")));
      expect(normalized(await world.rkt("status", uuid))).toEqual(recorded("10-fly/189"));
      expect(await Bun.file("/proc/self/mountinfo").text()).not.toContain(uuid);
      expect(readdirSync("/run/systemd/system").filter((name) => name.includes(uuid))).toEqual([]);
    });

    test("of a prepared pod, by file, and of several of which one is unknown", async () => {
      await using world = await rktWorld(argv);
      expect(normalized(await world.rkt("rm", await world.prepare({ web: "" })))).toEqual(
        recorded("10-fly/190"),
      );
      await Bun.write(`${world.path}/uuid`, `${await world.prepare({ web: "" })}\n`);
      expect(normalized(await world.rkt("rm", `--uuid-file=${world.path}/uuid`))).toEqual(
        recorded("10-fly/191"),
      );
      const uuid = await world.prepare({ web: "exit 0" });
      await world.rkt("run-prepared", "--net=host", uuid);
      expect(normalized(await world.rkt("rm", uuid, "deadbeef-dead-beef-dead-beefdeadbeef"))).toEqual(
        recorded("10-fly/192"),
      );
    });
  });

  describe("gc", () => {
    test("of nothing says nothing", async () => {
      await using world = await rktWorld(argv);
      expect(await world.rkt("gc")).toEqual(recorded("10-fly/018"));
    });

    test("marks what has exited, keeps it for the grace period, then removes it", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ quick: "exit 5" });
      await world.rkt("run-prepared", "--net=host", uuid);
      expect(await world.rkt("gc")).toEqual({
        stdout: "",
        stderr: `gc: moving pod "${uuid}" to garbage\ngc: pod "${uuid}" not removed: still within grace period (30m0s)\n`,
        exitCode: 0,
      });
      const both = [await world.rkt("status", uuid), await world.rkt("status", "--format=json", uuid)];
      expect(
        normalized({ stdout: both.map(({ stdout }) => stdout).join(""), stderr: "", exitCode: 0 }),
      ).toEqual(recorded("20-host-systemd/159"));
      expect(normalized(await world.rkt("stop", uuid))).toEqual(recorded("10-fly/164"));
      expect(await world.rkt("gc", "--mark-only", "--grace-period=0s")).toMatchObject({
        stdout: "",
        exitCode: 0,
      });
      expect(normalized(await world.rkt("gc", "--grace-period=0s"))).toMatchObject({
        stdout: 'Garbage collecting pod "UUID"\n',
      });
      expect(await world.rkt("list", "--format=json")).toEqual(recorded("10-fly/003"));
    });

    test("prepared pods expire when told", async () => {
      await using world = await rktWorld(argv);
      await world.prepare({ web: "" });
      expect(await world.rkt("gc", "--grace-period=0s")).toEqual({ stdout: "", stderr: "", exitCode: 0 });
      expect(normalized(await world.rkt("gc", "--grace-period=0s", "--expire-prepared=0s"))).toEqual({
        stdout: 'Garbage collecting pod "UUID"\n',
        stderr: 'gc: moving expired prepared pod "UUID" to garbage\n',
        exitCode: 0,
      });
    });

    test("leaves a running pod alone", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ web: "echo started; sleep 1000" });
      await world.startUntil(uuid, "started");
      expect(await world.rkt("gc", "--grace-period=0s", "--expire-prepared=0s")).toMatchObject({
        stdout: "",
        stderr: "",
      });
      expect((await world.rkt("status", uuid)).stdout).toStartWith("state=running\n");
    });
  });

  describe("a prepare that was killed", () => {
    test("is told apart in lists, left out in JSON, and collected", async () => {
      await using world = await rktWorld(argv);
      await world.rkt("list");
      abortedPrepare(world, uuid1);
      const one = recorded("10-fly/215");
      const [table, json] = [await world.rkt("list"), await world.rkt("list", "--format=json")];
      expect(one.stdout).toStartWith(normalized(table).stdout);
      expect(json.stdout).toBe("null\n");
      expect(one.stderr).toEndWith(json.stderr);
      expect(await world.rkt("status", uuid1)).toEqual({
        stdout: "state=aborted prepare\n",
        stderr: "",
        exitCode: 0,
      });
      expect(normalized(await world.rkt("gc", "--grace-period=0s"))).toEqual({
        stdout: 'Garbage collecting pod "UUID"\n',
        stderr: 'gc: moving failed prepare "UUID" to garbage\n',
        exitCode: 0,
      });
    });

    test("is still preparing while its lock is held", async () => {
      await using world = await rktWorld(argv);
      await world.rkt("list");
      const lock = openSync(`${abortedPrepare(world, uuid1)}/lock`, constants.O_RDWR);
      expect(tryLock(lock, "exclusive")).toBe(true);
      expect((await world.rkt("list", "--no-legend")).stdout).toContain("\tpreparing\t");
      expect(await world.rkt("gc", "--grace-period=0s")).toEqual({ stdout: "", stderr: "", exitCode: 0 });
    });

    test("at any moment leaves nothing that others trip over", async () => {
      await using world = await rktWorld(argv);
      for (let delayMs = 2; delayMs < 80; delayMs += 6) {
        const child = world.spawn("prepare", "--quiet", "busybox.aci");
        await Bun.sleep(delayMs); // the moments are the point
        child.kill("SIGKILL");
        await child.exited;
      }
      expect((await world.rkt("list")).exitCode).toBe(0);
      expect((await world.rkt("image", "list")).exitCode).toBe(0);
      await world.rkt("gc", "--grace-period=0s", "--expire-prepared=0s");
      expect((await world.rkt("list", "--no-legend")).stdout).toBe("\n");
      expect(readdirSync(`${world.path}/rkt/cas/tmp`)).toEqual([]);
      expect(text(await world.rkt("prepare", "--quiet", "busybox.aci"))).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  describe("a run-prepared that was killed", () => {
    test("at any moment leaves nothing but what gc removes", async () => {
      await using world = await rktWorld(argv);
      for (let delayMs = 5; delayMs < 150; delayMs += 12) {
        const uuid = await world.prepare({ web: "sleep 1000" });
        const child = world.spawn("run-prepared", "--net=host", uuid);
        await Bun.sleep(delayMs); // the moments are the point
        child.kill("SIGKILL");
        await child.exited;
      }
      expect((await world.rkt("list")).exitCode).toBe(0);
      expect((await world.rkt("gc", "--grace-period=0s", "--expire-prepared=0s")).exitCode).toBe(0);
      expect(await world.rkt("list", "--format=json")).toEqual(recorded("10-fly/003"));
      expect(await Bun.file("/proc/self/mountinfo").text()).not.toContain(world.path);
      expect(readdirSync("/run/systemd/system").filter((name) => name.startsWith("gantry-"))).toEqual([]);
    });
  });

  describe("several at once", () => {
    test("five prepares of one image, with lists and gc beside them", async () => {
      await using world = await rktWorld(argv);
      const prepares = Array.from({ length: 5 }, () =>
        world.spawn("prepare", "--quiet", "busybox.aci").finish(),
      );
      const others = ["list", "gc", "list"].map((command) => world.spawn(command).finish());
      const uuids = (await Promise.all(prepares)).map(text);
      for (const { exitCode, stderr } of await Promise.all(others))
        expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      const { stdout } = await world.rkt("list", "--full", "--no-legend");
      expect(stdout.split("\n").flatMap((line) => line.split("\t")[0] || [])).toEqual(uuids.toSorted());
      expect((await world.rkt("image", "list", "--no-legend")).stdout.trim().split("\n")).toHaveLength(1);
    });

    test("of two run-prepared of one pod, one runs it", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ web: "sleep 0.5" });
      const both = await Promise.all(
        [1, 2].map(() => world.spawn("run-prepared", "--net=host", uuid).finish()),
      );
      expect(both.map(({ exitCode }) => exitCode).sort()[0]).toBe(0);
      expect(both.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1);
    });
  });
}
