import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { systemClock } from "../../src/host/clock.ts";
import { appUnitName, type PodUid, podUnitName, type RktUuid, type SpecHash } from "../../src/pod/names.ts";
import { containersStage } from "../../src/pod/stage.ts";
import { type PodUnitOptions, parseFinished, parsePodUnit, podUnitText } from "../../src/systemd/pod-unit.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { run, writeUnit } from "./unit.ts";

const another = "00000000-0000-4000-8000-000000000001" as RktUuid;
const third = "00000000-0000-4000-8000-000000000002" as RktUuid;
const web: PodUnitOptions = {
  uuid: "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11" as RktUuid,
  pod: {
    uid: "0f1e2d3c4b5a69788796a5b4c3d2e1f0" as PodUid,
    name: "web-node1",
    namespace: "default",
    hostNetwork: true,
  },
  restartCount: 3,
  backOffMs: 40_000,
  preparedMs: 5_123_450,
  specHash: "0123456789abcdef0123456789abcdef" as SpecHash,
  stage: containersStage,
  networkOf: undefined,
  order: { after: [], before: [] },
  manifest: "/etc/gantry/manifests/web.yaml",
  execStart: [
    "/usr/bin/rkt",
    "--dir=/var/lib/rkt",
    "run-prepared",
    "--net=host",
    "3b7f27cf-8a07-4d4b-9f2e-5a2d9f0f2a11",
  ],
  finishedFile: "/var/lib/gantry/pods/0f1e2d3c4b5a69788796a5b4c3d2e1f0/finished-3b7f27cf",
  graceSeconds: 30,
};

describe("podUnitText", () => {
  test.each([
    ["pod-unit.service", web],
    [
      "pod-unit-hostile.service",
      {
        ...web,
        pod: { ...web.pod, uid: "a-b-c" as PodUid, hostNetwork: false },
        manifest: ' /etc/50% "of"\nit \\',
        execStart: ["/opt/rkt 1.30/rkt", "run-prepared", "--hostname=a$b", "%n"],
        graceSeconds: 0,
        stage: { kind: "sidecar", container: "proxy" },
        networkOf: "00000000-0000-4000-8000-000000000001" as RktUuid,
        order: { after: [podUnitName(another), appUnitName(another, "main")], before: [podUnitName(third)] },
        seLinuxContext: "system_u:system_r:svirt_lxc_net_t:s0:c1,c2",
      },
    ],
  ] satisfies [string, PodUnitOptions][])("makes %s", async (name, options) => {
    const text = podUnitText(options);
    const file = `${import.meta.dir}/fixtures/${name}`;
    if (process.env.UPDATE_GOLDEN === "1") await Bun.write(file, text);
    expect(text).toBe(await readFile(file, "utf8"));
    const { pod, restartCount, backOffMs, preparedMs, specHash, stage, networkOf, manifest, graceSeconds } =
      options;
    expect(parsePodUnit(text)).toEqual({
      pod,
      restartCount,
      backOffMs,
      preparedMs,
      specHash,
      stage,
      networkOf,
      manifest,
      graceSeconds: Math.max(graceSeconds, 2),
    });
  });
});

describe("parsePodUnit", () => {
  const keys = [
    "PodUID",
    "PodName",
    "PodNamespace",
    "PodHostNetwork",
    "RestartCount",
    "BackOffMs",
    "PreparedMs",
    "SpecHash",
    "Manifest",
  ];

  test.each(keys)("takes a unit without %s for somebody else's", (key) => {
    expect(parsePodUnit(podUnitText(web).replace(new RegExp(`^${key}=.*\n`, "m"), ""))).toBeUndefined();
  });

  test.each(keys)("takes a unit with an empty %s for somebody else's", (key) => {
    const text = podUnitText(web).replace(new RegExp(`^${key}=.*$`, "m"), `${key}=`);
    expect(parsePodUnit(text)).toBeUndefined();
  });

  test.each([
    "",
    "[Service]\nExecStart=/bin/true\n",
    "PodUID=1",
    "\0\xff[X-Gantry",
    "[X-Gantry]\nManifest={\n",
  ])("takes %j for somebody else's", (text) => {
    expect(parsePodUnit(text)).toBeUndefined();
  });

  test("an upgrade restarts nothing: a unit that gantry 0.1 wrote is all containers, in their own network", async () => {
    const recorded = await readFile(`${import.meta.dir}/fixtures/pod-unit-of-0.1.service`, "utf8");
    expect(parsePodUnit(recorded)).toEqual({
      pod: web.pod,
      restartCount: 3,
      backOffMs: 40_000,
      preparedMs: 5_123_450,
      specHash: web.specHash,
      stage: containersStage,
      networkOf: undefined,
      manifest: web.manifest,
      graceSeconds: 30,
    });
  });

  test.each(["Stage=later:x", "Stage=init:", "NetworkOf=x"])(
    "takes a unit with %s for somebody else's",
    (line) => {
      const text = podUnitText(web).replace(/^Stage=.*$/m, line);
      expect(parsePodUnit(text)).toBeUndefined();
    },
  );

  test("minds neither keys that it does not know nor a changed TimeoutStopSec", () => {
    const text = `${podUnitText(web).replace("TimeoutStopSec=30s", "TimeoutStopSec=1min")}Later=1\n`;
    expect(parsePodUnit(text)).toMatchObject({ restartCount: 3, graceSeconds: 90 });
  });

  test("time to tidy up is none that its apps may use, and a long grace period is enough for both", () => {
    const short = podUnitText({ ...web, graceSeconds: 3, tidySeconds: 20 });
    expect(short).toContain("TimeoutStopSec=20s\n");
    expect(parsePodUnit(short)?.graceSeconds).toBe(3);
    const long = podUnitText({ ...web, graceSeconds: 30, tidySeconds: 20 });
    expect(long).toContain("TimeoutStopSec=30s\n");
    expect(parsePodUnit(long)?.graceSeconds).toBe(30);
  });
});

