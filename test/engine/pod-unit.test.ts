// Pods as the agent runs them: in a pod unit of systemd's, on a real one.

import { describe, expect, test } from "bun:test";
import { readlink, symlink } from "node:fs/promises";
import { mountPoints } from "../../src/host/mount-table.ts";
import { waitUntil } from "../wait-until.ts";
import { lines, type Pod, property, runningPod, scripts } from "./running-pod.ts";

const sleeper = "trap 'exit 3' TERM; while :; do sleep 0.05; done";

async function ended({ unit }: Pod): Promise<string> {
  const state = await waitUntil(`${unit} ended`, async () => {
    const value = await property(unit, "ActiveState");
    return value === "inactive" || value === "failed" ? value : undefined;
  });
  return `${state} ${await property(unit, "ExecMainStatus")}`;
}

function appCodes(pod: Pod): Promise<string> {
  return pod.world.rkt("status", pod.uuid).then(({ stdout }) =>
    stdout
      .split("\n")
      .filter((line) => line.startsWith("app-"))
      .join(" "),
  );
}

describe("the pod unit ends", () => {
  test("with the code of the app that failed, and not before the others have stopped", async () => {
    await using pod = await runningPod(
      scripts({
        first: "sleep 0.2; exit 4",
        slow: "trap 'sleep 0.5; exit 1' TERM; while :; do sleep 0.05; done",
      }),
    );
    expect(await ended(pod)).toBe("failed 4");
    expect(await property(`gantry-${pod.uuid}-slow.service`, "ActiveState")).toBe("inactive");
    expect(await appCodes(pod)).toBe("app-first=4 app-slow=0");
  });

  test("well when the last app has ended well, and not before", async () => {
    await using pod = await runningPod(scripts({ one: "exit 0", two: "sleep 0.5" }));
    await waitUntil("the first code", async () =>
      (await pod.world.rkt("status", "--format=json", pod.uuid)).stdout.includes("exit_code"),
    );
    expect(await property(pod.unit, "ActiveState")).toBe("active");
    expect(await ended(pod)).toBe("inactive 0");
    expect(await appCodes(pod)).toBe("app-one=0 app-two=0");
  });

  test("when it is stopped: the apps first, each with its grace period", async () => {
    await using pod = await runningPod(scripts({ web: `echo up; ${sleeper}` }));
    await lines(pod, "web", "up");
    await Bun.$`systemctl stop ${pod.unit}`.quiet();
    expect(await ended(pod)).toBe("inactive 0");
    expect(await appCodes(pod)).toBe("app-web=0");
  });

  test("when its main process is killed, and the apps with it", async () => {
    await using pod = await runningPod(scripts({ web: `echo up; ${sleeper}` }));
    await lines(pod, "web", "up");
    await Bun.$`systemctl kill --kill-whom=main -s KILL ${pod.unit}`.quiet();
    await ended(pod);
    await waitUntil(
      "no app",
      async () => (await property(`gantry-${pod.uuid}-web.service`, "ActiveState")) === "inactive",
    );
  });

  test("on a full disk too", async () => {
    await using pod = await runningPod(
      scripts({ web: "echo up; while [ ! -e /go ]; do sleep 0.05; done; exit 7" }),
    );
    await lines(pod, "web", "up");
    const directory = `${pod.world.path}/rkt/pods/run/${pod.uuid}/status`;
    const isSmall = `mount -t tmpfs -o size=4k tmpfs /mnt && cp -a ${directory}/. /mnt && mount --bind /mnt ${directory} && ! echo x >/mnt/more`;
    await Bun.$`sh -c ${isSmall}`.quiet();
    try {
      await pod.world.rkt("enter", pod.uuid, "touch", "/go");
      expect(await ended(pod)).toBe("failed 7");
      expect(await appCodes(pod)).toBe("app-web=7");
    } finally {
      await Bun.$`umount ${directory} /mnt`.quiet();
    }
  });
});

test("a pod survives the D-Bus daemon", async () => {
  await using pod = await runningPod(scripts({ web: `echo up; ${sleeper}` }));
  await lines(pod, "web", "up");
  const pid = await property(`gantry-${pod.uuid}-web.service`, "MainPID");
  await Bun.$`systemctl kill -s KILL dbus.service`.quiet();
  await waitUntil(
    "D-Bus back",
    async () =>
      (await Bun.$`systemctl start dbus.service && busctl --system list`.quiet().nothrow()).exitCode === 0,
  );
  expect(await property(pod.unit, "ActiveState")).toBe("active");
  expect(await property(`gantry-${pod.uuid}-web.service`, "MainPID")).toBe(pid);
  expect((await pod.world.rkt("stop", pod.uuid)).exitCode).toBe(0);
});

