import { describe, expect, test } from "bun:test";
import type { UnitName } from "../../src/pod/names.ts";
import { Systemd } from "../../src/systemd/systemd.ts";
import { SystemdError } from "../../src/systemd/systemd-error.ts";
import { waitUntil } from "../wait-until.ts";
import { connected, never, quiet, run, unitName, writeUnit } from "./unit.ts";

const soon = { timeoutMs: 10_000, signal: never };
const sleeping = "[Service]\nExecStart=/bin/sleep 1000\n";
const oneshot = (command: string) => `[Service]\nType=oneshot\nExecStart=${command}\n`;

async function failure(promise: Promise<unknown>): Promise<SystemdError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SystemdError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Waits until systemd has taken up a job of the unit's. */
function jobStarted(unit: UnitName): Promise<boolean> {
  return waitUntil("the job", () => /^(de)?activating/.test(run("systemctl", "is-active", unit)));
}

describe("a unit", () => {
  test("is started, listed, described and stopped", async () => {
    await using systemd = await connected();
    await using unit = await writeUnit(`[Unit]\nDescription=Sleeps\n${sleeping}`);
    const { name } = unit;
    await systemd.startUnit(name, soon);
    expect(await systemd.listUnits([name], never)).toEqual([
      {
        name,
        description: "Sleeps",
        loadState: "loaded",
        activeState: "active",
        subState: "running",
        jobId: 0,
      },
    ]);
    expect(
      await systemd.unitProperties(name, "Service", ["Result", "ExecMainStatus", "TimeoutStopUSec"], never),
    ).toEqual({ Result: "success", ExecMainStatus: 0, TimeoutStopUSec: 90_000_000n });
    await systemd.startUnit(name, soon); // again: nothing to do
    await systemd.stopUnit(name, soon);
    expect(await systemd.unitProperties(name, "Unit", ["ActiveState", "Job"], never)).toEqual({
      ActiveState: "inactive",
      Job: [0, "/"],
    });
  });

  test("that does not exist cannot be started, but counts as stopped", async () => {
    await using systemd = await connected();
    const name = unitName();
    expect(await failure(systemd.startUnit(name, soon))).toMatchObject({
      dbusName: "org.freedesktop.systemd1.NoSuchUnit",
    });
    await systemd.stopUnit(name, soon);
    await systemd.resetFailed(name, never);
    expect(await systemd.unitProperties(name, "Unit", ["LoadState"], never)).toEqual({
      LoadState: "not-found",
    });
    expect(await systemd.listUnits([name], never)).toEqual([]);
  });

  test("that fails to start says so, until that is forgotten", async () => {
    await using systemd = await connected();
    await using unit = await writeUnit(oneshot("/bin/false"));
    const error = await failure(systemd.startUnit(unit.name, soon));
    expect(error).toMatchObject({ jobResult: "failed", unit: unit.name, isTimeout: false });
    const failed = await systemd.listUnits([unit.name], never);
    expect(failed.map(({ activeState }) => activeState)).toEqual(["failed"]);
    await systemd.resetFailed(unit.name, never);
    const { ActiveState } = await systemd.unitProperties(unit.name, "Unit", ["ActiveState"], never);
    expect(ActiveState).toBe("inactive");
  });

  test("that is not there in time is a timeout, and one that is stopped meanwhile canceled", async () => {
    await using systemd = await connected();
    await using unit = await writeUnit(oneshot("/bin/sleep 1000"));
    const { name } = unit;
    expect(await failure(systemd.startUnit(name, { timeoutMs: 50, signal: never }))).toMatchObject({
      isTimeout: true,
      unit: name,
    });
    const start = failure(systemd.startUnit(name, soon)); // joins the job that goes on
    await jobStarted(name);
    await systemd.stopUnit(name, soon);
    expect(await start).toMatchObject({ jobResult: "canceled" });
  });

  test("is not waited for when nobody wants it any more", async () => {
    await using systemd = await connected();
    await using unit = await writeUnit(oneshot("/bin/sleep 1000"));
    const abort = new AbortController();
    const start = failure(systemd.startUnit(unit.name, { timeoutMs: 10_000, signal: abort.signal }));
    await jobStarted(unit.name);
    abort.abort();
    expect(await start).toMatchObject({ isCanceled: true });
    const disposed = new Systemd({ log: quiet });
    await disposed.start(never);
    const other = failure(disposed.startUnit(unit.name, soon));
    await jobStarted(unit.name);
    await disposed[Symbol.asyncDispose]();
    expect(await other).toMatchObject({ isDisconnected: true });
  });

  test("is one of many: 20 jobs and 200 questions at once", async () => {
    await using systemd = await connected();
    await using units = new AsyncDisposableStack();
    const names: UnitName[] = [];
    for (let count = 0; count < 20; count++)
      names.push(units.use(await writeUnit(oneshot("/bin/true"))).name);
    const jobs = Promise.all(names.map((name) => systemd.startUnit(name, soon)));
    const questions = Array.from({ length: 200 }, (_, index) =>
      systemd.unitProperties((names[index] ?? "dbus.service") as UnitName, "Unit", ["Id"], never),
    );
    const ids = (await Promise.all(questions)).map(({ Id }) => Id);
    expect(ids).toEqual(questions.map((_, index) => names[index] ?? "dbus.service"));
    await jobs;
  });
});

