// Events go through the real journal and come back whole; what others write in their place does not.

import { expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { CountedEvent } from "../../src/pod/event.ts";
import { type PodUid, podKey } from "../../src/pod/names.ts";
import {
  EventJournal,
  eventMessageId,
  parseEvent,
  serializeEntry,
  unitOfCgroup,
} from "../../src/systemd/event-journal.ts";
import { waitUntil } from "../wait-until.ts";
import { never, run } from "./unit.ts";

const firstMs = Date.UTC(2026, 0, 1);
const pulled: CountedEvent = {
  object: { kind: "Pod", key: podKey("default", "web-node"), uid: "uid-1" as PodUid, container: "main" },
  type: "Normal",
  reason: "Pulled",
  message: 'Container image "busybox" already present on machine',
  count: 3,
  firstMs,
  lastMs: firstMs,
};
const { container: _, ...wholePod } = pulled.object as Extract<CountedEvent["object"], { kind: "Pod" }>;
const killing: CountedEvent = { ...pulled, object: wholePod, type: "Warning", reason: "FailedKillPod" };
const rejected: CountedEvent = { ...pulled, object: { kind: "Node" }, type: "Warning", message: "line 3" };

/** A journal of its own: that of a state directory that no other test has. */
function create() {
  const stateDir = `/tmp/${randomUUID()}`;
  const journal = new EventJournal(stateDir);
  const read = async () => {
    run("journalctl", "--sync");
    return journal.read(never);
  };
  return { stateDir, journal, read };
}

const withoutLast = (events: readonly CountedEvent[]) => events.map(({ lastMs: _last, ...rest }) => rest);

test("what was written is read back, with the time at which it was written", async () => {
  const { journal, read } = create();
  const beforeMs = Date.now();
  for (const event of [pulled, killing, rejected]) journal.write(event);
  await waitUntil("all to be there", async () => (await read()).length === 3);
  const events = await read();
  expect(withoutLast(events)).toEqual(withoutLast([pulled, killing, rejected]));
  for (const { lastMs } of events) expect(lastMs).toBeGreaterThanOrEqual(beforeMs);
});

test("an entry has the fields that journalctl finds and shows it by", async () => {
  const { journal, stateDir, read } = create();
  journal.write(killing);
  await waitUntil("it to be there", async () => (await read()).length === 1);
  const [entry] = run("journalctl", "-o", "json", `GANTRY_STATE_DIR=${stateDir}`).split("\n");
  expect(JSON.parse(entry ?? "")).toMatchObject({
    MESSAGE: `default/web-node: ${killing.message}`,
    MESSAGE_ID: eventMessageId,
    PRIORITY: "4",
    SYSLOG_IDENTIFIER: "gantry",
    GANTRY_EVENT_REASON: "FailedKillPod",
    GANTRY_EVENT_TYPE: "Warning",
    GANTRY_POD_UID: "uid-1",
    GANTRY_POD_NAMESPACE: "default",
    GANTRY_POD_NAME: "web-node",
  });
});

test("a value with a newline and what looks like a field stays one value", async () => {
  const { journal, stateDir, read } = create();
  const message = "one\nGANTRY_EVENT_REASON=Killing\nPRIORITY=0";
  journal.write({ ...pulled, message });
  await waitUntil("it to be there", async () => (await read()).length === 1);
  const [entry] = run("journalctl", "-o", "json", `GANTRY_STATE_DIR=${stateDir}`).split("\n");
  expect(JSON.parse(entry ?? "")).toMatchObject({ GANTRY_EVENT_REASON: "Pulled", PRIORITY: "6" });
  expect(await read()).toMatchObject([{ message, reason: "Pulled" }]);
});

test("another state directory's events are none of ours", async () => {
  const one = create();
  const other = create();
  one.journal.write(pulled);
  await waitUntil("it to be there", async () => (await one.read()).length === 1);
  expect(await other.read()).toEqual([]);
});

const script = [process.execPath, Bun.fileURLToPath(import.meta.resolve("./send-entry.ts"))];

test.each([
  ["root with all capabilities in our own unit: that is us", 1, []],
  ["root in another unit", 0, ["systemd-run", "--quiet", "--pipe", "--wait"]],
  [
    "root in another unit that calls itself ours",
    0,
    ["systemd-run", "--quiet", "--pipe", "--wait", "--unit=gantry.service"],
  ],
  ["root in our unit that may not lie about its pid", 0, ["setpriv", "--bounding-set=-sys_admin", "--"]],
])("of what is written by %s, %i are believed", async (_what, believed, wrapper) => {
  const { stateDir, read } = create();
  const fields = {
    MESSAGE: "default/web-node: forged",
    MESSAGE_ID: eventMessageId,
    GANTRY_STATE_DIR: stateDir,
    GANTRY_EVENT_REASON: "Killing",
    GANTRY_EVENT_TYPE: "Warning",
    GANTRY_EVENT_COUNT: "1",
    GANTRY_EVENT_FIRST_MS: String(firstMs),
    GANTRY_POD_UID: "uid-1",
    GANTRY_POD_NAMESPACE: "default",
    GANTRY_POD_NAME: "web-node",
    _SYSTEMD_UNIT: "with-systemd-command.scope",
    _UID: "0",
    _CAP_EFFECTIVE: "1ffffffffff",
  };
  const forger = Bun.spawn([...wrapper, ...script, JSON.stringify(fields)], { stdout: "ignore" });
  await waitUntil("the entry to be there", () => {
    run("journalctl", "--sync");
    return run("journalctl", "-q", "-o", "cat", `GANTRY_STATE_DIR=${stateDir}`).includes("forged");
  });
  expect((await read()).length).toBe(believed);
  forger.kill();
  run("systemctl", "stop", "gantry.service");
  await forger.exited;
});

test("an agent whose own unit leaves it few rights is believed by the next one", async () => {
  const { stateDir } = create();
  const script = Bun.fileURLToPath(import.meta.resolve("./write-and-read-event.ts"));
  const rights = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID";
  const confined = [`CapabilityBoundingSet=${rights}`, "NoNewPrivileges=yes", "ProtectSystem=strict"];
  const unit = [
    "systemd-run",
    "--quiet",
    "--pipe",
    "--wait",
    ...confined.map((each) => `--property=${each}`),
  ];
  const agent = Bun.spawn([...unit, process.execPath, script, stateDir], { stdout: "pipe" });
  expect(await agent.stdout.text()).toBe("1\n");
});

test.each([
  ["cgroup v2", "0::/system.slice/gantry.service\n", "gantry.service"],
  ["cgroup v1", "2:cpu:/\n1:name=systemd:/system.slice/gantry.service\n", "gantry.service"],
  ["both", "1:name=systemd:/user.slice/session-1.scope\n0::/\n", "session-1.scope"],
  ["a user's", "0::/user.slice/user-1.slice/user@1.service/app.slice/x.service\n", "user@1.service"],
  ["none", "0::/\n", undefined],
])("our unit by the cgroup: %s", (_what, text, unit) => {
  expect(unitOfCgroup(text)).toBe(unit);
});

test.each([
  ["with a container's capabilities", { _CAP_EFFECTIVE: "a80425fb" }],
  ["without anybody known", { _CAP_EFFECTIVE: undefined }],
  ["of another type", { GANTRY_EVENT_TYPE: "Other" }],
  ["without a count", { GANTRY_EVENT_COUNT: undefined }],
  ["of bytes", { MESSAGE: [1, 2] }],
  ["about another pod than its text", { GANTRY_POD_NAME: "other" }],
])("an entry %s is none of ours", (_what, change) => {
  const entry = {
    MESSAGE: "default/web: text",
    GANTRY_EVENT_REASON: "Killing",
    GANTRY_EVENT_TYPE: "Normal",
    GANTRY_EVENT_COUNT: "1",
    GANTRY_EVENT_FIRST_MS: "1",
    GANTRY_POD_UID: "uid",
    GANTRY_POD_NAMESPACE: "default",
    GANTRY_POD_NAME: "web",
    _CAP_EFFECTIVE: "1ffffffffff",
    __REALTIME_TIMESTAMP: "1000",
  };
  expect(parseEvent(entry, 0n)).toMatchObject({ message: "text", lastMs: 1 });
  expect(parseEvent({ ...entry, ...change }, 0x1ffffffffffn)).toBeUndefined();
});

test("the native protocol: name, length, value", () => {
  expect(Buffer.from(serializeEntry({ A: "b\n" })).toString("hex")).toBe("410a0200000000000000620a0a");
});
