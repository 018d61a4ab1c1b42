// Pods in the network of another one, which no rkt can do: what the agent's sidecars need.

import { expect, test } from "bun:test";
import { waitUntil } from "../../wait-until.ts";
import { NetworkWorld, networkState } from "./networked-pod.ts";

const join = (uuid: string) => [`--gantry-join-network=${uuid}`, "--hostname=joined"];

test("a pod that joins another's network is in it: one address, one loopback, one status", async () => {
  await using world = await NetworkWorld.create();
  const owner = await world.start({ flags: ["--hostname=owner"] });
  const joined = await world.start({ script: "exec sleep 100000", flags: join(owner.uuid) });
  const namespace = "readlink /proc/self/ns/net";
  expect(await joined.shell(namespace)).toBe(await owner.shell(namespace));
  expect((await joined.status()).networks).toEqual((await owner.status()).networks ?? []);
  expect(await joined.shell("wget -qO- http://127.0.0.1/hostname")).toBe("owner\n");
  expect(await joined.shell("cat /etc/hosts")).toContain(`${await owner.ip()} joined\n`);
});

test("its end leaves the other's network alone, and the other's end takes all of it away", async () => {
  await using world = await NetworkWorld.create();
  const before = await networkState();
  const owner = await world.start({ flags: ["--hostname=owner"] });
  const during = await networkState();
  const joined = await world.start({ script: "exec sleep 100000", flags: join(owner.uuid) });
  expect(await networkState()).toEqual(during);
  await joined.stop();
  expect(await networkState()).toEqual(during);
  expect(await owner.shell("wget -qO- http://127.0.0.1/hostname")).toBe("owner\n");
  const again = await world.start({ script: "exec sleep 100000", flags: join(owner.uuid) });
  await owner.stop();
  await again.stop();
  await waitUntil("its network to be gone", async () => Bun.deepEquals(await networkState(), before));
});

test("a killed one leaves nothing, and gc takes nothing of the other's", async () => {
  await using world = await NetworkWorld.create();
  const owner = await world.start({ flags: ["--hostname=owner"] });
  const during = await networkState();
  const joined = await world.start({ script: "exec sleep 100000", flags: join(owner.uuid) });
  await joined.kill();
  await world.collectGarbage();
  expect(await networkState()).toEqual(during);
  expect(await owner.shell("wget -qO- http://127.0.0.1/hostname")).toBe("owner\n");
});

test.each([
  ["one that has ended", [] as readonly string[]],
  ["one in the host's network", ["--net=host"]],
])("%s has no network to join", async (what, flags) => {
  await using world = await NetworkWorld.create();
  const owner = await world.start({ script: "exec sleep 100000", flags });
  if (what === "one that has ended") await owner.stop();
  expect(await world.failure({ flags: join(owner.uuid) })).toContain(
    `pod "${owner.uuid}" has no network to join`,
  );
});

test("it is no word of rkt's, and so not in the help", async () => {
  await using world = await NetworkWorld.create();
  const { stdout } = await world.rkt.rkt("run-prepared", "--help");
  expect(stdout).toContain("--net");
  expect(stdout).not.toContain("gantry-");
});
