// `start-app`, which is not rkt's but our own: the main process of an app's unit, which becomes the app.
// Invariant: nothing of the image is loaded or executed before all privileges that the app must not have are gone.

import { readFileSync, writeFileSync } from "node:fs";
import { becomeProgram } from "../host/become.ts";
import { errorChain } from "../host/error.ts";
import { dropPrivileges, restoreSignals } from "../host/libc.ts";
import type { AppProcess } from "./app-process.ts";
import { type AppRoot, enterAppRoot } from "./app-root.ts";
import { capabilityBits } from "./capabilities.ts";
import type { Command } from "./command.ts";
import { EngineError } from "./engine-error.ts";

/** systemd.exec(5)'s codes for what it would have done itself. */
const exitCodes = { directory: 200, execution: 203, namespace: 226 } as const;

export interface AppStart {
  readonly root: AppRoot;
  readonly process: AppProcess;
}

/** For root alone: environments hold secrets. */
export function writeAppStart(podPath: string, app: string, { root, process }: AppStart): void {
  const text = JSON.stringify({ root, process: { ...process, environment: [...process.environment] } });
  writeFileSync(startFile(podPath, app), text, { mode: 0o600 });
}

function readAppStart(podPath: string, app: string): AppStart {
  const { root, process } = JSON.parse(readFileSync(startFile(podPath, app), "utf8"));
  return { root, process: { ...process, environment: new Map(process.environment) } };
}

function startFile(podPath: string, app: string): string {
  return `${podPath}/apps/${app}/start.json`;
}

export const startApp: Command = {
  name: "start-app",
  synopsis: "POD_DIRECTORY APP",
  needsRoot: true,
  flags: {},
  run: (context) => {
    const [podPath, app, ...more] = context.args;
    if (podPath === undefined || app === undefined || more.length > 0) return context.usage();
    const { root, process: like } = readAppStart(podPath, app);
    attempt(exitCodes.namespace, () => enterAppRoot(root));
    attempt(exitCodes.directory, () => process.chdir(like.workingDirectory));
    restoreSignals();
    dropPrivileges({
      uid: like.uid,
      gid: like.gid,
      groups: like.supplementaryGids,
      capabilities: capabilityBits(like.capabilities),
      noNewPrivileges: like.noNewPrivileges,
    });
    const [program] = like.argv;
    return attempt(exitCodes.execution, () =>
      becomeProgram(program, like.argv, Object.fromEntries(like.environment)),
    );
  },
};

function attempt<T>(exitCode: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw new EngineError(errorChain(error), { exitCode, cause: error });
  }
}
