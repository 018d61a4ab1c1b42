// gantry as a person installs it: the executable in its place, `gantry install --now`, and the machine's real directories. The unit is
// hardened, and everything still works under it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { Pod } from "kubernetes-types/core/v1.d.ts";
import { writeAci } from "../aci.ts";
import { networkState } from "../engine/network/networked-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { call, gantry, journal, putExecutable } from "./installed-gantry.ts";
import { removeUnits, run } from "./machine.ts";
import { manifest } from "./manifest.ts";

const image = "/srv/images/busybox.aci";
const manifests = "/etc/gantry/manifests";

function pod(name: string): Pod {
  return JSON.parse(call("get", "pod", name, "-o", "json").stdout);
}

function waitReady(...names: readonly string[]): void {
  const { exitCode, stderr } = call("wait", ...names, "--for=condition=Ready", "--timeout=20s");
  if (exitCode !== 0) throw new Error(`${stderr}${call("get", "pods", "-o", "yaml").stdout}${journal()}`);
}

const unitProperty = async (name: string) =>
  (await run("systemctl", "show", "--value", "-p", name, "gantry.service")).trim();

beforeAll(async () => {
  await putExecutable();
  await mkdir("/srv/images", { recursive: true });
  await writeAci(image);
  // An overlay's upper directory cannot lie on the overlay that is the root here.
  await mkdir("/var/lib/gantry", { recursive: true });
  await run("mount", "-t", "tmpfs", "tmpfs", "/var/lib/gantry");
});

afterAll(async () => {
  await run("systemctl", "stop", "gantry.service").catch(() => undefined);
  await removeUnits("/var/lib/gantry");
  await rm("/etc/gantry", { recursive: true, force: true });
  await rm("/etc/systemd/system/gantry.service", { force: true });
});

describe("install", () => {
  test("a dry run prints, and changes nothing", async () => {
    const { exitCode, stdout } = call("install", "--dry-run");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("would make: /etc/systemd/system/gantry.service\n");
    expect(stdout).toContain("    ExecStart=/usr/local/bin/gantry agent\n");
    expect(await Bun.file("/etc/systemd/system/gantry.service").exists()).toBe(false);
    expect(await stat("/etc/gantry").catch(() => "none")).toBe("none");
  });

  test("a unit that a person wrote is left alone", async () => {
    const unit = "/etc/systemd/system/gantry.service";
    await writeFile(unit, "[Service]\nExecStart=/usr/local/bin/gantry agent\n");
    for (const flag of ["--now", "--dry-run"]) {
      const { exitCode, stderr } = call("install", flag);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`gantry: ${unit} is somebody's own (`)]);
    }
    call("uninstall");
    expect(await Bun.file(unit).exists()).toBe(true);
    await rm(unit);
  });

  test("makes group, directories and unit, and starts the agent", async () => {
    const { exitCode, stdout, stderr } = call("install", "--now");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual([
      "made: the group gantry, whose members may use the agent's socket",
      "made: /etc/gantry (directory, 0755)",
      "made: /etc/gantry/config.d (directory, 0755)",
      "unchanged: /var/lib/gantry (directory, 0755)",
      "made: /etc/gantry/manifests (directory, 0750)",
      "made: /etc/gantry/config.yaml",
      "made: /usr/local/share/man/man1/gantry.1",
      "made: /etc/systemd/system/gantry.service",
      "gantry.service runs, now and after each boot; gantry get pods -A shows what it keeps running",
      "",
    ]);
    expect((await run("systemctl", "is-enabled", "gantry.service")).trim()).toBe("enabled");
    expect(await unitProperty("ActiveState")).toBe("active");
    expect((await stat("/run/gantry/gantry.sock")).mode & 0o777).toBe(0o660);
    expect((await stat(manifests)).mode & 0o777).toBe(0o750);
  });

  test("the unit's exposure is at most 3.0", async () => {
    const unit = "/etc/systemd/system/gantry.service";
    const report = await run("systemd-analyze", "security", "--offline=true", "--no-pager", unit);
    const [, exposure] = /exposure level for gantry\.service: (\d+\.\d)/.exec(report) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(3);
    expect(Number(exposure)).toBeGreaterThan(0);
  });

  test("again: nothing is left to do, and what a person wrote stays", async () => {
    const written = "# mine\nmaxParallelImagePulls: 2\n";
    await writeFile("/etc/gantry/config.yaml", written);
    const started = await unitProperty("InvocationID");
    const { exitCode, stdout } = call("install", "--now");
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("made: ");
    expect(await readFile("/etc/gantry/config.yaml", "utf8")).toBe(written);
    expect(await unitProperty("InvocationID")).toBe(started);
  });
});

