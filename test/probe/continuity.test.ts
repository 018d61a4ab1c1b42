// What stays as it was: over restarts of the agent, and changes of the probes of what runs.

import { describe, expect, test } from "bun:test";
import { failure, Probing, success, target } from "./probing.ts";

const ready = { isStarted: true, isReady: true, unhealthy: undefined };
const notReady = { isStarted: true, isReady: false, unhealthy: undefined };

describe("over a restart of the agent", () => {
  const web = target(1, ["startup"], ["liveness"], ["readiness"]);

  /** An agent that has seen it become ready, and its successor's first pass. */
  async function restarted(): Promise<readonly [Probing, Probing]> {
    const before = new Probing();
    before.prober.update([web]);
    await before.pass(20_000);
    expect(before.health(web)).toEqual(ready);
    before.prober[Symbol.dispose]();
    const after = new Probing(before);
    expect(after.health(web)).toEqual(ready); // the first pass decides before it tells what runs
    after.prober.update([web]);
    expect(after.changes).toBe(0);
    return [before, after];
  }

  test("a container that was ready is ready from the first pass on", async () => {
    const [, after] = await restarted();
    expect(after.health(web)).toEqual(ready);
    await after.pass(60_000);
    expect(after.health(web)).toEqual(ready);
    expect(after.lines).toEqual([]);
    expect(after.times("startup")).toEqual([]);
  });

  test("until its probe says otherwise, as often in a row as ever", async () => {
    const [, after] = await restarted();
    after.answers.readiness = failure;
    await after.pass(24_900);
    expect(after.health(web)).toEqual(ready);
    await after.pass(100);
    expect(after.health(web)).toEqual(notReady);
  });

  test("one that was not ready is not asked eagerly again", async () => {
    const before = new Probing();
    const slow = target(1, ["readiness"]);
    before.answers.readiness = failure;
    before.prober.update([slow]);
    await before.pass(30_000);
    const after = new Probing(before);
    after.answers.readiness = failure;
    after.prober.update([slow]);
    await after.pass(30_000);
    expect(after.health(slow)).toEqual(notReady);
    expect(after.times("readiness")).toEqual([5000, 15_000, 25_000]);
  });

  test("first checks are spread over the period", async () => {
    const before = new Probing();
    const many = Array.from({ length: 100 }, (_, index) => target(index, ["readiness"]));
    before.prober.update(many);
    await before.pass(0);
    const after = new Probing(before);
    let next = 0;
    Object.defineProperty(after, "random", { get: () => (next++ % 100) / 100 });
    after.prober.update(many);
    await after.pass(10_000);
    const slots = Array.from({ length: 100 }, (_, index) => Math.ceil((index * 100) / 250) * 250);
    expect(after.times("readiness").slice(0, 100)).toEqual(slots);
  });

  test("what was left of the initial delay is waited for", async () => {
    const before = new Probing();
    const slow = target(1, ["startup", { initialDelaySeconds: 60 }]);
    before.prober.update([slow]);
    await before.pass(40_000);
    const after = new Probing(before);
    after.random = 0;
    after.prober.update([slow]);
    await after.pass(19_900);
    expect(after.times("startup")).toEqual([]);
    await after.pass(100);
    expect(after.times("startup")).toEqual([20_000]);
  });

  test("what has to be restarted still has to be", async () => {
    const before = new Probing();
    const live = target(1, ["liveness", { failureThreshold: 1 }]);
    before.answers.liveness = failure;
    before.prober.update([live]);
    await before.pass(5000);
    const after = new Probing(before);
    after.prober.update([live]);
    await after.pass(60_000);
    expect(after.health(live)).toEqual({
      ...ready,
      unhealthy: { message: "Liveness probe failed: refused", graceSeconds: undefined },
    });
    expect(after.asked).toEqual([]);
  });

  test("a container of that name in another revision begins anew", async () => {
    const [, after] = await restarted();
    const next = { ...target(2, ["readiness"]), key: web.key };
    after.prober.update([next]);
    expect(after.health(next)).toEqual(notReady);
  });

  test("one with the name of a property of every object has no past that it did not have", () => {
    const probing = new Probing();
    const odd = { ...target(1, ["readiness"]), container: "constructor" };
    probing.prober.update([odd]);
    expect(probing.health(odd)).toEqual(notReady);
  });
});

