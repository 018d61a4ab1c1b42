// What an app gets, and what it is kept from, on a real systemd and kernel.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readFile, readlink, rename, writeFile } from "node:fs/promises";
import { engineAnnotations } from "../../src/rkt/appc.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { lines, type Pod, runningPod, scripts } from "./running-pod.ts";

const status = "grep -E '^(CapInh|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status";

interface Wishes {
  readonly app?: object;
  readonly isolators?: readonly object[];
  readonly appAnnotations?: Readonly<Record<string, string>>;
  readonly podAnnotations?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly volumes?: readonly object[];
}

function podOf(script: string, wishes: Wishes = {}): Promise<Pod> {
  const { app = {}, isolators = [], appAnnotations = {}, podAnnotations = {}, volumes = [], flags } = wishes;
  const list = (annotations: Readonly<Record<string, string>>) =>
    Object.entries(annotations).map(([name, value]) => ({ name, value }));
  const made = scripts({ web: `${script}\necho end` }, { ...app, isolators });
  return runningPod(
    (id) => ({
      apps: made(id).apps.map((each) => ({ ...each, annotations: list(appAnnotations) })),
      annotations: list(podAnnotations),
      volumes,
    }),
    flags === undefined ? {} : { flags },
  );
}

async function said(script: string, wishes: Wishes = {}): Promise<readonly string[]> {
  await using pod = await podOf(script, wishes);
  return (await lines(pod, "web", "end")).slice(0, -1);
}

describe("text arrives as it was written", () => {
  const hostile = [
    "%n %% %i %h %",
    "$HOME $" + "{HOME} $$ $",
    `"double" 'single' \\ \\n \\x41`,
    "line one\nline two\n",
    "  blanks \t around  ",
    "grüße, 日本語, \u{1f433}",
    "-@:+!",
    "--net=host",
    "; # [Service]",
    "",
    "\u001b[1m\u007f\u0001",
  ];

  test("in command, arguments, environment, working directory and mount path", async () => {
    await using out = await tempDir();
    const name = `-@:+! %n $x "q" 'a' \\ é\nx`;
    const directory = `/srv/${name}`;
    const script = [
      "#!/bin/sh",
      `printf '%s\\0' "$0" "$@" >"./mounted $y %i/arguments.new"`,
      `cat /proc/$$/environ >"./mounted $y %i/environment"`,
      `pwd >"./mounted $y %i/directory"`,
      `mv "./mounted $y %i/arguments.new" "./mounted $y %i/arguments"`,
      "exec sleep 1000",
    ].join("\n");
    const environment = hostile
      .map((value, index) => ({ name: `V${index}`, value }))
      .concat([
        { name: "with-dash.and.dot", value: "1" },
        { name: "%n", value: "%n" },
        { name: "y", value: "$y" },
        { name: "é", value: "é" },
      ]);
    await using _pod = await runningPod(
      (id) => ({
        apps: [
          {
            name: "web",
            image: { id },
            app: {
              exec: [`/bin/${name}`, ...hostile],
              user: "0",
              group: "0",
              workingDirectory: directory,
              environment,
              mountPoints: [{ name: "out", path: `${directory}/mounted $y %i` }],
            },
          },
        ],
        volumes: [{ name: "out", kind: "host", source: out.path }],
      }),
      {
        entries: [
          { name: "rootfs/srv", type: "directory" },
          { name: `rootfs${directory}`, type: "directory" },
          { name: `rootfs/bin/${name}`, mode: 0o755, content: script },
        ],
      },
    );
    await waitUntil("the arguments", () => existsSync(`${out.path}/arguments`));
    const seen = await readFile(`${out.path}/arguments`, "utf8");
    expect(seen.split("\0").slice(0, -1)).toEqual([`/bin/${name}`, ...hostile]);
    expect(await readFile(`${out.path}/directory`, "utf8")).toBe(`${directory}\n`);
    const variables = (await readFile(`${out.path}/environment`, "utf8")).split("\0");
    for (const { name: variable, value } of environment) expect(variables).toContain(`${variable}=${value}`);
  });
});

test("a working directory that the image does not have is made, where its root can be written to", async () => {
  expect(await said("pwd", { app: { workingDirectory: "/not/there" } })).toEqual(["/not/there"]);
  const app = { workingDirectory: "/tmp", readOnlyRootFS: true };
  expect(await said("pwd", { app })).toEqual(["/tmp"]);
});

describe("system calls", () => {
  const attempt = "unshare -U true 2>/dev/null && echo allowed || echo refused";

  test("are filtered unless told otherwise, for root and for others, with and without new privileges", async () => {
    const set = (...names: string[]) => [{ name: "os/linux/seccomp-retain-set", value: { set: names } }];
    const noNew = { name: "os/linux/no-new-privileges", value: true };
    const other = { user: "100", group: "101" };
    expect(await said(`${status}; ${attempt}`)).toEqual([
      "CapInh:\t0000000000000000",
      "CapEff:\t00000000a80425fb",
      "CapBnd:\t00000000a80425fb",
      "CapAmb:\t0000000000000000",
      "NoNewPrivs:\t0",
      "Seccomp:\t2",
      "refused",
    ]);
    const ofOther = [
      "CapInh:\t0000000000000000",
      "CapEff:\t0000000000000000",
      "CapBnd:\t00000000a80425fb",
      "CapAmb:\t0000000000000000",
    ];
    expect(await said(`${status}; ${attempt}`, { app: other })).toEqual([
      ...ofOther,
      "NoNewPrivs:\t0",
      "Seccomp:\t2",
      "refused",
    ]);
    expect(await said(`${status}; ${attempt}`, { app: other, isolators: [noNew] })).toEqual([
      ...ofOther,
      "NoNewPrivs:\t1",
      "Seccomp:\t2",
      "refused",
    ]);
    expect(
      await said(`grep Seccomp: /proc/self/status; ${attempt}`, { isolators: set("@appc.io/all") }),
    ).toEqual(["Seccomp:\t0", "allowed"]);
  });

  test("are filtered for what is entered too", async () => {
    await using pod = await podOf("echo up; sleep 1000");
    await lines(pod, "web", "up");
    const { stdout } = await pod.world.rkt("enter", pod.uuid, "/bin/sh", "-c", `${status}; ${attempt}`);
    expect(stdout).toContain("Seccomp:\t2\nrefused");
  });
});