describe("under the hardened unit", () => {
  test("pods have volumes of every kind, of directories that were not there too", async () => {
    const container = (script: string) => ({ name: "main", image, command: ["/bin/sh", "-c", script] });
    const volumes = [
      { name: "disk", emptyDir: {} },
      { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      { name: "new", hostPath: { path: "/opt/made/by/gantry", type: "DirectoryOrCreate" } },
      { name: "keys", secret: { secretName: "keys" } },
      { name: "settings", configMap: { name: "settings" } },
    ];
    const volumeMounts = [
      ...volumes.map(({ name }) => ({ name, mountPath: `/${name}` })),
      { name: "new", mountPath: "/sub", subPath: "below/it" },
    ];
    const script =
      "touch /disk/a /memory/a /new/a /sub/a && cat /keys/token /settings/greeting && grep ' /keys \\| /memory ' /proc/mounts | cut -d' ' -f2,3; exec sleep 1000";
    const documents = [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "full" },
        spec: {
          hostNetwork: true,
          terminationGracePeriodSeconds: 2,
          securityContext: { fsGroup: 4242 },
          containers: [{ ...container(script), volumeMounts }],
          volumes,
        },
      },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "keys" }, stringData: { token: "hunter2\n" } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { greeting: "hello\n" } },
    ];
    await writeFile(`${manifests}/full.yaml`, documents.map((it) => JSON.stringify(it)).join("\n---\n"));
    waitReady("pod/full");
    const log = await waitUntil("the pod's lines", () => {
      const { stdout } = call("logs", "full");
      return stdout.includes("/memory") && stdout;
    });
    expect(log.split("\n").sort()).toEqual(["", "/keys tmpfs", "/memory tmpfs", "hello", "hunter2"]);
    expect(await Bun.file("/opt/made/by/gantry/below/it/a").exists()).toBe(true);

    await writeFile(
      `${manifests}/full.yaml`,
      documents.map((it) => JSON.stringify(it).replace("hunter2", "changed")).join("\n---\n"),
    );
    await waitUntil(
      "the new secret in the pod",
      () => call("exec", "full", "--", "cat", "/keys/token").stdout === "changed\n",
    );
  });

  test("probes and hooks are run in containers, and what crashes is started again", async () => {
    const probed = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "probed" },
      spec: {
        hostNetwork: true,
        terminationGracePeriodSeconds: 5,
        volumes: [{ name: "told", hostPath: { path: "/srv/told", type: "DirectoryOrCreate" } }],
        containers: [
          {
            name: "main",
            image,
            command: ["/bin/sh", "-c", "exec sleep 1000"],
            volumeMounts: [{ name: "told", mountPath: "/told" }],
            readinessProbe: { exec: { command: ["test", "-e", "/told/started"] }, periodSeconds: 1 },
            lifecycle: {
              postStart: { exec: { command: ["touch", "/told/started"] } },
              preStop: { exec: { command: ["touch", "/told/stopped"] } },
            },
          },
        ],
      },
    };
    await writeFile(`${manifests}/probed.yaml`, JSON.stringify(probed));
    const crashing = manifest("crashing", { image, scripts: { main: "echo once; exit 3" } });
    await writeFile(`${manifests}/crashing.yaml`, crashing);
    waitReady("pod/probed");
    await waitUntil(
      "a restart",
      () => (pod("crashing").status?.containerStatuses?.[0]?.restartCount ?? 0) > 0,
    );
    expect(call("logs", "crashing", "--previous").stdout).toBe("once\n");

    await rm(`${manifests}/probed.yaml`);
    await rm(`${manifests}/crashing.yaml`);
    const { exitCode } = call("wait", "pod/probed", "pod/crashing", "--for=delete", "--timeout=20s");
    expect(exitCode).toBe(0);
    expect(await Bun.file("/srv/told/stopped").exists()).toBe(true);
  });

  test("regression: while the bus was away each probe by exec had failed, and liveness restarted what was well", async () => {
    const script = "exec sleep 1000";
    const livenessProbe = { exec: { command: ["true"] }, periodSeconds: 1, failureThreshold: 1 };
    const containers = [{ name: "main", image, command: ["/bin/sh", "-c", script], livenessProbe }];
    const spec = { hostNetwork: true, terminationGracePeriodSeconds: 1, containers };
    const living = { apiVersion: "v1", kind: "Pod", metadata: { name: "living" }, spec };
    await writeFile(`${manifests}/living.yaml`, JSON.stringify(living));
    waitReady("pod/living");
    const probes = async (result: string) => {
      const metrics = await fetch("http://gantry/metrics", { unix: "/run/gantry/gantry.sock" });
      const lines = (await metrics.text())
        .split("\n")
        .filter((line) => line.startsWith("prober_probe_total{"));
      const its = lines.filter((line) => line.includes('"Liveness"') && line.includes(`"${result}"`));
      return its.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    };
    await waitUntil("good probes", async () => (await probes("successful")) > 0);
    await run("systemctl", "stop", "dbus.socket", "dbus.service");
    await waitUntil("probes that are not run", async () => (await probes("unknown")) > 1);
    await run("systemctl", "start", "dbus.socket", "dbus.service");
    const good = await probes("successful");
    await waitUntil("probes that are", async () => (await probes("successful")) > good);
    expect([await probes("failed"), pod("living").status?.containerStatuses?.[0]?.restartCount]).toEqual([
      0, 0,
    ]);
    await rm(`${manifests}/living.yaml`);
    expect(call("wait", "pod/living", "--for=delete", "--timeout=20s").exitCode).toBe(0);
  });

  test("a pod has a network of its own, is probed over it and forwarded to, and leaves nothing of it", async () => {
    const before = await networkState();
    const networked = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "networked" },
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: "main",
            image,
            command: ["/bin/sh", "-c", "httpd -p 127.0.0.1:81 -h /etc; exec httpd -f -p 80 -h /etc"],
            readinessProbe: { httpGet: { port: 80, path: "/passwd" }, periodSeconds: 1 },
          },
        ],
      },
    };
    await writeFile(`${manifests}/networked.yaml`, JSON.stringify(networked));
    waitReady("pod/networked");
    const forward = Bun.spawn([gantry, "port-forward", "networked", ":81"], { stdout: "pipe" });
    const { value } = await forward.stdout.getReader().read();
    const [, port] = /:(\d+) -> 81/.exec(Buffer.from(value ?? []).toString()) ?? [];
    expect(await (await fetch(`http://127.0.0.1:${port}/passwd`)).text()).toContain("root:");
    forward.kill();
    await rm(`${manifests}/networked.yaml`);
    expect(call("wait", "pod/networked", "--for=delete", "--timeout=20s").exitCode).toBe(0);
    await waitUntil("the network to be gone", async () => Bun.deepEquals(await networkState(), before));
  });

  test("commands are run in containers, at a terminal too", async () => {
    expect(call("exec", "full", "--", "sh", "-c", "echo out; exit 7")).toEqual({
      exitCode: 7,
      stdout: "out\n",
      stderr: "",
    });
    let screen = "";
    const child = Bun.spawn([gantry, "exec", "-it", "full", "--", "sh"], {
      env: { ...process.env, TERM: "xterm" },
      terminal: {
        cols: 97,
        rows: 31,
        data: (_terminal, bytes) => {
          screen += Buffer.from(bytes).toString();
        },
      },
    });
    await waitUntil("the prompt", () => screen.includes("# "));
    child.terminal?.write("stty size; exit 5\n");
    expect(await child.exited).toBe(5);
    await waitUntil("the terminal's size", () => screen.includes("31 97"));
  });

  test("what is done outside of it makes the agent look at nothing", async () => {
    await writeFile("/etc/gantry/config.d/debug.yaml", "debug: true\n");
    await run("systemctl", "reload", "gantry.service");
    await waitUntil("the reload", () => journal().includes("configuration reloaded changed=debug"));
    const looks = () => journal().match(/pass reasons=\S*units/g)?.length ?? 0;
    const before = looks();
    for (let times = 0; times < 3; times++) expect(call("exec", "full", "--", "true").exitCode).toBe(0);
    expect(looks()).toBe(before);
    await rm("/etc/gantry/config.d/debug.yaml");
    await run("systemctl", "reload", "gantry.service");
  });

  test("statistics and images are known, also what is in a network of its own and on the disk", async () => {
    const networked = manifest("networked", { image }).replace("  hostNetwork: true\n", "");
    await writeFile(`${manifests}/networked.yaml`, networked);
    waitReady("pod/networked");
    const answer = await fetch("http://127.0.0.1:10255/stats/summary");
    const { pods } = (await answer.json()) as { pods: { podRef: { name: string } }[] };
    const stats = (name: string) => pods.find(({ podRef }) => podRef.name.startsWith(`${name}-`));
    expect(stats("networked")).toMatchObject({ network: { name: "eth0", rxErrors: 0 } });
    expect(stats("full")).toMatchObject({
      memory: { workingSetBytes: expect.any(Number) },
      volume: [
        { name: "disk", usedBytes: expect.any(Number) },
        { name: "memory", usedBytes: expect.any(Number) },
      ],
    });
    await rm(`${manifests}/networked.yaml`);
    expect(call("wait", "pod/networked", "--for=delete", "--timeout=20s").exitCode).toBe(0);

    expect(call("top", "pods").stdout).toMatch(/^NAME +CPU\(cores\) +MEMORY\(bytes\)\nfull-/);
    expect(call("get", "images").stdout).toContain(image);
    expect(call("get", "events").stdout).toContain("Started container main");
  });
});

