// Nothing is left of a network, however a pod ends.

import { describe, expect, test } from "bun:test";
import { rm, writeFile } from "node:fs/promises";
import { waitUntil } from "../../wait-until.ts";
import { NetworkWorld, networkState } from "./networked-pod.ts";

const ports = [{ hostPort: 8090, port: 80 }];

describe("nothing is left of the network of a pod", () => {
  test("that has been stopped; its addresses are still told", async () => {
    await using world = await NetworkWorld.create();
    const before = await networkState();
    const pod = await world.start({ ports });
    expect(await networkState()).not.toEqual(before);
    const { networks } = await pod.status();
    await pod.stop();
    expect(await networkState()).toEqual(before);
    expect(await pod.status()).toMatchObject({ state: "exited", networks });
  });

  test("whose app has ended", async () => {
    await using world = await NetworkWorld.create();
    const before = await networkState();
    const pod = await world.start({ ports, script: "while [ ! -e /go ]; do sleep 0.02; done" });
    await pod.enter("touch", "/go");
    await waitUntil("the pod to end", async () => (await pod.status()).state === "exited");
    expect(await networkState()).toEqual(before);
  });

  test.each(["rm", "gc"])("that was killed, after %s", async (how) => {
    await using world = await NetworkWorld.create();
    const before = await networkState();
    const pod = await world.start({ ports });
    await pod.kill();
    expect(await networkState()).not.toEqual(before);
    if (how === "rm") await world.rkt.rkt("rm", pod.uuid);
    else await world.rkt.rkt("gc"); // within its grace period
    expect(await networkState()).toEqual(before);
  });

  test("that was killed, when the next one starts: its host port is free", async () => {
    await using world = await NetworkWorld.create();
    const [first, flags] = [await world.start({ ports, flags: ["--hostname=first"] }), ["--hostname=second"]];
    await first.kill();
    const second = await world.start({ ports, flags });
    const answer = () =>
      fetch("http://127.0.0.1:8090/hostname").then(
        (response) => response.text(),
        () => undefined,
      );
    expect(await waitUntil("an answer", answer)).toBe("second\n");
    await second.stop();
  });

  test("that a reboot ended, of its leases too", async () => {
    await using world = await NetworkWorld.create();
    const ipam = { type: "host-local", subnet: "10.74.0.0/24" };
    await world.configure("kept", [{ type: "ptp", ipMasq: true, ipam }]);
    const before = await networkState();
    const pod = await world.start({ flags: ["--net=kept"] });
    await pod.kill();
    await Bun.$`ip netns delete gantry-${pod.uuid}; iptables -t nat -F; iptables -t nat -X`.quiet();
    await rm("/run/gantry-network", { recursive: true });
    expect(await networkState()).toContain("/var/lib/cni/networks/kept/10.74.0.2");
    await world.collectGarbage();
    expect(await networkState()).toEqual(before.filter((each) => !each.includes("CNI-")));
  });

  test("whose directory was removed by hand, once gc has run", async () => {
    await using world = await NetworkWorld.create();
    const before = await networkState();
    const pod = await world.start({ ports });
    await pod.kill();
    const directory = `${world.rkt.path}/rkt/pods/run/${pod.uuid}`;
    await Bun.$`umount -l -R ${directory}/dev ${directory}/ipc ${directory}/apps/web/root`.quiet();
    await rm(directory, { recursive: true });
    await world.collectGarbage();
    expect(await networkState()).toEqual(before);
  });

  test("of another data directory is not touched", async () => {
    await using world = await NetworkWorld.create();
    await using other = await NetworkWorld.create();
    const pod = await world.start();
    await other.collectGarbage();
    expect(await pod.shell("ls /sys/class/net")).toBe("eth0\nlo\n");
  });

  test("of which a crash of the machine left nothing but an empty file of its addresses: pods are listed", async () => {
    await using world = await NetworkWorld.create();
    const pod = await world.start();
    await pod.stop();
    await writeFile(`${world.rkt.path}/rkt/pods/run/${pod.uuid}/net-info.json`, "");
    const { exitCode, stdout } = await world.rkt.rkt("list", "--format=json");
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, [{ name: pod.uuid, state: "exited" }]]);
    expect((await world.rkt.rkt("list")).exitCode).toBe(0);
  });

  test("that was killed at any moment of its start, once gc has run", async () => {
    await using world = await NetworkWorld.create();
    const before = await networkState();
    for (let delayMs = 40; delayMs < 400; delayMs += 36) {
      const uuid = await world.prepare({ ports });
      const unit = await world.launch(uuid);
      await Bun.sleep(delayMs); // the moment is the point
      await Bun.$`systemctl kill --kill-whom=all -s KILL ${unit}`.quiet().nothrow();
      await Bun.$`systemctl stop ${unit}`.quiet();
      await Bun.$`systemctl stop gantry-${uuid}-web.service`.quiet().nothrow();
      await world.collectGarbage();
      expect({ delayMs, state: await networkState() }).toEqual({ delayMs, state: before });
    }
  });
});