test("the kernel's files are hidden or read-only, and devices may be made but not opened", async () => {
  const script = [
    "for f in /proc/kcore /proc/keys /proc/timer_list; do [ ! -e $f ] || head -c 1 $f | wc -c; done",
    "ls /sys/firmware | wc -l",
    "for f in /proc/sysrq-trigger /proc/sys/vm/swappiness /sys/power/state; do [ ! -e $f ] || (echo 1 >$f) 2>&1 | grep -q 'Read-only' || echo $f is writable; done",
    "mknod /tmp/disk b 8 0 && cat /tmp/disk 2>&1",
    "ls -d /dev/mqueue /dev/shm",
  ].join("\n");
  const seen = await said(script);
  expect(seen.filter((line) => line !== "0")).toEqual([
    "cat: can't open '/tmp/disk': Operation not permitted",
    "/dev/mqueue",
    "/dev/shm",
  ]);
});

test.each(["0", "101"])("who is not root sees no processes of others, with group %s", async (group) => {
  const script = "ls -d /proc/1 2>/dev/null || echo init is hidden";
  expect(await said(script, { app: { user: "100", group } })).toEqual(["init is hidden"]);
});

test("a privileged app has the machine's devices, everything it may do, and nothing hidden", async () => {
  const script = `${status}; ls /dev; (: >>/proc/sys/kernel/domainname) && echo writable`;
  const seen = await said(script, { appAnnotations: { [engineAnnotations.privileged]: "true" } });
  expect(seen).toContain("Seccomp:\t0");
  expect(seen).toContain("writable");
  expect(seen.find((line) => line.startsWith("CapEff"))).toBe(
    /CapBnd:.*/.exec(await readFile("/proc/1/status", "utf8"))?.[0].replace("CapBnd", "CapEff"),
  );
  for (const name of readdirSync("/dev")) expect(seen).toContain(name);
});

test("IPC and process ids are the machine's where that is asked for", async () => {
  const script = "readlink /proc/self/ns/ipc; ls -d /proc/1 2>/dev/null || echo init is hidden";
  const annotations = { [engineAnnotations.hostIpc]: "true", [engineAnnotations.hostPid]: "true" };
  const own = await readlink("/proc/self/ns/ipc");
  expect(await said(script, { app: { user: "100" }, podAnnotations: annotations })).toEqual([own, "/proc/1"]);
  const [separate] = await said(script, { app: { user: "100" } });
  expect(separate).not.toBe(own);
});

test("a pod has its own host name", async () => {
  const before = (await readFile("/proc/sys/kernel/hostname", "utf8")).trim();
  expect(await said("hostname", { flags: ["--net=host", "--hostname=pod-1"] })).toEqual(["pod-1"]);
  expect((await readFile("/proc/sys/kernel/hostname", "utf8")).trim()).toBe(before);
});

describe("mounts made later", () => {
  const mountPoints = [{ name: "v", path: "/v" }];

  async function withShared(run: (path: string) => Promise<void>): Promise<void> {
    await using directory = await tempDir();
    const path = `${directory.path}/shared`;
    await mkdir(`${path}/sub`, { recursive: true });
    await Bun.$`mount --bind ${path} ${path} && mount --make-shared ${path}`.quiet();
    try {
      await run(path);
    } finally {
      await Bun.$`umount -R -l ${path}`.quiet();
    }
  }

  const wishes = (path: string, propagation?: string): Wishes => ({
    app: { mountPoints },
    volumes: [{ name: "v", kind: "host", source: path }],
    appAnnotations: {
      [engineAnnotations.privileged]: "true",
      ...(propagation && { [engineAnnotations.mountPropagation]: JSON.stringify({ "/v": propagation }) }),
    },
  });

  const isMounted = async (path: string) =>
    (await readFile("/proc/self/mountinfo", "utf8")).includes(` ${path} `);

  test.each([
    ["None", undefined, "no"],
    ["HostToContainer", "HostToContainer", "yes"],
  ])("on the machine, with %s", async (_what, propagation, expected) => {
    await withShared(async (path) => {
      const script = `echo up; while [ ! -e /v/go ]; do sleep 0.05; done; [ -e /v/sub/f ] && echo yes || echo no`;
      await using pod = await podOf(script, wishes(path, propagation));
      await lines(pod, "web", "up");
      await Bun.$`mount -t tmpfs tmpfs ${path}/sub && touch ${path}/sub/f`.quiet();
      await writeFile(`${path}/.go`, "");
      await rename(`${path}/.go`, `${path}/go`);
      expect(await lines(pod, "web", "end")).toEqual(["up", expected, "end"]);
    });
  });

  test.each([
    ["HostToContainer", false],
    ["Bidirectional", true],
  ])("by the app, with %s", async (propagation, expected) => {
    await withShared(async (path) => {
      await using pod = await podOf(
        "mount -t tmpfs tmpfs /v/sub; echo up; sleep 1000",
        wishes(path, propagation),
      );
      await lines(pod, "web", "up");
      expect(await isMounted(`${path}/sub`)).toBe(expected);
    });
  });
});