test("nothing but a shell is left of run-prepared", async () => {
  await using pod = await runningPod(scripts({ web: `echo up; ${sleeper}` }));
  await lines(pod, "web", "up");
  const group = await property(pod.unit, "ControlGroup");
  const processes = await Bun.$`systemd-cgls --no-pager -l ${group}`.quiet().text();
  expect(processes.match(/─\d+ /g)).toHaveLength(1);
  expect(await property(`gantry-${pod.uuid}-web.service`, "Slice")).toBe("gantry-test.slice");
});

test("the apps of a pod share an IPC namespace, which is not the host's", async () => {
  const show = "ls -l /proc/self/ns/ipc; echo end";
  await using pod = await runningPod(scripts({ one: show, two: show }));
  const [one, two] = await Promise.all(["one", "two"].map((app) => lines(pod, app, "end")));
  const namespace = /ipc:\[\d+\]/.exec(one?.join() ?? "")?.[0] ?? "none";
  expect(two?.join()).toContain(namespace);
  expect(await readlink("/proc/self/ns/ipc")).not.toBe(namespace);
});

describe("an app", () => {
  test("gets its arguments and environment byte for byte", async () => {
    const odd = `$HOME \${X} $$ %n %% \\ "q" 'a' ; # é`;
    const exec = ["/bin/sh", "-c", 'printf "%s\\n" "$0" "$1" "$ODD" end', odd, "$USER"];
    await using pod = await runningPod(
      scripts({ web: "" }, { exec, environment: [{ name: "ODD", value: odd }] }),
    );
    expect(await lines(pod, "web", "end")).toEqual([odd, "$USER", odd, "end"]);
  });

  test("runs as its user, with its groups, directory and no more capabilities than it has", async () => {
    const script =
      "id -u; id -g; id -G; pwd; grep CapEff /proc/self/status; grep CapBnd /proc/self/status; echo end";
    const change = { user: "web", group: "web", supplementaryGIDs: [102], workingDirectory: "/tmp" };
    await using pod = await runningPod(scripts({ web: script }, change));
    expect(await lines(pod, "web", "end")).toEqual([
      "100",
      "101",
      "101 102",
      "/tmp",
      "CapEff:\t0000000000000000",
      "CapBnd:\t00000000a80425fb",
      "end",
    ]);
  });

  test("may be a user that the host does not have, and gets no group from one that it has", async () => {
    await Bun.$`useradd --uid 4242 --groups disk,adm hostuser`.quiet();
    const ids = (uid: string, gid: string) => ({ user: uid, group: gid, supplementaryGIDs: [5] });
    for (const [uid, gid] of [
      ["4242", "4343"],
      ["4444", "4444"],
    ] as const) {
      await using pod = await runningPod(
        scripts({ web: "id -u; id -G; echo [$HOME$USER]; echo end" }, ids(uid, gid)),
      );
      expect(await lines(pod, "web", "end")).toEqual([uid, `${gid} 5`, "[/]", "end"]);
    }
  });

  test("gets variables that systemd knows no way to say", async () => {
    const environment = [
      { name: "a-b.c", value: "1" },
      { name: "LINES", value: "x\ny\u001b" },
      { name: "LD_PRELOAD", value: "/nowhere.so" },
      { name: "end", value: "" },
    ];
    await using pod = await runningPod(scripts({ web: "" }, { exec: ["/bin/env"], environment }));
    const seen = await lines(pod, "web", "end=");
    expect(seen).toContain("a-b.c=1");
    expect(seen).toContain("LD_PRELOAD=/nowhere.so");
    expect(seen.filter((line) => line.startsWith("SYSTEMD") || line.startsWith("INVOCATION"))).toEqual([]);
  });

  test("has its mounts where its own links say, each as writable as was asked for", async () => {
    const script = [
      "cat /var/run/f",
      "cat /out/f",
      "touch /ro/sub/x 2>/dev/null || echo read-only below too",
      "cat /ro/g",
      "grep -c gantry-rkt /proc/mounts", // nothing tells of the host's paths
      "echo end",
    ].join("; ");
    const mountPoints = ["/var/run", "/out", "/ro", "/ro/g"].map((path, index) => ({
      name: `v${index}`,
      path,
    }));
    const directory = (await Bun.$`mktemp -d /tmp/gantry-volume-XXXXXX`.text()).trim();
    await Bun.$`mkdir -p ${directory}/sub && mount -t tmpfs tmpfs ${directory}/sub && echo hello >${directory}/f && touch ${directory}/g`.quiet();
    try {
      await using pod = await runningPod(
        (id) => ({
          apps: [
            {
              name: "web",
              image: { id },
              app: { exec: ["/bin/sh", "-c", script], user: "0", group: "0", mountPoints },
            },
          ],
          volumes: [
            { name: "v0", kind: "host", source: directory },
            { name: "v1", kind: "host", source: directory },
            { name: "v2", kind: "host", source: directory, readOnly: true },
            { name: "v3", kind: "host", source: `${directory}/f` },
          ],
        }),
        {
          entries: [
            { name: "rootfs/var", type: "directory" },
            { name: "rootfs/var/run", type: "symlink", linkname: "/run" },
            { name: "rootfs/out", type: "symlink", linkname: "../../../../../../tmp" },
          ],
        },
      );
      expect(await lines(pod, "web", "end")).toEqual([
        "hello",
        "hello",
        "read-only below too",
        "hello",
        "0",
        "end",
      ]);
    } finally {
      await Bun.$`umount ${directory}/sub && rm -r ${directory}`.quiet();
    }
  });

  test("sees no device of the host's, cannot make one work, and cannot change the kernel", async () => {
    const script = [
      "ls /dev | tr '\\n' ' '",
      "echo x >/dev/null && echo null works",
      "touch /proc/sys/kernel/hostname 2>/dev/null || echo sys is read-only",
      "echo 1 2>/dev/null >/sys/power/state || echo sysfs is read-only",
      "echo end",
    ].join("; ");
    await using pod = await runningPod(scripts({ web: script }));
    const seen = await lines(pod, "web", "end");
    expect(seen.join("\n")).toContain(
      "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
    );
    expect(seen).toContain("sysfs is read-only");
    expect(await property(`gantry-${pod.uuid}-web.service`, "DevicePolicy")).toBe("closed");
  });

  test("has its limits", async () => {
    const isolators = [
      { name: "resource/memory", value: { limit: "64Mi" } },
      { name: "resource/cpu", value: { limit: "50m" } },
    ];
    await using pod = await runningPod(scripts({ web: `echo up; ${sleeper}` }, { isolators }));
    await lines(pod, "web", "up");
    const unit = `gantry-${pod.uuid}-web.service`;
    expect([await property(unit, "MemoryMax"), await property(unit, "CPUQuotaPerSecUSec")]).toEqual([
      "67108864",
      "50ms",
    ]);
  });

  test("with a read-only root file system writes to its volumes alone", async () => {
    const script =
      "touch /x 2>/dev/null || echo root is read-only; touch /data/y && echo volume; touch /dev/shm/z && echo shm; echo end";
    const made = scripts({ web: script }, { mountPoints: [{ name: "data", path: "/data" }] });
    await using pod = await runningPod((id) => {
      const [app] = made(id).apps;
      return { apps: [{ ...app, readOnlyRootFS: true }], volumes: [{ name: "data", kind: "empty" }] };
    });
    expect(await lines(pod, "web", "end")).toEqual(["root is read-only", "volume", "shm", "end"]);
  });
});

test("an app's unit is ordered as its pod's is", async () => {
  const [after, before] = ["gantry-1.service", "gantry-2-web.service"];
  const flags = ["--net=host", `--gantry-apps-after=${after}`, `--gantry-apps-before=${before}`];
  await using pod = await runningPod(scripts({ web: `echo up; ${sleeper}` }), { flags });
  await lines(pod, "web", "up");
  const unit = `gantry-${pod.uuid}-web.service`;
  expect((await property(unit, "After")).split(" ")).toContain(after);
  expect((await property(unit, "Before")).split(" ")).toContain(before);
  const odd = await pod.world.rkt("run-prepared", "--gantry-apps-after=a b.service", pod.uuid);
  expect(odd.stderr).toContain("a b.service is no unit of a pod or an app");
});

test("regression: a pod's mounts were not found where a link leads to the data directory, and it could not be removed", async () => {
  await using pod = await runningPod(scripts({ web: "exit 0" }));
  await ended(pod);
  const link = `${pod.world.path}/link`;
  await symlink(`${pod.world.path}/rkt`, link);
  expect(await pod.world.rkt(`--dir=${link}`, "rm", pod.uuid)).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await mountPoints(pod.world.path)).toEqual([]);
});
