// Ports on the loopback of pods. A connection to one is carried by `gantry port-connect`, between its standard streams and the port, in
// the pod's network namespace. Invariant: the agent itself is never in a namespace of a pod, nor is anything else that it does.

import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { errorChain, hasErrorCode } from "../host/error.ts";
import { startSession } from "../host/session.ts";
import type { RunningCommand } from "../pod/container-command.ts";
import { networkNamespacePath, type RktUuid } from "../pod/names.ts";
import type { Argv } from "../rkt/command-line.ts";
import type { ShownPods } from "./find-container.ts";

export interface PodPortsOptions {
  readonly status: ShownPods;
  readonly isBuiltin: boolean;
  /** rkt's data directory. */
  readonly rktDir: string;
  /** How to start this program again. */
  readonly self: Argv;
  /** Makes a command of one that needs all of root's rights; undefined: ours will do. */
  readonly withRights: ((argv: Argv) => Argv) | undefined;
}

type FoundPorts =
  | { readonly kind: "found"; connect(port: number): RunningCommand }
  | { readonly kind: "podNotFound" }
  | { readonly kind: "notRunning" };

export class PodPorts {
  readonly #options: PodPortsOptions;

  constructor(options: PodPortsOptions) {
    this.#options = options;
  }

  async find(namespace: string, name: string): Promise<FoundPorts> {
    const { status, self, withRights = (argv: Argv) => argv } = this.#options;
    const pod = status.get(namespace, name);
    if (pod === undefined) return { kind: "podNotFound" };
    const containers = pod.spec?.containers ?? [];
    const current = status.revisionsOf(namespace, name, containers[0]?.name ?? "")?.current;
    if (current?.state.kind !== "running") return { kind: "notRunning" };
    const connectArgv = (port: number): Argv => [...self, "port-connect", String(port)];
    const start = (argv: Argv) => startSession(argv, { env: process.env, hasInput: true, isTerminal: false });
    if (pod.spec?.hostNetwork) return { kind: "found", connect: (port) => start(connectArgv(port)) };
    const path = await this.#namespacePath(current.networkOf ?? current.uuid);
    return {
      kind: "found",
      connect: (port) => start(withRights(["nsenter", `--net=${path}`, "--", ...connectArgv(port)])),
    };
  }

  /** A real rkt writes it down (networking/podenv.go, rkt 1.30). */
  async #namespacePath(uuid: RktUuid): Promise<string> {
    const { isBuiltin, rktDir } = this.#options;
    return isBuiltin
      ? networkNamespacePath(uuid)
      : await readFile(`${rktDir}/pods/run/${uuid}/netns`, "utf8");
  }
}

/** `gantry port-connect PORT`; resolves with the exit code once the connection has ended. */
export async function runPortConnect(port: number): Promise<number> {
  try {
    const socket = await connectLoopback(port);
    process.stdin.pipe(socket);
    for await (const bytes of socket as AsyncIterable<Buffer>) await Bun.write(Bun.stdout, bytes);
    return 0;
  } catch (error) {
    process.stderr.write(`${errorChain(error)}\n`);
    return 1;
  }
}

/** By IPv4, or where nothing listens there by IPv6. */
async function connectLoopback(port: number): Promise<Socket> {
  try {
    return await connected("127.0.0.1", port);
  } catch (error) {
    if (!hasErrorCode(error, "ECONNREFUSED")) throw error;
    return await connected("::1", port).catch(() => {
      throw new Error(`nothing listens on port ${port}`);
    });
  }
}

function connected(host: string, port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.once("error", reject).once("connect", () => {
    socket.off("error", reject);
    resolve(socket);
  });
  return promise;
}
