// `gantry exec` and `gantry attach`: to a container that runs.

import type { Pod } from "kubernetes-types/core/v1";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { containerNames, containerOf, findPodOf, nameOf } from "./find-pods.ts";
import { tell } from "./output.ts";
import { runRemoteCommand } from "./remote-command.ts";

export interface ExecOptions extends ServerOptions {
  readonly namespace: string;
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly quiet?: boolean;
}

/** Resolves with the command's exit code. */
export async function runExec(
  name: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  if (command.length === 0)
    throw new UsageError("exec: name a command after --, as in: gantry exec web -- ls /");
  return enter("exec", name, { command, options });
}

/** Resolves with the exit code, once the container has ended. */
export async function runAttach(name: string, options: ExecOptions): Promise<number> {
  return enter("attach", name, { command: [], options });
}

interface Entering {
  readonly command: readonly string[];
  readonly options: ExecOptions;
}

async function enter(verb: "exec" | "attach", name: string, { command, options }: Entering): Promise<number> {
  const client = await AgentClient.create(options);
  const pod = await findPodOf(client, name, options.namespace);
  const container = await chooseContainer(pod, options);
  checkRunning(pod, container);
  const isTerminal = await hasTerminal(options);
  const query = new URLSearchParams(command.map((word): [string, string] => ["command", word]));
  // With a terminal there is one stream for both.
  const flags = { stdin: options.stdin, stdout: true, stderr: !isTerminal, tty: isTerminal };
  for (const [flag, isSet] of Object.entries(flags)) if (isSet) query.set(flag, "true");
  const { namespace, name: podName } = nameOf(pod);
  return runRemoteCommand(client, {
    path: `/${verb}/${namespace}/${podName}/${container}`,
    query,
    isStdin: options.stdin ?? false,
    isTerminal,
  });
}

async function chooseContainer(pod: Pod, { container, quiet }: ExecOptions): Promise<string> {
  const chosen = containerOf(pod, container);
  const all = containerNames(pod);
  if (container === undefined && all.length > 1 && !quiet)
    await tell(`Defaulted container "${chosen}" out of: ${all.join(", ")}`);
  return chosen;
}

/** Throws CommandFailure with the reason for which it does not run. */
function checkRunning({ metadata, status }: Pod, container: string): void {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const state = all.find(({ name }) => name === container)?.state;
  if (state?.running) return;
  const reason = state?.waiting?.reason ?? state?.terminated?.reason ?? "it was never started";
  throw new CommandFailure(
    `container ${JSON.stringify(container)} in the pod ${JSON.stringify(metadata?.name)} does not run: ${reason}`,
  );
}

/** `-t` without a terminal of our own would be one that nobody sits at. */
async function hasTerminal({ tty, stdin, quiet }: ExecOptions): Promise<boolean> {
  if (!tty) return false;
  if (stdin && process.stdin.isTTY) return true;
  if (!quiet) await tell("Unable to use a TTY: standard input is no terminal, or -i is missing");
  return false;
}
