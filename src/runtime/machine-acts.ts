// What takes all of root's rights, in the mount namespace that the pods are started from.
// Invariant: whoever asks need not know whether it is done here or, where the agent is confined, by a process that systemd runs.

import { CommandError, runCommand } from "../host/command.ts";
import { errorChain } from "../host/error.ts";
import { unmountBelow } from "../host/mount-table.ts";
import type { Outside } from "../host/outside.ts";
import { checkHostPath } from "./host-path.ts";
import { mountForSecrets, mountMemory } from "./memory-volume.ts";
import { mountSubPath } from "./sub-path.ts";

const acts = { checkHostPath, mountForSecrets, mountMemory, mountSubPath, unmountBelow };

type ActName = keyof typeof acts;

export type MachineActs = {
  readonly [Name in ActName]: (...args: Parameters<(typeof acts)[Name]>) => Promise<void>;
};

/** Each is done by this process. */
export const machineActs: MachineActs = {
  ...acts,
  mountSubPath: async (...args) => mountSubPath(...args),
};

const timeoutMs = 30_000;

/** Each is done by `gantry machine-act`, run beside the agent's own unit. */
export function machineActsOutside(self: readonly string[], outside: Outside): MachineActs {
  const act = async (name: ActName, args: readonly unknown[]) => {
    try {
      await runCommand(outside([...self, "machine-act"]), {
        input: JSON.stringify({ name, args }),
        timeoutMs,
      });
    } catch (error) {
      const told = error instanceof CommandError && error.exitCode !== undefined && error.stderr.trim();
      throw told ? new Error(told) : error;
    }
  };
  return {
    checkHostPath: (...args) => act("checkHostPath", args),
    mountForSecrets: (...args) => act("mountForSecrets", args),
    mountMemory: (...args) => act("mountMemory", args),
    mountSubPath: (...args) => act("mountSubPath", args),
    unmountBelow: (...args) => act("unmountBelow", args),
  };
}

/** `gantry machine-act`, with what to do on standard input. Resolves with the exit code. */
export async function runMachineAct(): Promise<number> {
  const { name, args } = (await Bun.stdin.json()) as { name: ActName; args: never };
  try {
    await (machineActs[name] as (...given: readonly unknown[]) => Promise<void>)(...(args as unknown[]));
    return 0;
  } catch (error) {
    process.stderr.write(`${errorChain(error)}\n`);
    return 1;
  }
}
