// The service of an app, by what is asked for and what systemd can do.

import { describe, expect, test } from "bun:test";
import { hasOwnPids } from "../../src/engine/app-isolation.ts";
import { type AppUnitOptions, appUnitText } from "../../src/engine/app-unit.ts";
import type { RktUuid } from "../../src/pod/names.ts";
import { engineAnnotations } from "../../src/rkt/appc.ts";
import { parseUnitFile } from "../../src/systemd/unit-file.ts";

const base: AppUnitOptions = {
  uuid: "02de1135-8af9-42ba-929f-4ad7d5f7bfb1" as RktUuid,
  app: "web",
  podUnit: "gantry-02de1135-8af9-42ba-929f-4ad7d5f7bfb1.service",
  after: [],
  before: [],
  slice: "gantry-1.slice",
  podPath: "/pods/1",
  self: ["/usr/bin/gantry", "rkt"],
  limits: [],
  graceSeconds: 30,
  output: undefined,
  hasOwnPids: false,
  hasAllDevices: false,
};

/** The settings of the service, but for the hooks' scripts. */
function settings(change: Partial<AppUnitOptions> = {}): readonly string[] {
  const service = parseUnitFile(appUnitText({ ...base, ...change })).find(({ name }) => name === "Service");
  return (service?.entries ?? [])
    .filter(([key]) => !key.startsWith("ExecStop"))
    .map(([key, value]) => `${key}=${value}`);
}

/** What a change takes away and adds. */
function difference(change: Partial<AppUnitOptions>) {
  const [before, after] = [settings(), settings(change)];
  return {
    less: before.filter((line) => !after.includes(line)),
    more: after.filter((line) => !before.includes(line)),
  };
}

test("the plain app", () => {
  expect(settings()).toEqual([
    "Slice=gantry-1.slice",
    "ExecStart=/usr/bin/gantry rkt start-app /pods/1 web",
    "KillMode=mixed",
    "TimeoutStopSec=30s",
    "OOMPolicy=continue",
    "IgnoreSIGPIPE=no",
    "StandardOutput=journal",
    "StandardError=journal",
    "SyslogIdentifier=web",
    "DevicePolicy=closed",
    "DeviceAllow=char-pts rw",
    "DeviceAllow=char-* m",
    "DeviceAllow=block-* m",
  ]);
});

test("it lives and dies with the pod unit, and leaves nothing in systemd's memory", () => {
  const unit = parseUnitFile(appUnitText(base)).find(({ name }) => name === "Unit");
  expect(unit?.entries.slice(1)).toEqual([
    ["BindsTo", base.podUnit],
    ["After", base.podUnit],
    ["CollectMode", "inactive-or-failed"],
  ]);
});

describe("process ids of its own", () => {
  const pod = (annotations: Readonly<Record<string, string>>) => ({
    acVersion: "0.8.11",
    acKind: "PodManifest" as const,
    apps: [],
    annotations: Object.entries(annotations).map(([name, value]) => ({ name, value })),
  });
  const app = (propagation?: string) => ({
    name: "web",
    image: { id: "sha512-0" },
    annotations:
      propagation === undefined
        ? null
        : [{ name: engineAnnotations.mountPropagation, value: JSON.stringify({ "/v": propagation }) }],
  });
  test.each([
    ["systemd 247", 247, {}, undefined, false],
    ["systemd 256", 256, {}, undefined, false],
    ["systemd 257", 257, {}, undefined, true],
    ["systemd 258", 258, {}, undefined, true],
    ["hostPID", 258, { [engineAnnotations.hostPid]: "true" }, undefined, false],
    ["mounts that come in", 258, {}, "HostToContainer", true],
    ["mounts that go out", 258, {}, "Bidirectional", false],
  ])("%s", (_what, version, annotations, propagation, expected) => {
    expect(hasOwnPids(app(propagation), pod(annotations), version)).toBe(expected);
  });
});

describe("what is asked for", () => {
  test.each([
    ["nothing", {}, [], []],
    ["limits", { limits: [["MemoryMax", "8388608"]] as const }, [], ["MemoryMax=8388608"]],
    ["no slice", { slice: undefined }, ["Slice=gantry-1.slice"], []],
    ["process ids of its own", { hasOwnPids: true }, [], ["PrivatePIDs=yes"]],
    [
      "the machine's devices",
      { hasAllDevices: true },
      ["DevicePolicy=closed", "DeviceAllow=char-pts rw", "DeviceAllow=char-* m", "DeviceAllow=block-* m"],
      [],
    ],
    [
      "output to files",
      { output: { stdout: "/proc/1/fd/1", stderr: "/proc/1/fd/2" } },
      ["StandardOutput=journal", "StandardError=journal", "SyslogIdentifier=web"],
      ["StandardOutput=append:/proc/1/fd/1", "StandardError=append:/proc/1/fd/2"],
    ],
    [
      "a data directory that systemd would interpret",
      { podPath: "/data $x 100%" },
      ["ExecStart=/usr/bin/gantry rkt start-app /pods/1 web"],
      ['ExecStart=/usr/bin/gantry rkt start-app "/data $$x 100%%" web'],
    ],
  ])("%s", (_what, change, less, more) => {
    expect(difference(change)).toEqual({ less, more });
  });
});

test("what systemd has no way to say is an error", () => {
  expect(() => appUnitText({ ...base, self: ['/bin/"'] })).toThrow('app "web" cannot be a systemd service: ');
});
