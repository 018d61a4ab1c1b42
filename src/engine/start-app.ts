// `start-app`, which is not rkt's but our own: the main process of an app's unit, which becomes the app.
// Invariant: nothing of the image is loaded or executed before all privileges that the app must not have are gone.

import { becomeProgram } from "../host/become.ts";
import { errorChain } from "../host/error.ts";
import { keepFromOtherProcesses } from "../host/landlock.ts";
import { copyMountNamespace, joinNamespace, ownHostname } from "../host/namespaces.ts";
import { dropPrivileges, restoreSignals } from "../host/privileges.ts";
import type { AppProcess } from "./app-process.ts";
import { enterAppRoot, enterDirectory } from "./app-root.ts";
import { type AppNamespaces, privilegesOf, readAppStart } from "./app-start.ts";
import type { Command } from "./command.ts";
import { EngineError } from "./engine-error.ts";

/** systemd.exec(5)'s codes for what it would have done itself. */
const exitCodes = { directory: 200, execution: 203, namespace: 226 } as const;

export const startApp: Command = {
  name: "start-app",
  synopsis: "POD_DIRECTORY APP",
  needsRoot: true,
  flags: {},
  run: (context) => {
    const [podPath, app, ...more] = context.args;
    if (podPath === undefined || app === undefined || more.length > 0) return context.usage();
    const { namespaces, root, process: like } = readAppStart(podPath, app);
    attempt(exitCodes.namespace, () => {
      enterNamespaces(namespaces);
      enterAppRoot(root);
    });
    attempt(exitCodes.directory, () => enterDirectory(like.workingDirectory));
    if (root.hidesProcesses)
      attempt(exitCodes.namespace, () => keepFromOtherProcesses({ mayMount: mayMount(like) }));
    restoreSignals();
    dropPrivileges(privilegesOf(like));
    const [program] = like.argv;
    return attempt(exitCodes.execution, () =>
      becomeProgram(program, like.argv, Object.fromEntries(like.environment)),
    );
  },
};

/**
 * Not by settings of the unit: systemd would join namespaces of IPC from version 248 on, give host names from 258 on, and never let an app's
 * own mounts reach the machine.
 */
function enterNamespaces({ ipc, network, hostname }: AppNamespaces): void {
  copyMountNamespace();
  for (const path of [ipc, network]) if (path !== undefined) joinNamespace(path);
  if (hostname !== undefined) ownHostname(hostname);
}

function mayMount({ capabilities }: AppProcess): boolean {
  return capabilities === undefined || capabilities.includes("CAP_SYS_ADMIN");
}

function attempt<T>(exitCode: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw new EngineError(errorChain(error), { exitCode, cause: error });
  }
}
