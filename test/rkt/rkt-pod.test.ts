import { describe, expect, test } from "bun:test";
import type { ImageId, RktUuid } from "../../src/pod/names.ts";
import { RktOutputError } from "../../src/rkt/rkt-output-error.ts";
import { parsePodList, parsePodStatus, parsePodTable } from "../../src/rkt/rkt-pod.ts";
import { recording } from "../fakes/recording.ts";

const busybox = "sha512-afec53855e9208a62afaa5cec03af213bb4afe866566850cd90576d4fd0a21a4" as ImageId;
const sleeper = "sha512-54ef5064d037f28f5b2f5dc5089c97bf4836fcfd48ac6beffdfc8a6c204a820f" as ImageId;

describe("status --format=json", () => {
  test("of a prepared pod: nothing has started", () => {
    expect(parsePodStatus(recording("10-fly/109").stdout)).toEqual({
      uuid: "e3dcc1dd-8349-46c5-9682-6398a1c82e62" as RktUuid,
      state: "prepared",
      createdAtMs: 1795477679430,
      startedAtMs: undefined,
      networks: [],
      apps: [
        {
          name: "sleeper",
          state: "created",
          exitCode: undefined,
          imageId: sleeper,
          createdAtMs: 1795477679430,
          startedAtMs: undefined,
          finishedAtMs: undefined,
        },
      ],
    });
  });

  test("times are in seconds on the pod and in nanoseconds on its apps: both come out in milliseconds", () => {
    const pod = parsePodStatus(recording("25-host-plain/132").stdout);
    expect([pod.createdAtMs, pod.startedAtMs]).toEqual([1795477734112, 1795477760465]);
    expect(pod.apps.map((app) => [app.state, app.startedAtMs])).toEqual([["running", 1795477760465]]);
  });

  test("nanoseconds exceed 2^53 and lose no millisecond", () => {
    const app = `{"name":"a","state":"created","created_at":1795477700999999999,"image_id":"${busybox}"}`;
    const text = `{"name":"e3dcc1dd-8349-46c5-9682-6398a1c82e62","state":"prepared","apps":[${app}],"created_at":1795477700}`;
    expect(parsePodStatus(text).createdAtMs).toBe(1795477700999);
  });

  test("an app's exit code is there with stage1-host and never with stage1-fly", () => {
    expect(parsePodStatus(recording("25-host-plain/121").stdout).apps[0]?.exitCode).toBe(5);
    expect(parsePodStatus(recording("10-fly/122").stdout).apps[0]?.exitCode).toBeUndefined();
  });

  test("a network's address", () => {
    const text =
      recording("60-network/005")
        .stdout.split("\n")
        .find((line) => line.startsWith("{")) ?? "";
    expect(parsePodStatus(text).networks).toEqual([{ name: "rkt.kubernetes.io", ip: "10.99.0.2" }]);
  });
});

describe("list --format=json", () => {
  test("nothing to list is null", () => {
    expect(parsePodList(recording("10-fly/003").stdout)).toEqual([]);
  });

  test("many prepared pods, one of them without any app", () => {
    const pods = parsePodList(recording("10-fly/105").stdout);
    expect(pods).toHaveLength(14);
    expect(pods.find((pod) => pod.apps.length === 0)).toEqual({
      uuid: "86a62166-f6a8-4ace-b2d3-ba146a391d28" as RktUuid,
      state: "prepared",
      createdAtMs: 1795477681000,
      startedAtMs: undefined,
      networks: [],
      apps: [],
    });
  });

  test("states with blanks, and the time at which they were marked as garbage", () => {
    const pods = parsePodList(recording("10-fly/160").stdout);
    expect(new Set(pods.map((pod) => pod.state))).toEqual(new Set(["exited garbage", "prepared", "running"]));
    expect(pods[0]?.apps[0]?.finishedAtMs).toBe(1795477699258);
  });

  test("pretty-printed; exited apps in a running pod", () => {
    const text = recording("30-host-multi-app/006").stdout;
    const [pod] = parsePodList(text.slice(text.indexOf("[\n")));
    expect(pod?.apps.map(({ name, state, exitCode }) => ({ name, state, exitCode }))).toEqual([
      { name: "main", state: "running", exitCode: undefined },
      { name: "quick", state: "exited", exitCode: 0 },
      { name: "ok", state: "exited", exitCode: 0 },
    ]);
  });

  test.each([
    ["the usage text", recording("00-general/006").stdout],
    ["nothing", ""],
    ["an object", "{}"],
    ["a pod without a name", '[{"state":"running"}]'],
    ["a pod whose name is no UUID", '[{"name":"web","state":"running"}]'],
    ["a state that rkt does not have", '[{"name":"e3dcc1dd-8349-46c5-9682-6398a1c82e62","state":"paused"}]'],
  ])("%s is an error", (_what, text) => {
    expect(() => parsePodList(text)).toThrow(RktOutputError);
  });
});

describe("list --full --no-legend", () => {
  const table = recording("10-fly/106").stdout.split("\n").slice(1).join("\n");

  test("nothing to list is an empty line", () => {
    expect(parsePodTable(recording("10-fly/005").stdout)).toEqual([]);
  });

  test("has also the pods that the JSON list leaves out, without times", () => {
    const pods = parsePodTable(table);
    expect(pods).toHaveLength(27);
    const aborted = pods.filter((pod) => pod.state === "aborted prepare");
    expect(aborted).toHaveLength(13);
    expect(aborted.every((pod) => pod.createdAtMs === undefined)).toBe(true);
  });

  test("agrees with the JSON list about all others; further apps of a pod are lines of their own", () => {
    const described = parsePodList(recording("10-fly/105").stdout);
    expect(
      parsePodTable(table)
        .filter((pod) => pod.state !== "aborted prepare")
        .map(({ uuid, state }) => ({ uuid, state })),
    ).toEqual(described.map(({ uuid, state }) => ({ uuid, state })));
    const times = new Map(described.map((pod) => [pod.uuid, pod.createdAtMs]));
    for (const { uuid, createdAtMs } of parsePodTable(table)) {
      if (createdAtMs === undefined || uuid.startsWith("86a62166")) continue; // whole seconds in JSON: it has no app
      expect(times.get(uuid)).toBe(createdAtMs);
    }
  });

  test("a running pod, in a zone that is not UTC, with a network", () => {
    const row =
      "61c6c932-9949-4399-aed0-3e49fa9ffc29\tmain\texample.com/busybox:1.35.0\tsha512-afec53855e92\trunning\t" +
      "2026-11-24 00:56:51.487 +0100 CET\t2026-11-24 00:56:52.28 +0100 CET\tdefault:ip4=172.16.28.2";
    expect(parsePodTable(row)).toEqual([
      {
        uuid: "61c6c932-9949-4399-aed0-3e49fa9ffc29" as RktUuid,
        state: "running",
        createdAtMs: Date.parse("2026-11-23T23:56:51.487Z"),
        startedAtMs: Date.parse("2026-11-23T23:56:52.280Z"),
        networks: [{ name: "default", ip: "172.16.28.2" }],
        apps: [],
      },
    ]);
  });

  test("a line that is no pod is an error", () => {
    expect(() => parsePodTable("something went wrong\n")).toThrow(RktOutputError);
  });
});
