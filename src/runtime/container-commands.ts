// Commands in running containers, by `rkt enter`: what is run has the container's user, limits and environment, and none of ours.

import { startSession } from "../host/session.ts";
import type { CommandStart, ContainerCommand } from "../pod/container-command.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import { findContainer, type ShownPods } from "./find-container.ts";

export interface ContainerCommandsOptions {
  readonly status: ShownPods;
  readonly rkt: Pick<RktClient, "enterArgv">;
}

export class ContainerCommands {
  readonly #options: ContainerCommandsOptions;

  constructor(options: ContainerCommandsOptions) {
    this.#options = options;
  }

  start(asked: ContainerCommand): CommandStart {
    const { argv, hasInput, isTerminal } = asked;
    const found = findContainer(this.#options.status, asked);
    if (found.kind !== "found") return found;
    const { name: container, current, reason } = found;
    const app = current?.apps.find(({ name }) => name === container);
    if (current?.state.kind !== "running" || app?.state.kind !== "running") {
      return { kind: "notRunning", container, reason };
    }
    const program = this.#options.rkt.enterArgv(current.uuid, container, argv, { isTerminal });
    // rkt gives the command the app's environment, and the engine this one variable besides.
    const env = { ...process.env, ...(isTerminal && { TERM: "xterm" }) };
    return { kind: "started", command: startSession(program, { env, hasInput, isTerminal }) };
  }
}
