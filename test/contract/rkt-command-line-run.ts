// run-prepared, what a running pod tells, enter, stop; how pods end.

import { describe, expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { normalized, type RktArgv, recorded, rktWorld } from "./rkt-command-line-world.ts";

const sleeper = "echo started; trap 'exit 3' TERM; while :; do sleep 0.05; done";

export function describeRun(argv: RktArgv): void {
  describe("run-prepared", () => {
    test("passes output on, each stream as it is, and exits with the app's code", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ quick: "echo out; echo err >&2; exit 5" });
      expect(await world.rkt("run-prepared", "--net=host", uuid)).toEqual(recorded("10-fly/120"));
      expect(normalized(await world.rkt("status", uuid))).toEqual(recorded("20-host-systemd/120"));
      expect(normalized(await world.rkt("status", "--format=json", uuid))).toEqual(
        recorded("20-host-systemd/121"),
      );
      expect(normalized(await world.rkt("run-prepared", "--net=host", uuid))).toEqual(
        recorded("20-host-systemd/122"),
      );
    });

    test("takes the kubelet's flags", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ web: "cat /etc/resolv.conf" });
      const { stdout, exitCode } = await world.rkt(
        "run-prepared",
        "--net=host",
        "--dns=10.0.0.10",
        "--dns-search=default.svc.cluster.local",
        "--dns-opt=ndots:5",
        "--hostname=pod1",
        "--mds-register=false",
        uuid,
      );
      expect({ stdout, exitCode }).toEqual({
        stdout: "search default.svc.cluster.local\nnameserver 10.0.0.10\noptions ndots:5\n",
        exitCode: 0,
      });
    });

    test("mounts a host's volume, there and in the JSON", async () => {
      await using world = await rktWorld(argv);
      const id = await world.fetch("busybox.aci");
      await Bun.write(`${world.path}/vol/f`, "from-host\n");
      const mountPoints = [{ name: "v", path: "/data" }];
      const exec = ["/bin/sh", "-c", "cat /data/f; echo hi >/data/g"];
      const uuid = await world.prepareManifest({
        apps: [{ name: "voly", image: { id }, app: { exec, user: "0", group: "0", mountPoints } }],
        volumes: [{ name: "v", kind: "host", source: `${world.path}/vol` }],
      });
      expect(await world.rkt("run-prepared", "--net=host", uuid)).toMatchObject({
        stdout: "from-host\n",
        exitCode: 0,
      });
      expect(await Bun.file(`${world.path}/vol/g`).text()).toBe("hi\n");
      const mounts = `"mounts":[{"name":"v","container_path":"/data","host_path":"${world.path}/vol","read_only":false}]`;
      expect((await world.rkt("list", "--format=json")).stdout).toContain(mounts);
    });

    test("a volume whose source is missing: the pod has exited without having started", async () => {
      await using world = await rktWorld(argv);
      const id = await world.fetch("busybox.aci");
      const app = { exec: ["/bin/true"], user: "0", group: "0", mountPoints: [{ name: "v", path: "/v" }] };
      const uuid = await world.prepareManifest({
        apps: [{ name: "web", image: { id }, app }],
        volumes: [{ name: "v", kind: "host", source: "/nonexistent/vol" }],
      });
      const { stderr, exitCode } = await world.rkt("run-prepared", "--net=host", uuid);
      const text = "stat of host path /nonexistent/vol: stat /nonexistent/vol: no such file or directory\n";
      expect({ stderr, exitCode }).toEqual({ stderr: `run-prepared: ${text}`, exitCode: 254 });
      const status = JSON.parse((await world.rkt("status", "--format=json", uuid)).stdout);
      expect(status).toMatchObject({ state: "exited" });
      expect(status).not.toHaveProperty("started_at");
    });

    test("a user that the image does not have", async () => {
      await using world = await rktWorld(argv);
      const id = await world.fetch("busybox.aci");
      const app = { exec: ["/bin/id"], user: "nobodyhere", group: "0" };
      const uuid = await world.prepareManifest({ apps: [{ name: "web", image: { id }, app }] });
      const { stderr, exitCode } = await world.rkt("run-prepared", "--net=host", uuid);
      expect({ stderr, exitCode }).toEqual({
        stderr: 'run-prepared: "nobodyhere" user not found\n',
        exitCode: 254,
      });
    });

    test("a network that is not configured", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ web: "true" });
      const { stderr, exitCode } = recorded("60-network/004");
      // rkt has it from a program of its own.
      const told = stderr.replace(/^stage1:/, "run-prepared:");
      expect(await world.rkt("run-prepared", "--net=nosuch", uuid)).toEqual({
        stdout: "",
        stderr: told,
        exitCode,
      });
      expect((await world.rkt("status", uuid)).stdout).toStartWith("state=exited\n");
    });

    test("a program that is missing is 203, as systemd has it", async () => {
      await using world = await rktWorld(argv);
      const id = await world.fetch("busybox.aci");
      const app = { exec: ["/bin/nonexistent"], user: "0", group: "0" };
      const uuid = await world.prepareManifest({ apps: [{ name: "noexec", image: { id }, app }] });
      expect((await world.rkt("run-prepared", "--net=host", uuid)).exitCode).toBe(203);
      expect((await world.rkt("status", uuid)).stdout).toContain("\napp-noexec=203\n");
    });
  });

  describe("a running pod", () => {
    test("status, list, and what it refuses", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      await world.startUntil(uuid, "started");
      expect(normalized(await world.rkt("status", uuid))).toEqual(recorded("20-host-systemd/131"));
      expect(normalized(await world.rkt("status", "--format=json", uuid))).toEqual(
        recorded("20-host-systemd/132"),
      );
      expect(normalized(await world.rkt("status", "--wait=100ms", uuid))).toEqual(recorded("10-fly/137"));
      expect(normalized(await world.rkt("run-prepared", "--net=host", uuid))).toEqual(recorded("10-fly/154"));
      expect(normalized(await world.rkt("rm", uuid))).toEqual(recorded("10-fly/155"));
      // Of a real rkt with a stage1 that is older than the host's systemd this one never comes true.
      expect((await world.rkt("status", "--wait-ready=5s", uuid)).exitCode).toBe(0);
    });

    test("some of its apps may have ended", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ main: sleeper, quick: "exit 0", ok: "exit 0" });
      await world.startUntil(uuid, "started");
      const both = await waitUntil("two exit codes", async () => {
        const answer = await world.rkt("status", "--format=json-pretty", uuid);
        return answer.stdout.split("exit_code").length === 3 ? answer : undefined;
      });
      expect(normalized(both)).toEqual(recorded("30-host-multi-app/008"));
      expect(normalized(await world.rkt("status", uuid))).toEqual(recorded("30-host-multi-app/007"));
      expect(normalized(await world.rkt("enter", uuid, "/bin/true"))).toEqual(
        recorded("30-host-multi-app/009"),
      );
      expect(await world.rkt("enter", "--app=main", uuid, "/bin/echo", "hi")).toEqual(
        recorded("30-host-multi-app/010"),
      );
      // rkt enters an app that has ended; here its namespaces are gone with it.
      expect(await world.rkt("enter", "--app=quick", uuid, "/bin/true")).toMatchObject({ exitCode: 254 });
      await world.rkt("stop", uuid);
      const ended = normalized(await world.rkt("status", uuid));
      expect(ended.stdout.split("\n").slice(-4)).toEqual(["app-main=0", "app-quick=0", "app-ok=0", ""]);
    });

    test("its image may be removed", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      await world.startUntil(uuid, "started");
      expect((await world.rkt("image", "rm", "example.com/busybox")).stdout).toContain(
        "successfully removed",
      );
      expect((await world.rkt("enter", uuid, "/bin/id")).exitCode).toBe(0);
    });
  });

  describe("enter", () => {
    test("passes streams, exit code and signals on, and finds programs in $PATH", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      await world.startUntil(uuid, "started");
      const { stdout, stderr } = await world.rkt(
        "enter",
        "--app=sleeper",
        uuid,
        "/bin/sh",
        "-c",
        "echo out; echo err >&2; id; pwd",
      );
      expect({ stdout, stderr }).toEqual({ stdout: "out\nuid=0(root) gid=0(root)\n/\n", stderr: "err\n" });
      expect(await world.rkt("enter", "--app=sleeper", uuid, "/bin/sh", "-c", "exit 7")).toEqual(
        recorded("20-host-systemd/141"),
      );
      expect(await world.rkt("enter", uuid, "/bin/sh", "-c", "kill -9 $$")).toMatchObject({ exitCode: 137 });
      expect(await world.rkt("enter", uuid, "ls", "/")).toMatchObject({ exitCode: 0 });
      expect(await world.rkt("enter", uuid, "/bin/echo", "--", "-x")).toMatchObject({ stdout: "-- -x\n" });
      expect(await world.rktReading("hello stdin\n", "enter", uuid, "/bin/cat")).toEqual(
        recorded("10-fly/150"),
      );
    });

    test("of an unknown app is 6, of an unknown program 1", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      await world.startUntil(uuid, "started");
      const app = await world.rkt("enter", "--app=nope", uuid, "/bin/true");
      expect(app.exitCode).toBe(recorded("20-host-systemd/143").exitCode);
      const program = await world.rkt("enter", "--app=sleeper", uuid, "/bin/nonexistent");
      expect(program.exitCode).toBe(recorded("20-host-systemd/145").exitCode);
      expect(program.stderr).toContain(' open "/bin/nonexistent": No such file or directory\n');
      const shell = await world.rkt("enter", uuid);
      expect(shell).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('no command specified, assuming "/bin/bash"\n'),
      });
    });
  });

  describe("the end", () => {
    test("stop: every app is recorded as 0, whatever it exits with then", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      const pod = await world.startUntil(uuid, "started");
      expect(normalized(await world.rkt("stop", uuid))).toEqual(recorded("10-fly/166"));
      expect(normalized(await world.rkt("status", uuid))).toEqual(recorded("20-host-systemd/165"));
      expect(await pod.exited).toBe(0);
      expect(normalized(await world.rkt("stop", uuid))).toEqual(recorded("10-fly/169"));
      expect(normalized(await world.rkt("enter", "--app=sleeper", uuid, "/bin/true"))).toEqual(
        recorded("10-fly/170"),
      );
      expect(normalized(await world.rkt("stop", uuid, "deadbeef-dead-beef-dead-beefdeadbeef"))).toEqual(
        recorded("10-fly/171"),
      );
    });

    test("stop --force: no app has an exit code", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      await world.startUntil(uuid, "started");
      expect(normalized(await world.rkt("stop", "--force", uuid))).toEqual(recorded("10-fly/173"));
      const both = [await world.rkt("status", uuid), await world.rkt("status", "--format=json", uuid)];
      expect(
        normalized({ stdout: both.map(({ stdout }) => stdout).join(""), stderr: "", exitCode: 0 }),
      ).toEqual(recorded("10-fly/174"));
    });

    test("SIGTERM to run-prepared is a stop", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      const pod = await world.startUntil(uuid, "started");
      pod.kill("SIGTERM");
      expect(await pod.exited).toBe(0);
      expect((await world.rkt("status", uuid)).stdout).toContain("\napp-sleeper=0\n");
    });

    test("SIGKILL to run-prepared; unlike rkt, the apps end too", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper });
      const pod = await world.startUntil(uuid, "started");
      pod.kill("SIGKILL");
      await pod.exited;
      // rkt leaves them running in a pod that it calls exited.
      await waitUntil("no app", async () => {
        const state = await Bun.$`systemctl is-active gantry-${uuid}-sleeper.service`
          .quiet()
          .nothrow()
          .text();
        return state.trim() === "inactive";
      });
      expect((await world.rkt("status", uuid)).stdout).toStartWith("state=exited\n");
    });

    test("an app that fails ends the pod, and that is its exit code; the others are recorded as 0", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ first: "sleep 0.2; exit 4", second: sleeper });
      expect((await world.rkt("run-prepared", "--net=host", uuid)).exitCode).toBe(4);
      expect(normalized(await world.rkt("status", uuid))).toEqual(recorded("30-host-multi-app/019"));
    });

    test("an app that a signal ends has failed with the signal's number", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ main: sleeper, killed: "sleep 0.2; kill -9 $$", ok: "exit 0" });
      expect((await world.rkt("run-prepared", "--net=host", uuid)).exitCode).toBe(9);
      const { stdout } = await world.rkt("status", uuid);
      expect(stdout.split("\n").slice(-4)).toEqual(["app-main=0", "app-killed=9", "app-ok=0", ""]);
    });

    test("status --wait waits for it", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ first: "echo started; sleep 0.3; exit 4", second: sleeper });
      await world.startUntil(uuid, "started");
      const { stdout } = normalized(await world.rkt("status", "--wait", uuid));
      const sort = (output: string) => output.trimEnd().split("\n").sort();
      expect(sort(stdout)).toEqual(sort(recorded("30-host-multi-app/020").stdout));
    });
  });
}
