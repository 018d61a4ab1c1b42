// Images that try to get, when they run, what a container is kept from.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { landlockVersion } from "../../src/host/landlock.ts";
import { waitUntil } from "../wait-until.ts";
import { lines, type Pod, property, runningPod, scripts } from "./running-pod.ts";

/** What was said about an app that could not be started, once that is known. */
async function complaint({ uuid }: Pod, app: string): Promise<string> {
  const unit = `gantry-${uuid}-${app}.service`;
  return waitUntil(`${unit} ended`, async () => {
    const output = await Bun.$`journalctl -o cat -u ${unit} --no-pager`.quiet().nothrow().text();
    return output.split("\n").find((line) => line.startsWith("start-app: "));
  });
}

describe("regression: an image whose /proc is a symbolic link had the kernel's files unprotected", () => {
  test.each(["/proc", "/sys"])("%s", async (path) => {
    await using pod = await runningPod(scripts({ web: "echo up; sleep 60" }), {
      entries: [{ name: `rootfs${path}`, type: "symlink", linkname: "/elsewhere" }],
    });
    expect(await complaint(pod, "web")).toBe(`start-app: ${path} of the image is not a directory`);
    await waitUntil("the end", async () => (await property(pod.unit, "ActiveState")) === "failed");
    expect(await property(pod.unit, "ExecMainStatus")).toBe("226");
  });
});

describe("regression: an image's working directory was made outside of its root", () => {
  test.each([
    ["/proc/1/root/tmp/gantry-made", []],
    ["/work/gantry-made", [{ name: "rootfs/work", type: "symlink", linkname: "/proc/1/root/tmp" }]],
  ] as const)("%s", async (workingDirectory, entries) => {
    await using pod = await runningPod(scripts({ web: "pwd; echo end; sleep 60" }, { workingDirectory }), {
      entries,
    });
    const place = "/tmp/gantry-made"; // what /proc/1/root is called, looked for in its own root;
    expect(await lines(pod, "web", "end")).toEqual([place, "end"]);
    expect((await pod.world.rkt("enter", pod.uuid, "/bin/pwd")).stdout).toBe(`${place}\n`);
    expect(existsSync("/tmp/gantry-made")).toBe(false);
  });
});

test("regression: what is entered had the caller's inheritable capabilities beside the app's", async () => {
  await using pod = await runningPod(scripts({ web: "echo up; sleep 60" }));
  await lines(pod, "web", "up");
  const rkt = [process.execPath, `${import.meta.dir}/../../src/main.ts`, "rkt", ...pod.world.options];
  const read = ["grep", "-E", "Cap(Inh|Eff)", "/proc/self/status"];
  const status = await Bun.$`setpriv --inh-caps +sys_admin ${rkt} enter ${pod.uuid} ${read}`.quiet().text();
  expect(status).toBe("CapInh:\t0000000000000000\nCapEff:\t00000000a80425fb\n");
});

test.skipIf(landlockVersion() === 0)(
  "regression: root of a container was in the root directory of any process of the host that has no more capabilities",
  async () => {
    const victim = "gantry-test-victim.service";
    await Bun.$`systemd-run --quiet --unit=${victim} --property=CapabilityBoundingSet= sleep 60`.quiet();
    const pid = await property(victim, "MainPID");
    const script = [
      `test -e /proc/${pid}/root/ && echo entered`,
      `kill -CONT ${pid} 2>/dev/null && echo signalled`,
      "kill -CONT $$ && touch /tmp/a && mkdir /tmp/b && mv /tmp/a /tmp/b/a && echo unimpaired",
      "echo up; sleep 60",
    ].join("\n");
    await using pod = await runningPod(scripts({ web: script }));
    const signalled = landlockVersion() < 6 ? ["signalled"] : [];
    expect(await lines(pod, "web", "up")).toEqual([...signalled, "unimpaired", "up"]);
    await Bun.$`systemctl stop ${victim}`.quiet();
  },
);

test("regression: what is entered from a terminal could type into it, for whoever reads there next", async () => {
  const perl = `my $x = "x"; ioctl(STDIN, 0x5412, $x) ? print "typed\\n" : print "$!\\n"`; // TIOCSTI
  await using pod = await runningPod(
    (id) => ({
      apps: scripts({ web: "echo up; sleep 60" })(id).apps.map((app) => ({
        ...app,
        mounts: [{ volume: "usr", path: "/usr" }],
      })),
      volumes: [{ name: "usr", kind: "host", source: "/usr", readOnly: true }],
    }),
    {
      entries: ["lib", "lib64"].map((name) => ({
        name: `rootfs/${name}`,
        type: "symlink",
        linkname: `usr/${name}`,
      })),
    },
  );
  await lines(pod, "web", "up");
  const rkt = [process.execPath, `${import.meta.dir}/../../src/main.ts`, "rkt", ...pod.world.options];
  let output = "";
  const entered = Bun.spawn([...rkt, "enter", pod.uuid, "/usr/bin/perl", "-e", perl], {
    terminal: {
      cols: 80,
      rows: 24,
      data: (_terminal, bytes) => {
        output += Buffer.from(bytes).toString();
      },
    },
  });
  await entered.exited;
  expect(await waitUntil("its word", () => /.*\r\n/.exec(output)?.[0])).toBe("Operation not permitted\r\n");
});
