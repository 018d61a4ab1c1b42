// Pods in networks, by Debian's own plugins, on a machine with a network namespace of its own.

import { expect, test } from "bun:test";
import { readlink } from "node:fs/promises";
import { recording } from "../../fakes/recording.ts";
import { waitUntil } from "../../wait-until.ts";
import { NetworkWorld, networkState, webServer } from "./networked-pod.ts";

const hostLocal = (subnet: string) => ({ type: "host-local", subnet, routes: [{ dst: "0.0.0.0/0" }] });

async function get(url: string): Promise<string> {
  return waitUntil(url, () =>
    fetch(url).then(
      (response) => response.text(),
      () => undefined,
    ),
  );
}

test("a pod has an address of its own, is reached by it, and reaches the machine", async () => {
  await using world = await NetworkWorld.create();
  using server = Bun.serve({ port: 0, hostname: "0.0.0.0", fetch: () => new Response("from the machine") });
  const pod = await world.start({ flags: ["--hostname=web"] });
  const ip = await pod.ip();
  expect(ip).toMatch(/^172\.16\.28\.\d+$/);
  expect(await get(`http://${ip}/hostname`)).toBe("web\n");
  expect(await pod.shell(`wget -qO- http://172.16.28.1:${server.port}`)).toBe("from the machine");
  expect((await world.rkt.rkt("status", pod.uuid)).stdout).toContain(`\nnetworks=default:ip4=${ip}\n`);
  expect((await world.rkt.rkt("list", "--no-legend")).stdout.trimEnd()).toEndWith(`default:ip4=${ip}`);
});

test("two pods reach each other", async () => {
  await using world = await NetworkWorld.create();
  const [one, two] = [await world.start({ flags: ["--hostname=one"] }), await world.start()];
  const url = `http://${await one.ip()}/hostname`;
  expect(await waitUntil(url, () => two.shell(`wget -qO- ${url}`))).toBe("one\n");
});

test("pods that start and end side by side do not disturb each other", async () => {
  await using world = await NetworkWorld.create();
  const before = await networkState();
  const ports = (index: number) => [{ hostPort: 8100 + index, port: 80 }];
  const pods = await Promise.all([0, 1, 2, 3, 4, 5].map((index) => world.start({ ports: ports(index) })));
  expect(new Set(await Promise.all(pods.map((pod) => pod.ip()))).size).toBe(pods.length);
  await Promise.all(pods.map((pod) => pod.stop()));
  expect(await networkState()).toEqual(before);
});

test("apps and what is entered see no network but the pod's, in /sys too", async () => {
  await using world = await NetworkWorld.create();
  const pod = await world.start();
  expect(
    await pod.shell("ls /sys/class/net; ls -l /proc/self/ns/net | grep -o 'net:.*'; readlink /proc/1/ns/net"),
  ).toMatch(/^eth0\nlo\nnet:\[\d+\]\n/);
  expect(await pod.shell("ls -l /proc/self/ns/net")).not.toContain(await readlink("/proc/self/ns/net"));
});

test("--net=none: a namespace with loopback, which is up", async () => {
  await using world = await NetworkWorld.create();
  const before = await networkState();
  const pod = await world.start({ flags: ["--net=none"] });
  expect(await pod.shell("ls /sys/class/net; wget -qO- http://127.0.0.1/passwd | grep -c root")).toBe(
    "lo\n1\n",
  );
  expect(await pod.status()).not.toHaveProperty("networks");
  await pod.stop();
  expect(await networkState()).toEqual(before);
});

test("a host port leads to the pod, of one address only where that is asked for", async () => {
  await using world = await NetworkWorld.create();
  const ports = [
    { hostPort: 8080, port: 80 },
    { hostPort: 8081, port: 80, hostIP: "127.0.0.1" },
  ];
  const pod = await world.start({ flags: ["--hostname=web"], ports });
  for (const address of ["127.0.0.1:8080", "172.16.28.1:8080", "127.0.0.1:8081"])
    expect(await get(`http://${address}/hostname`)).toBe("web\n");
  expect(fetch("http://172.16.28.1:8081/hostname")).rejects.toThrow();
  await pod.stop();
  expect(fetch("http://127.0.0.1:8080/hostname")).rejects.toThrow();
});

