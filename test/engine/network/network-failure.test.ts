// Networks that cannot be set up: one line says why, and nothing is left of them.

import { expect, test } from "bun:test";
import { NetworkWorld, networkState } from "./networked-pod.ts";

const ptp = { type: "ptp", ipMasq: true, ipam: { type: "host-local", subnet: "10.75.0.0/24" } };

test("without plugins the Debian package is named, and nothing is half set up", async () => {
  await using world = await NetworkWorld.create();
  const before = await networkState();
  await Bun.$`mount -t tmpfs tmpfs /usr/lib/cni`.quiet();
  try {
    expect(await world.failure({})).toBe(
      'run-prepared: failed to setup network: the network plugin "ptp" is in none of /opt/cni/bin, /usr/lib/cni: install the Debian package containernetworking-plugins',
    );
    expect(await networkState()).toEqual(before);
  } finally {
    await Bun.$`umount /usr/lib/cni`.quiet();
  }
});

test("the plugin for host ports is needed, and called, only for a pod that has some", async () => {
  await using world = await NetworkWorld.create();
  await Bun.$`mount --bind /dev/null /usr/lib/cni/portmap`.quiet();
  try {
    const pod = await world.start();
    await pod.stop();
    expect(await world.failure({ ports: [{ hostPort: 8080, port: 80 }] })).toContain(
      'the network plugin "portmap" is in none of',
    );
  } finally {
    await Bun.$`umount /usr/lib/cni/portmap`.quiet();
  }
});

test("a plugin that fails in the chain: those before it are undone, in the reverse order", async () => {
  await using world = await NetworkWorld.create();
  await world.installRecorder();
  const answers = { ADD: { code: 42, msg: "no luck", details: "today" } };
  await world.configure("broken", [
    ptp,
    { type: "recorder", position: "before" },
    { type: "recorder", position: "last", answers },
  ]);
  const before = await networkState();
  expect(await world.failure({ flags: ["--net=broken"] })).toBe(
    'run-prepared: failed to setup network: plugin "recorder" (ADD): no luck: today (code 42)',
  );
  expect(await networkState()).toEqual(before);
  const calls = await world.calls();
  expect(calls.map(({ command, config }) => `${command} ${config.position}`)).toEqual([
    "ADD before",
    "ADD last",
    "DEL last",
    "DEL before",
  ]);
});

test("one that fails of several networks: the others are undone", async () => {
  await using world = await NetworkWorld.create();
  await world.installRecorder();
  await world.configure("first", [ptp]);
  await world.configure("second", [{ type: "recorder", answers: { ADD: { code: 7, msg: "full" } } }]);
  const before = await networkState();
  expect(await world.failure({ flags: ["--net=first,second"] })).toContain("full (code 7)");
  expect(await networkState()).toEqual(before);
});

test("a plugin is told all that the specification wants it to be told", async () => {
  await using world = await NetworkWorld.create();
  await world.installRecorder();
  const result = {
    cniVersion: "1.0.0",
    ips: [{ address: "10.9.8.7/16" }],
    dns: { nameservers: ["10.9.0.53"], search: ["example.com"] },
  };
  await world.configure("told", [
    { type: "recorder", position: 1, answers: { ADD: result } },
    { type: "recorder", position: 2, capabilities: { portMappings: true } },
  ]);
  const ports = [{ hostPort: 8091, port: 80, hostIP: "127.0.0.1" }];
  const pod = await world.start({ flags: ["--net=told:A=1;B=2"], ports });
  expect(await pod.shell("cat /etc/resolv.conf")).toBe("search example.com\nnameserver 10.9.0.53\n");
  expect((await pod.status()).networks?.[0]).toMatchObject({ ip: "10.9.8.7", mask: "255.255.0.0" });
  await world.rkt.rkt("network-check", pod.uuid);
  await pod.stop();

  const plain = { cniVersion: "1.0.0", name: "told", type: "recorder" };
  const first = { ...plain, position: 1, answers: { ADD: result } };
  const portMappings = [{ hostPort: 8091, containerPort: 80, protocol: "tcp", hostIP: "127.0.0.1" }];
  const second = {
    ...plain,
    position: 2,
    capabilities: { portMappings: true },
    runtimeConfig: { portMappings },
  };
  const calls = await world.calls();
  expect(calls.map(({ command, config }) => ({ command, config }))).toEqual([
    { command: "ADD", config: first },
    { command: "ADD", config: { ...second, prevResult: result } },
    { command: "CHECK", config: { ...first, prevResult: result } },
    { command: "CHECK", config: { ...second, prevResult: result } },
    { command: "DEL", config: { ...second, prevResult: result } },
    { command: "DEL", config: { ...first, prevResult: result } },
  ]);
  for (const { containerId, netns, ifName, args, path } of calls)
    expect({ containerId, netns, ifName, args, path }).toEqual({
      containerId: pod.uuid,
      netns: `/run/netns/gantry-${pod.uuid}`,
      ifName: "eth0",
      args: "A=1;B=2",
      path: "/opt/cni/bin:/usr/lib/cni",
    });
});

test("a plugin that cannot undo keeps the pod from being removed, until it can; one that is uninstalled does not", async () => {
  await using world = await NetworkWorld.create();
  await world.installRecorder();
  await world.configure("stuck", [
    { type: "recorder", answers: { DEL: { code: 11, msg: "try again later" } } },
  ]);
  const before = await networkState();
  const pod = await world.start({ flags: ["--net=stuck"] });
  await pod.stop();
  const { stderr, exitCode } = await world.rkt.rkt("rm", pod.uuid);
  expect(exitCode).toBe(254);
  expect(stderr).toContain('failed to teardown network: plugin "recorder" (DEL): try again later (code 11)');
  await Bun.$`rm /opt/cni/bin/recorder`;
  expect((await world.rkt.rkt("rm", pod.uuid)).exitCode).toBe(0);
  expect(await networkState()).toEqual(before);
});

test("host ports that no network of the pod's can map are not left out in silence", async () => {
  await using world = await NetworkWorld.create();
  expect(await world.failure({ flags: ["--net=none"], ports: [{ hostPort: 8092, port: 80 }] })).toContain(
    "the pod has host ports, and none of its networks has a plugin that can map them",
  );
});

test("a configuration that cannot be read may be the one that was meant", async () => {
  await using world = await NetworkWorld.create();
  const file = `${world.rkt.path}/local/net.d/10-mine.conf`;
  await Bun.write(file, '{ "name": "default", ');
  const failure = await world.failure({});
  expect(failure).toStartWith(
    `run-prepared: failed to setup network: networks not found: default; ${file}: not JSON`,
  );
});
