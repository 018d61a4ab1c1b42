// Units under the real systemd, for as long as a test takes.

import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { createLog } from "../../src/host/log.ts";
import type { UnitName } from "../../src/pod/names.ts";
import { Systemd } from "../../src/systemd/systemd.ts";
import { tempDir } from "../temp-dir.ts";

export interface TestUnit extends AsyncDisposable {
  readonly name: UnitName;
}

export const never = new AbortController().signal;
export const quiet = createLog({ write: () => undefined, isJournal: false, isDebug: false, wallMs: () => 0 });

/** A name that no other test has. */
export function unitName(): UnitName {
  return `gantry-${randomUUID()}.service` as UnitName;
}

/** Writes a unit; stops and removes it in the end. */
export async function writeUnit(text: string, name = unitName()): Promise<TestUnit> {
  const file = `/run/systemd/system/${name}`;
  await Bun.write(file, text);
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      run("systemctl", "kill", "--signal=KILL", name);
      run("systemctl", "stop", name);
      run("systemctl", "reset-failed", name);
      await rm(file, { force: true });
    },
  };
}

/** Writes a oneshot service around a shell script, and runs it to its end. */
export async function runScript(script: string, settings = ""): Promise<TestUnit> {
  const unit = await writeUnit(`[Service]\nType=oneshot\n${settings}\nExecStart=/bin/sh -c '${script}'\n`);
  run("systemctl", "start", unit.name);
  return unit;
}

/** Starts a service around a program whose standard input is a FIFO that stays open. */
export async function startReader(
  program: string,
  settings = "",
): Promise<TestUnit & { readonly fifo: string }> {
  const dir = await tempDir();
  const fifo = `${dir.path}/fifo`;
  run("mkfifo", fifo);
  const unit = await writeUnit(`[Service]\n${settings}\nExecStart=/bin/sh -c 'exec ${program} <>${fifo}'\n`);
  run("systemctl", "start", unit.name);
  return {
    name: unit.name,
    fifo,
    [Symbol.asyncDispose]: async () => {
      await unit[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

export async function connected(): Promise<Systemd> {
  const systemd = new Systemd({ log: quiet });
  await systemd.start(never);
  return systemd;
}

/** Runs a program and returns what it prints. */
export function run(...argv: string[]): string {
  return Bun.spawnSync(argv, { stderr: "ignore" }).stdout.toString();
}
