// The service of an app, by what is asked for and what systemd can do.

import { describe, expect, test } from "bun:test";
import type { AppProcess } from "../../src/engine/app-process.ts";
import { type AppUnitOptions, appUnitText } from "../../src/engine/app-unit.ts";
import type { RktUuid } from "../../src/pod/names.ts";
import { parseUnitFile } from "../../src/systemd/unit-file.ts";

const process: AppProcess = {
  argv: ["/bin/web"],
  uid: 0,
  gid: 0,
  supplementaryGids: [],
  workingDirectory: "/",
  environment: new Map([["PATH", "/bin"]]),
  capabilities: ["CAP_CHOWN"],
  noNewPrivileges: false,
};

const base: AppUnitOptions = {
  uuid: "02de1135-8af9-42ba-929f-4ad7d5f7bfb1" as RktUuid,
  app: "web",
  podUnit: "gantry-02de1135-8af9-42ba-929f-4ad7d5f7bfb1.service",
  slice: "gantry-1.slice",
  podPath: "/pods/1",
  process,
  mounts: [],
  limits: [],
  isReadOnly: false,
  graceSeconds: 30,
  output: undefined,
  hostname: undefined,
  systemdVersion: 252,
  insecure: new Set(),
};

/** The settings of the service, but for the hooks' scripts. */
function settings(change: Partial<AppUnitOptions> = {}): readonly string[] {
  const service = parseUnitFile(appUnitText({ ...base, ...change })).find(({ name }) => name === "Service");
  return (service?.entries ?? [])
    .filter(([key]) => !key.startsWith("ExecStop"))
    .map(([key, value]) => `${key}=${value}`);
}

/** What a change takes away and adds. */
function difference(change: Partial<AppUnitOptions>): {
  readonly less: readonly string[];
  readonly more: readonly string[];
} {
  const [before, after] = [settings(), settings(change)];
  return {
    less: before.filter((line) => !after.includes(line)),
    more: after.filter((line) => !before.includes(line)),
  };
}

const withProcess = (change: Partial<AppProcess>): Partial<AppUnitOptions> => ({
  process: { ...process, ...change },
});

test("the plain app", () => {
  expect(settings()).toEqual([
    "Slice=gantry-1.slice",
    "ExecStart=/bin/web",
    "KillMode=mixed",
    "TimeoutStopSec=30s",
    "OOMPolicy=continue",
    "User=0",
    "Group=0",
    "SupplementaryGroups=",
    "WorkingDirectory=/",
    "Environment=PATH=/bin",
    "UnsetEnvironment=LANG USER LOGNAME HOME SHELL INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID",
    "CapabilityBoundingSet=CAP_CHOWN",
    "StandardOutput=journal",
    "StandardError=journal",
    "SyslogIdentifier=web",
    "RootDirectory=/pods/1/apps/web/root",
    "RootDirectoryStartOnly=yes",
    "MountAPIVFS=yes",
    'BindPaths="/pods/1/dev":"/dev":rbind',
    'BindPaths="/pods/1/apps/web/root/run":"/run":norbind',
    "PrivateIPC=yes",
    "IPCNamespacePath=/pods/1/ipc",
    "ReadOnlyPaths=-+/sys -+/proc/sys -+/proc/sysrq-trigger -+/proc/irq -+/proc/bus -+/proc/fs",
    "InaccessiblePaths=-+/proc/kcore -+/proc/keys -+/proc/kmsg -+/proc/timer_list -+/proc/sched_debug -+/proc/scsi -+/sys/firmware",
    "ProtectProc=invisible",
    "DevicePolicy=closed",
    "DeviceAllow=char-pts rw",
  ]);
});

test("it lives and dies with the pod unit, and leaves nothing in systemd's memory", () => {
  expect(
    parseUnitFile(appUnitText(base))
      .find(({ name }) => name === "Unit")
      ?.entries.slice(1),
  ).toEqual([
    ["BindsTo", base.podUnit],
    ["After", base.podUnit],
    ["CollectMode", "inactive-or-failed"],
  ]);
});

describe("what systemd can do", () => {
  const hostname = "pod1";
  test.each([
    [248, []],
    [256, []],
    [257, ["PrivatePIDs=yes"]],
    [258, ["PrivatePIDs=yes", "ProtectHostname=private:pod1"]],
  ])("systemd %d", (systemdVersion, more) => {
    expect(difference({ systemdVersion, hostname })).toEqual({ less: [], more });
  });

  test("systemd 247, the oldest, has no IPC namespaces", () => {
    expect(difference({ systemdVersion: 247 })).toEqual({
      less: ["PrivateIPC=yes", "IPCNamespacePath=/pods/1/ipc"],
      more: [],
    });
  });
});