describe("the finish marker", () => {
  async function finishedOf(
    script: string,
    end?: (unit: string) => void,
    finishedFile?: string,
  ): Promise<{ finished: ReturnType<typeof parseFinished>; result: string; files: string[] }> {
    await using dir = await tempDir();
    const file = finishedFile ?? `${dir.path}/fin ished-$x`;
    const text = podUnitText({
      ...web,
      execStart: ["/bin/sh", "-c", script],
      finishedFile: file,
      graceSeconds: 2,
    });
    await using unit = await writeUnit(text);
    run("systemctl", "start", unit.name);
    end?.(unit.name);
    await waitUntil("the unit's end", () =>
      /^(inactive|failed)/.test(run("systemctl", "is-active", unit.name)),
    );
    const result = run("systemctl", "show", "--value", "--property=Result", unit.name).trim();
    const files = run("ls", dir.path).trim().split("\n");
    return { finished: parseFinished(await readFile(file, "utf8").catch(() => "")), result, files };
  }

  const stop = (unit: string) => run("systemctl", "stop", unit);

  test("tells when and how a pod ended by itself", async () => {
    const before = systemClock.nowMs();
    const { finished, files } = await finishedOf("exit 7");
    const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
    expect(finished).toEqual({
      uptimeMs: expect.any(Number),
      bootId,
      serviceResult: "exit-code",
      exitCode: "exited",
      exitStatus: "7",
      isStopRequested: false,
    });
    expect(finished?.uptimeMs).toBeWithin(before, systemClock.nowMs() + 1);
    expect(files).toEqual(["fin ished-$x"]);
  });

  test("tells of a stop", async () => {
    const { finished } = await finishedOf("exec sleep 1000", stop);
    expect(finished).toMatchObject({
      serviceResult: "success",
      exitCode: "killed",
      exitStatus: "TERM",
      isStopRequested: true,
    });
  });

  test("tells of a stop that the main process answered with 0", async () => {
    const { finished } = await finishedOf('trap "exit 0" TERM; while :; do sleep 0.1; done', stop);
    expect(finished).toMatchObject({ exitCode: "exited", exitStatus: "0", isStopRequested: true });
  });

  test("tells of a pod that does not end when told", async () => {
    const { finished } = await finishedOf('trap "" TERM; while :; do sleep 1; done', stop);
    expect(finished).toMatchObject({ serviceResult: "timeout", exitCode: "killed", exitStatus: "KILL" });
  });

  test("that cannot be written does not make the pod a failed one", async () => {
    const { finished, result } = await finishedOf("exit 0", undefined, "/proc/nowhere/finished");
    expect({ finished, result }).toEqual({ finished: undefined, result: "success" });
  });

  test.each([
    "",
    "\n",
    "12.3 boot success exited",
    "x boot success exited 0",
    "12.3 b s e 0",
    "12.3 b s e 0 end more",
  ])("%j is none", (text) => {
    expect(parseFinished(text)).toBeUndefined();
  });

  test("of a pod that had no main process has no exit status", () => {
    expect(parseFinished("12.34 boot resources - - end\n")).toEqual({
      uptimeMs: 12_340,
      bootId: "boot",
      serviceResult: "resources",
      exitCode: undefined,
      exitStatus: undefined,
      isStopRequested: false,
    });
  });
});