test("systemd tells its version", async () => {
  await using systemd = await connected();
  expect(await systemd.version(never)).toMatch(/^\d{3}/);
});

describe("a listener", () => {
  test("hears of units of ours only, and of unit files", async () => {
    await using systemd = await connected();
    await using ours = await writeUnit(sleeping);
    await using theirs = await writeUnit(sleeping, unitName().replace("gantry", "other") as UnitName);
    const heard: (UnitName | undefined)[] = [];
    const forget = systemd.onChange((unit) => heard.push(unit));
    await systemd.startUnit(theirs.name, soon);
    await systemd.startUnit(ours.name, soon);
    await waitUntil("the unit's change", () => heard.includes(ours.name));
    expect(new Set(heard)).toEqual(new Set([ours.name]));
    run("systemctl", "kill", "--signal=KILL", ours.name);
    const before = heard.length;
    await waitUntil("its end", () => heard.length > before);
    run("systemctl", "mask", "--runtime", "gantry-masked.service");
    await waitUntil("the unit file's change", () => heard.includes(undefined));
    forget();
    heard.length = 0;
    await systemd.stopUnit(ours.name, soon);
    await systemd.version(never);
    expect(heard).toEqual([]);
    run("systemctl", "unmask", "--runtime", "gantry-masked.service");
  });
});

describe("the connection", () => {
  test("that cannot be made is an error at the start", async () => {
    await using systemd = new Systemd({ address: "unix:path=/nowhere", log: quiet });
    expect(await failure(systemd.start(never))).toMatchObject({ isDisconnected: true });
    expect(systemd.isConnected).toBe(false);
    expect(await failure(systemd.version(never))).toMatchObject({ isDisconnected: true });
  });

  test.each([
    ["the daemon is restarted", ["systemctl", "restart", "dbus"]],
    ["the daemon is killed", ["systemctl", "kill", "--signal=KILL", "dbus"]],
    ["systemd re-executes itself", ["systemctl", "daemon-reexec"]],
  ])("comes back when %s, and no job is lost", async (_what, command) => {
    await using systemd = await connected();
    await using short = await writeUnit(oneshot("/bin/sleep 0.3"));
    await using failing = await writeUnit(oneshot("/bin/sh -c 'sleep 0.3; exit 1'"));
    await using stopping = await writeUnit("[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 0.3\n");
    await systemd.startUnit(stopping.name, soon);
    const heard: (UnitName | undefined)[] = [];
    systemd.onChange((unit) => heard.push(unit));
    const jobs = [
      systemd.startUnit(short.name, soon),
      failure(systemd.startUnit(failing.name, soon)),
      systemd.stopUnit(stopping.name, soon),
    ];
    const calls = Promise.allSettled(
      Array.from({ length: 50 }, () => systemd.unitProperties(short.name, "Unit", ["Id"], never)),
    );
    await Promise.all([short, failing, stopping].map(({ name }) => jobStarted(name)));
    run(...command);
    await waitUntil("the loss", () => heard.includes(undefined));
    const [, failed] = await Promise.all(jobs);
    expect(failed).toMatchObject({ jobResult: "failed" });
    await calls; // each has ended
    await waitUntil("the connection", () => systemd.isConnected);
    expect(heard.filter((unit) => unit === undefined).length).toBeGreaterThanOrEqual(2);
    expect(await systemd.version(never)).toMatch(/^\d{3}/);

    heard.length = 0; // and the signals are back too
    await systemd.startUnit(stopping.name, soon);
    await waitUntil("a signal", () => heard.includes(stopping.name));
  });

  test("is not made again once disposed", async () => {
    const systemd = await connected();
    await systemd[Symbol.asyncDispose]();
    expect(systemd.isConnected).toBe(false);
    expect(await failure(systemd.version(never))).toMatchObject({ isDisconnected: true });
  });
});
