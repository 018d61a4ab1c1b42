// What systemd and the journal are told of the agent.

import { describe, expect, test } from "bun:test";
import { symlink, writeFile } from "node:fs/promises";
import { LiveConfig } from "../src/config/live-config.ts";
import { createLog } from "../src/host/log.ts";
import { Service } from "../src/service.ts";
import { tempDir } from "./temp-dir.ts";
import { waitUntil } from "./wait-until.ts";

async function started({
  text = "",
  hung = () => undefined as string | undefined,
  watchdogMs = 1_000_000,
} = {}) {
  const dir = await tempDir();
  const path = `${dir.path}/config.yaml`;
  await writeFile(path, text);
  /** What systemd was told, in order, and what it would show. */
  const told: string[] = [];
  const notifier = {
    ready: () => void told.push("ready"),
    reloading: () => void told.push("reloading"),
    stopping: () => void told.push("stopping"),
    status: (line: string) => void told.push(`status: ${line}`),
    watchdog: () => void told.push("watchdog"),
  };
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line.trim().replaceAll(dir.path, "."));
  const log = createLog({ write, isJournal: true, isDebug: false, wallMs: () => 0 });
  const config = await LiveConfig.read({ flags: { config: path, "node-name": "edge1" }, environment: {} });
  let reloads = 0;
  const onReload = () => {
    reloads += 1;
  };
  const service = new Service({ notifier, config, log, hung, watchdogMs, onReload });
  return {
    path: dir.path,
    service,
    config,
    told,
    lines,
    reloads: () => reloads,
    edit: (content: string) => writeFile(path, content),
    async [Symbol.asyncDispose]() {
      service[Symbol.dispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

describe("a reload", () => {
  test("takes what can be changed, and tells what needs a restart", async () => {
    await using agent = await started({ text: "network: one\n" });
    await agent.edit("debug: true\nnetwork: two\n");
    await agent.service.reload();
    expect(agent.told).toEqual([
      "reloading",
      "status: starting; configuration needs a restart: network",
      "ready",
    ]);
    expect(agent.lines).toEqual([
      "<6>configuration reloaded changed=debug",
      "<4>some of the configuration needs a restart (systemctl restart gantry) settings=network",
    ]);
    expect([agent.config.current.debug, agent.config.current.network]).toEqual([true, "one"]);
    expect(agent.reloads()).toBe(1);
  });

  test("of a file that cannot be used changes nothing, and says where it is wrong until it is mended", async () => {
    await using agent = await started({ text: "debug: true\n" });
    await agent.edit("debug: maybe\nlisten: x\n");
    await agent.service.reload();
    expect(agent.lines).toEqual([
      '<3>configuration refused, the old one stays error="./config.yaml:1:8: debug: Invalid value: maybe: must be true or false"',
      '<3>configuration refused, the old one stays error="./config.yaml:2:9: listen: Invalid value: x: must be a list"',
    ]);
    expect(agent.config.current.debug).toBe(true);
    expect(agent.told.at(-1)).toBe("ready");
    expect(agent.config.problem).toStartWith("not reloaded: ");
    await agent.edit("debug: true\n");
    await agent.service.reload();
    expect(agent.lines.at(-1)).toBe("<6>configuration reloaded changed=nothing");
    expect(agent.config.problem).toBeUndefined();
    expect(agent.reloads()).toBe(0);
  });

  test("needs no restart any more once the file says again what runs", async () => {
    await using agent = await started({ text: "network: one\n" });
    await agent.edit("network: two\n");
    await agent.service.reload();
    expect(agent.config.problem).toBe("needs a restart: network");
    await agent.edit("network: one\n");
    await agent.service.reload();
    expect(agent.config.problem).toBeUndefined();
  });

  test("two at once are done one after the other", async () => {
    await using agent = await started();
    await Promise.all([agent.service.reload(), agent.service.reload()]);
    const states = agent.told.filter((line) => !line.startsWith("status"));
    expect(states).toEqual(["reloading", "ready", "reloading", "ready"]);
  });

  test("regression: after one that broke off there was none any more", async () => {
    await using agent = await started();
    const { reload } = agent.config;
    agent.config.reload = () => Promise.reject(new Error("EIO"));
    await expect(agent.service.reload()).rejects.toThrow("EIO");
    agent.config.reload = reload;
    await agent.service.reload();
    expect(agent.told.filter((line) => line === "ready")).toHaveLength(2);
  });

  test("of a drop-in directory that cannot be read is refused", async () => {
    await using agent = await started();
    await symlink("config.d", `${agent.path}/config.d`);
    await agent.service.reload();
    expect(agent.lines.join()).toContain("./config.d: cannot be read: ");
  });
});

test("systemd hears from us while nothing hangs, and is told what does before it ends us", async () => {
  let hung: string | undefined;
  await using agent = await started({ watchdogMs: 1, hung: () => hung });
  agent.service.summarize("2 pods");
  await waitUntil("the watchdog to be fed", () => agent.told.includes("watchdog"));
  hung = "observe";
  await waitUntil("it to be named", () => agent.told.at(-1) === "status: hung: observe");
  expect(agent.lines).toEqual(["<3>hung; systemd will restart the agent what=observe"]);
  hung = undefined;
  await waitUntil("it to be fed again", () => agent.told.at(-1) === "watchdog");
  expect(agent.told).toContain("status: 2 pods");
});