test("a member of the group gantry may ask the agent, and others may not", async () => {
  await run("useradd", "--no-create-home", "--groups", "gantry", "member");
  await run("useradd", "--no-create-home", "stranger");
  const as = (user: string) =>
    Bun.spawnSync(["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", gantry, "get", "pods"]);
  const member = as("member");
  expect([member.exitCode, member.stdout.toString()]).toEqual([0, expect.stringMatching(/^NAME .*\nfull-/)]);
  const stranger = as("stranger");
  expect([stranger.exitCode, stranger.stdout.toString(), stranger.stderr.toString()]).toEqual([
    1,
    "",
    "gantry: Permission denied for /run/gantry/gantry.sock (become root, or a member of the group gantry: usermod -aG gantry USER, then log in again)\n",
  ]);
});

describe("as a service", () => {
  const podUnits = async () => {
    const list = await run(
      "systemctl",
      "list-units",
      "--plain",
      "--no-legend",
      "--state=active",
      "gantry-*.service",
    );
    const units = list
      .split("\n")
      .flatMap((line) => /^gantry-[0-9a-f]{8}-\S*\.service/.exec(line)?.[0] ?? []);
    const ids = units.map(async (unit) => [unit, await run("systemctl", "show", "-p", "InvocationID", unit)]);
    return Object.fromEntries(await Promise.all(ids));
  };

  test("an upgrade, the file replaced and the agent restarted, is noticed by no pod", async () => {
    const before = await podUnits();
    expect(Object.keys(before)).not.toEqual([]);
    const agent = await unitProperty("InvocationID");
    await putExecutable();
    await run("systemctl", "restart", "gantry.service");
    expect(await unitProperty("InvocationID")).not.toBe(agent);
    waitReady("pod/full");
    expect(await podUnits()).toEqual(before);
  });

  test("a reload takes a good configuration, and refuses a bad one while the agent runs on", async () => {
    const agent = await unitProperty("InvocationID");
    await writeFile("/etc/gantry/config.d/debug.yaml", "debug: true\n");
    await run("systemctl", "reload", "gantry.service");
    await waitUntil("the reload", () => journal().includes("configuration reloaded changed=debug"));
    await writeFile("/etc/gantry/config.d/debug.yaml", "debgu: true\n");
    await run("systemctl", "reload", "gantry.service");
    const place = "/etc/gantry/config.d/debug.yaml:1:1: debgu: unknown field";
    await waitUntil("the refusal", () => journal().includes(place));
    expect(await unitProperty("ActiveState")).toBe("active");
    expect(await unitProperty("StatusText")).toContain(`configuration not reloaded: ${place}`);
    const ready = await fetch("http://gantry/readyz?verbose", { unix: "/run/gantry/gantry.sock" });
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringContaining("[!] configuration: not reloaded"),
    ]);
    await rm("/etc/gantry/config.d/debug.yaml");
    await run("systemctl", "reload", "gantry.service");
    await waitUntil(
      "the note to go",
      async () => !(await unitProperty("StatusText")).includes("configuration"),
    );
    expect(await unitProperty("InvocationID")).toBe(agent);
  });

  test.each([
    [[], "/run/systemd/system is locked"],
    [["--unit-dir=/run/other/units"], "/var/lib/gantry is locked"],
  ])("a second agent refuses to start, with %j", (flags, why) => {
    const { exitCode, stderr } = call("agent", "--run-dir=/run/other", ...flags);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`another gantry agent is running (${why})`);
  });
});