test("name, address and resolver are in the pod's files and environment", async () => {
  await using world = await NetworkWorld.create();
  const pod = await world.start({
    flags: ["--hostname=web", "--dns=10.0.0.53", "--dns-search=example.com", "--dns-opt=ndots:5"],
    script: `echo "$0" >/address; ${webServer}`,
    annotations: [{ name: "gantry.io/pod-ip-env", value: '["POD_IP"]' }],
    environment: [
      { name: "POD_IP", value: "@gantry.io/pod-ip@" },
      { name: "URL", value: "http://@gantry.io/pod-ip@:80/" },
    ],
  });
  const ip = await pod.ip();
  expect(await pod.shell("echo $HOSTNAME $POD_IP $URL")).toBe(`web ${ip} http://${ip}:80/\n`);
  expect(await pod.shell("cat /etc/hostname /etc/resolv.conf; tail -n 1 /etc/hosts")).toBe(
    `web\nsearch example.com\nnameserver 10.0.0.53\noptions ndots:5\n${ip} web\n`,
  );
});

test("of several networks each has an interface; what is asked of one is passed on", async () => {
  await using world = await NetworkWorld.create();
  await world.configure("front", [{ type: "ptp", ipam: hostLocal("10.71.0.0/24") }]);
  await world.configure("back", [{ type: "ptp", ipam: { type: "host-local", subnet: "10.72.0.0/24" } }]);
  const pod = await world.start({ flags: ["--net=front,back:IP=10.72.0.77"] });
  expect(await pod.shell("ls /sys/class/net")).toBe("eth0\neth1\nlo\n");
  expect(
    (await pod.status()).networks?.map(({ netName, ifName, ip, args }) => ({ netName, ifName, ip, args })),
  ).toEqual([
    { netName: "front", ifName: "eth0", ip: "10.71.0.2", args: "" },
    { netName: "back", ifName: "eth1", ip: "10.72.0.77", args: "IP=10.72.0.77" },
  ]);
  expect((await world.rkt.rkt("list")).stdout).toContain("front:ip4=10.71.0.2, back:ip4=10.72.0.77");
});

test("a configuration of rkt's days, a bridge, is told of as rkt told of it", async () => {
  await using world = await NetworkWorld.create();
  const config = {
    name: "rkt.kubernetes.io",
    type: "bridge",
    bridge: "k8s0",
    ipam: hostLocal("10.99.0.0/24"),
  };
  await Bun.write(`${world.rkt.path}/local/net.d/10-k8s.conf`, JSON.stringify(config));
  const pod = await world.start({ flags: ["--net=rkt.kubernetes.io"] });
  await pod.stop();
  const line = recording("60-network/005")
    .stdout.split("\n")
    .find((each) => each.startsWith("{"));
  const recorded = JSON.parse(line ?? "").networks;
  const { networks } = await pod.status();
  expect(networks).toEqual([
    {
      ...recorded[0],
      netConf: `${world.rkt.path}/local/net.d/10-k8s.conf`,
      pluginPath: "/usr/lib/cni/bridge",
    },
  ]);
  await Bun.$`ip link delete k8s0`.quiet();
});

test("network-check finds what is not as it was set up", async () => {
  await using world = await NetworkWorld.create();
  await world.configure("checked", [{ type: "ptp", ipam: hostLocal("10.73.0.0/24") }]);
  const pod = await world.start({ flags: ["--net=checked"] });
  expect(await world.rkt.rkt("network-check", pod.uuid)).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  await Bun.$`ip -n gantry-${pod.uuid} address flush dev eth0`.quiet();
  const { stderr, exitCode } = await world.rkt.rkt("network-check", pod.uuid);
  expect({ stderr, exitCode }).toEqual({
    stderr: expect.stringMatching(/^network-check: plugin "ptp" \(CHECK\): .+ \(code \d+\)\n$/),
    exitCode: 254,
  });
});