describe("what the app asks for", () => {
  const changes: readonly (readonly [
    what: string,
    change: Partial<AppUnitOptions>,
    less: readonly string[],
    more: readonly string[],
  ])[] = [
    ["nothing", {}, [], []],
    [
      "a user and groups",
      withProcess({ uid: 100, gid: 101, supplementaryGids: [4, 5] }),
      ["User=0", "Group=0", "SupplementaryGroups="],
      ["User=100", "Group=101", "SupplementaryGroups=4 5"],
    ],
    [
      "no capability",
      withProcess({ capabilities: [] }),
      ["CapabilityBoundingSet=CAP_CHOWN"],
      ["CapabilityBoundingSet="],
    ],
    ["all capabilities", withProcess({ capabilities: undefined }), ["CapabilityBoundingSet=CAP_CHOWN"], []],
    ["no new privileges", withProcess({ noNewPrivileges: true }), [], ["NoNewPrivileges=yes"]],
    [
      "text that systemd would interpret",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: systemd's
      withProcess({ argv: ["/bin/100%", "$HOME ${X} %n \\ \"'", "", ";", "\n"], workingDirectory: "/a %d" }),
      ["ExecStart=/bin/web", "WorkingDirectory=/"],
      ['ExecStart="/bin/100%%" "$$HOME $${X} %%n \\\\ \\"\'" "" ";" "\\n"', "WorkingDirectory=/a %%d"],
    ],
    [
      "environment that systemd would interpret",
      withProcess({
        environment: new Map([
          ["PATH", "/bin"],
          ["X", '%n $Y "q" \'\\\n\tend'],
        ]),
      }),
      [],
      ['Environment="X=%%n $Y \\"q\\" \'\\\\\\n\\tend"'],
    ],
    [
      "mounts, with paths that systemd would interpret",
      {
        mounts: [
          { source: '/srv/a:b "c" %\\', path: "/x:y z", readOnly: false, recursive: true },
          { source: "/etc/x", path: "/x", readOnly: true, recursive: false },
        ],
      },
      [],
      ['BindPaths="/srv/a:b \\"c\\" %%\\\\":"/x:y z":rbind', 'BindReadOnlyPaths="/etc/x":"/x":norbind'],
    ],
    [
      "a root file system that is read-only, but for its writable mounts",
      { isReadOnly: true, mounts: [{ source: "/srv", path: "/data", readOnly: false, recursive: true }] },
      [],
      ['BindPaths="/srv":"/data":rbind', "ReadOnlyPaths=+/", 'ReadWritePaths="+/data"'],
    ],
    ["limits", { limits: [["MemoryMax", "1"]] }, [], ["MemoryMax=1"]],
    [
      "output to files",
      { output: { stdout: "/proc/1/fd/1", stderr: "/proc/1/fd/2" } },
      ["StandardOutput=journal", "StandardError=journal", "SyslogIdentifier=web"],
      ["StandardOutput=append:/proc/1/fd/1", "StandardError=append:/proc/1/fd/2"],
    ],
    ["no slice", { slice: undefined }, ["Slice=gantry-1.slice"], []],
    ["the host's own paths and devices", { insecure: new Set(["paths"]) }, settings().slice(-5), []],
  ];
  test.each(changes)("%s", (_what, change, less, more) => {
    expect(difference(change)).toEqual({ less, more });
  });
});

describe("what systemd has no way to say is an error", () => {
  test.each([
    [
      "a variable's name",
      withProcess({ environment: new Map([["a-b", ""]]) }),
      'environment variable "a-b" is not made of letters, digits and underscores',
    ],
    [
      "a variable's value",
      withProcess({ environment: new Map([["A", "\x1b[1m"]]) }),
      'environment variable "A" holds a control character',
    ],
    ["a program's name", withProcess({ argv: ['/bin/"'] }), 'Not a program of a unit file: "/bin/\\""'],
    [
      "a path",
      { mounts: [{ source: "/a\nb", path: "/x", readOnly: false, recursive: true }] },
      'path "/a\\nb" holds a control character',
    ],
  ])("%s", (_what, change, message) => {
    expect(() => appUnitText({ ...base, ...change })).toThrow(
      `app "web" cannot be a systemd service: ${message}`,
    );
  });
});
