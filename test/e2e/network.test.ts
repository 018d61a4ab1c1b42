// Pods in a network of their own: their address is told, their host ports lead to them, and nothing is left of it.

import { expect, test } from "bun:test";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { networkState } from "../engine/network/networked-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, uuidOf } from "./machine.ts";

function manifest(image: string, greeting: string, port = ""): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  terminationGracePeriodSeconds: 2
  containers:
    - name: main
      image: ${image}
      command: [/bin/sh, -c, "echo ${greeting} from $POD_IP >/tmp/hello; exec httpd -f -p 80 -h /tmp"]
      env:
        - name: POD_IP
          valueFrom:
            fieldRef:
              fieldPath: status.podIP
${port}`;
}

const hostPort = `      ports:
        - containerPort: 80
          hostPort: 8180
`;

function hello(address: string): Promise<string | undefined> {
  return fetch(`http://${address}/hello`, { signal: AbortSignal.timeout(1000) }).then(
    (response) => response.text(),
    () => undefined,
  );
}

test("a pod without hostNetwork is in the network default, and its address is told", async () => {
  await using machine = await Machine.create();
  const before = await networkState();
  await machine.startAgent();
  await machine.write("web.yaml", manifest(machine.image, "one"));
  const { status } = await machine.waitForReady("web");
  expect(status?.podIP).toMatch(/^172\.16\.28\.\d+$/);
  expect(status?.hostIP).not.toBe(status?.podIP);
  expect(await waitUntil("an answer", () => hello(status?.podIP ?? ""))).toBe(`one from ${status?.podIP}\n`);

  await machine.remove("web.yaml");
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
  expect(await networkState()).toEqual(before);
});

test("a host port leads to the pod, and after an edit to the new one", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest(machine.image, "one", hostPort));
  const first = await machine.waitForReady("web");
  expect(await waitUntil("an answer", () => hello("127.0.0.1:8180"))).toBe(
    `one from ${first.status?.podIP}\n`,
  );

  await machine.write("web.yaml", manifest(machine.image, "two", hostPort));
  const second = await machine.waitForPod(
    "web",
    "replaced",
    (pod) => uuidOf(pod) !== uuidOf(first) && pod.status?.containerStatuses?.[0]?.ready === true,
  );
  expect(await waitUntil("an answer", () => hello("127.0.0.1:8180"))).toBe(
    `two from ${second.status?.podIP}\n`,
  );
});

test("regression: a pod with hostAliases did not know its own name", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const text = manifest(machine.image, "one").replace("exec httpd", "cat /etc/hosts; exec httpd");
  const hostAliases = "  hostAliases: [{ip: 192.0.2.7, hostnames: [db, db.local]}]\n";
  await machine.write("web.yaml", text.replace("  containers:\n", `${hostAliases}  containers:\n`));
  const { status } = await machine.waitForReady("web");
  const hosts = await waitUntil("its log", async () => {
    const log = await machine.logs("web");
    return log.includes("db.local") && log;
  });
  expect(hosts).toContain("127.0.0.1 localhost\n");
  expect(hosts).toContain(`\n${status?.podIP} web-node\n192.0.2.7 db\n192.0.2.7 db.local\n`);
});

test("in a network of its own a pod has the name and the servers that it asks for", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const script = "hostname; cat /etc/hostname /etc/resolv.conf; exec httpd";
  const spec = `  hostname: other
  dnsPolicy: None
  dnsConfig: {nameservers: [192.0.2.53], searches: [a.example], options: [{name: ndots, value: "2"}, {name: edns0}]}
`;
  const text = manifest(machine.image, "one").replace("exec httpd", script);
  await machine.write("web.yaml", text.replace("  containers:\n", `${spec}  containers:\n`));
  await machine.waitForReady("web");
  const log = await waitUntil("its log", async () => {
    const told = await machine.logs("web");
    return told.includes("options") && told;
  });
  expect(log).toBe("other\nother\nsearch a.example\nnameserver 192.0.2.53\noptions ndots:2 edns0\n");
});

test("without plugins the pod's status says what is missing", async () => {
  await using machine = await Machine.create();
  await Bun.$`mount -t tmpfs tmpfs /usr/lib/cni`.quiet();
  try {
    await machine.startAgent();
    await machine.write("web.yaml", manifest(machine.image, "one"));
    await machine.waitForPod("web", "in want of plugins", (pod) =>
      JSON.stringify(pod.status).includes("install the Debian package containernetworking-plugins"),
    );
  } finally {
    await Bun.$`umount /usr/lib/cni`.quiet();
  }
});

test("regression: a network was left half torn down where that took longer than the grace period", async () => {
  await using machine = await Machine.create({ flags: ["--network=slow"] });
  const told = `${machine.path}/told`;
  const plugin = `#!/bin/sh
case $CNI_COMMAND in
  ADD) echo '{"cniVersion": "1.0.0", "ips": [{"address": "192.0.2.7/24"}]}' ;;
  DEL) echo begun >>${told}; sleep 4; echo done >>${told} ;;
  VERSION) echo '{"cniVersion": "1.0.0", "supportedVersions": ["1.0.0"]}' ;;
esac
`;
  for (const directory of ["/opt/cni/bin", "/etc/gantry/net.d"]) await mkdir(directory, { recursive: true });
  await writeFile("/opt/cni/bin/slow", plugin, { mode: 0o755 });
  const network = { cniVersion: "1.0.0", name: "slow", plugins: [{ type: "slow" }] };
  await writeFile("/etc/gantry/net.d/slow.conflist", JSON.stringify(network));
  try {
    await machine.startAgent();
    await machine.write("web.yaml", manifest(machine.image, "one"));
    await machine.waitForReady("web");
    await machine.remove("web.yaml");
    await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
    expect(await readFile(told, "utf8")).toBe("begun\ndone\n");
  } finally {
    for (const path of ["/opt/cni", "/etc/gantry"]) await rm(path, { recursive: true });
  }
});