describe("uninstall", () => {
  test("leaves what runs, and says how to end it", async () => {
    const { exitCode, stdout } = call("uninstall");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("1 pod runs on, until systemctl stop");
    expect(await Bun.file("/etc/systemd/system/gantry.service").exists()).toBe(false);
    expect(await run("systemctl", "list-units", "--plain", "--no-legend", "gantry-*.service")).toContain(
      " active ",
    );
  });

  test("removes nothing that pods run from", async () => {
    const { exitCode, stderr } = call("uninstall", "--purge");
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining("1 pod runs, and --purge removes what it runs from"),
    ]);
  });

  test.each(["/", "/srv", "/var/lib", "/usr/local/share"])("never removes %s", async (path) => {
    const dropIn = "/etc/gantry/config.d/shared.yaml";
    await writeFile(dropIn, `stateDir: ${path}\n`);
    const { exitCode, stdout } = call("uninstall", "--purge", "--stop-pods", "--dry-run");
    await rm(dropIn);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`would leave ${path}, where others have things too\n`);
    expect(stdout).toContain("would remove what gantry made in /run/gantry\n");
  });

  test("removes all, when told, but what pods had of the machine", async () => {
    const { exitCode, stderr } = call("uninstall", "--purge", "--stop-pods");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const left = await run("systemctl", "list-units", "--plain", "--no-legend", "--all", "gantry-*.service");
    expect(left).toBe("");
    expect((await readFile("/proc/mounts", "utf8")).match(/.*gantry\/.*/g)).toBeNull();
    expect(await readdir("/var/lib/gantry")).toEqual([]); // a file system of its own here, which stays
    for (const path of ["/etc/gantry", "/run/gantry"])
      expect(await stat(path).catch(() => "none")).toBe("none");
    expect(await Bun.file("/opt/made/by/gantry/below/it/a").exists()).toBe(true);
  });
});