describe("when the probes of what runs are changed", () => {
  test("the new ones are asked from then on", async () => {
    const probing = new Probing();
    probing.prober.update([target(1, ["readiness"])]);
    await probing.pass(1000);
    probing.prober.update([target(1, ["readiness", { periodSeconds: 2 }])]);
    await probing.pass(4000);
    expect(probing.times("readiness")).toEqual([0, 1000 + 1000, 4000]);
  });

  test("the same ones go on as if nothing had happened", async () => {
    const probing = new Probing();
    for (let pass = 0; pass < 30; pass++) {
      probing.prober.update([target(1, ["readiness"])]);
      await probing.pass(1000);
    }
    expect(probing.times("readiness")).toEqual([0, 10_000, 20_000, 30_000]);
  });

  test("a container that is ready stays so with a new readiness probe, until that fails", async () => {
    const probing = new Probing();
    probing.prober.update([target(1, ["liveness"])]);
    await probing.pass(1000);
    const web = target(1, ["liveness"], ["readiness"]);
    probing.answers.readiness = failure;
    probing.prober.update([web]);
    await probing.pass(9000);
    expect(probing.health(web)).toEqual(ready);
    await probing.pass(30_000);
    expect(probing.health(web)).toEqual(notReady);
  });

  test("one that is not ready is so at once without its readiness probe", async () => {
    const probing = new Probing();
    probing.answers.readiness = failure;
    probing.prober.update([target(1, ["liveness"], ["readiness"])]);
    await probing.pass(1000);
    const web = target(1, ["liveness"]);
    probing.prober.update([web]);
    expect(probing.health(web)).toEqual(ready);
  });

  test("one that has started needs no new startup probe, and one that has not starts without its old one", async () => {
    const probing = new Probing();
    probing.answers.startup = failure;
    probing.prober.update([target(1, ["liveness"]), target(2, ["startup"], ["liveness"])]);
    await probing.pass(1000);
    const [one, other] = [target(1, ["startup"], ["liveness"]), target(2, ["liveness"])];
    probing.prober.update([one, other]);
    await probing.pass(100_000);
    expect([probing.health(one), probing.health(other)]).toEqual([ready, ready]);
  });

  test("of a version that is not wanted any more the old ones are asked, by the next agent too", async () => {
    const before = new Probing();
    const web = target(1, ["readiness"]);
    const old = { ...web, probes: undefined };
    before.prober.update([web]);
    await before.pass(0);
    before.prober.update([old]);
    await before.pass(10_000);
    expect(before.times("readiness")).toEqual([0, 10_000]);
    const after = new Probing(before);
    after.prober.update([old]);
    after.answers.readiness = failure;
    expect(after.health(web)).toEqual(ready);
    await after.pass(30_000);
    expect(after.health(web)).toEqual(notReady);
  });

  test("of a version of which nothing is known nothing is told", () => {
    const probing = new Probing();
    probing.prober.update([{ ...target(1), probes: undefined }]);
    expect(probing.prober.health).toEqual(new Map());
  });
});

test("a check that has answered since the file was written is asked again, no more", async () => {
  const before = new Probing();
  const web = target(1, ["readiness", { successThreshold: 2 }]);
  before.prober.update([web]);
  await before.pass(0); // one success of two
  const after = new Probing(before);
  after.answers.readiness = success;
  after.prober.update([web]);
  await after.pass(5000);
  expect(after.health(web)).toEqual(notReady);
  await after.pass(10_000);
  expect(after.health(web)).toEqual(ready);
});
