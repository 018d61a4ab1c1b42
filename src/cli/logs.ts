// `gantry logs`: what containers wrote, with kubectl's flags.

import type { Pod } from "kubernetes-types/core/v1";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { parseDurationMs } from "./duration.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { containerNames, containerOf, findPod, listPods, nameOf } from "./find-pods.ts";
import { print, tell } from "./output.ts";
import { decodeLabelSelector } from "./selector.ts";

export interface LogsOptions extends ServerOptions {
  readonly namespace: string;
  readonly container?: string;
  readonly allContainers?: boolean;
  readonly selector?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly allRevisions?: boolean;
  readonly timestamps?: boolean;
  readonly prefix?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly sinceTime?: string;
  readonly limitBytes?: string;
}

interface Source {
  readonly path: string;
  readonly container: string;
  readonly prefix: string;
}

/** Resolves with the exit code. */
export async function runLogs(
  name: string | undefined,
  container: string | undefined,
  options: LogsOptions,
): Promise<number> {
  const query = queryOf(options);
  if (container !== undefined && options.container !== undefined)
    throw new UsageError("logs: the container is named twice, as an argument and with -c");
  if (options.allContainers && (container ?? options.container) !== undefined)
    throw new UsageError("logs: at most one of --all-containers and a container");
  if ((name === undefined) === (options.selector === undefined))
    throw new UsageError("logs: name a pod, or give labels with -l");
  const client = await AgentClient.create(options);
  const { items } = await listPods(client);
  const pods = name === undefined ? labelled(items, options) : [findPod(items, name, options.namespace)];
  const sources: Source[] = [];
  for (const pod of pods)
    sources.push(...(await sourcesIn(pod, { ...options, ...(container && { container }) })));
  // Where several write at once each line stays whole.
  const isMixed = sources.length > 1 && query.follow === true;
  const copies = { client, query, inLines: isMixed || options.prefix === true };
  if (isMixed) await Promise.all(sources.map((source) => copy(source, copies)));
  else for (const source of sources) await copy(source, copies);
  return 0;
}

function labelled(pods: readonly Pod[], { selector = "", namespace }: LogsOptions): readonly Pod[] {
  const hasLabels = decodeLabelSelector(selector);
  const found = pods.filter(
    (pod) => nameOf(pod).namespace === namespace && hasLabels(pod.metadata?.labels ?? {}),
  );
  if (found.length > 0) return found;
  throw new CommandFailure(
    `No pods with the labels ${selector} in the namespace ${JSON.stringify(namespace)}`,
  );
}

async function sourcesIn(pod: Pod, options: LogsOptions): Promise<readonly Source[]> {
  const { namespace, name } = nameOf(pod);
  const all = containerNames(pod);
  const chosen = options.allContainers ? all : [containerOf(pod, options.container)];
  if (!options.allContainers && options.container === undefined && all.length > 1)
    await tell(`Defaulted container "${chosen[0]}" out of: ${all.join(", ")}`);
  return chosen.map((container) => ({
    path: `/pods/${namespace}/${name}/logs`,
    container,
    prefix: options.prefix ? `[pod/${name}/${container}] ` : "",
  }));
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Copies {
  readonly client: AgentClient;
  readonly query: Query;
  readonly inLines: boolean;
}

async function copy({ path, container, prefix }: Source, { client, query, inLines }: Copies): Promise<void> {
  const question = { query: { ...query, container } };
  if (inLines) for await (const line of client.lines(path, question)) await print(`${prefix}${line}\n`);
  else for await (const chunk of client.chunks(path, question)) await print(chunk);
}

function queryOf(options: LogsOptions): Query {
  const { follow, previous, allRevisions, timestamps, tail, since, sinceTime, limitBytes } = options;
  if (since !== undefined && sinceTime !== undefined)
    throw new UsageError("logs: at most one of --since and --since-time");
  if (previous && allRevisions) throw new UsageError("logs: at most one of --previous and --all-revisions");
  // As with kubectl: of many pods not all that they have ever written.
  const tailLines = wholeNumber("--tail", tail ?? (options.selector === undefined ? "-1" : "10"), -1);
  return {
    follow: follow || undefined,
    previous: previous || undefined,
    allRevisions: allRevisions || undefined,
    timestamps: timestamps || undefined,
    tailLines: tailLines === -1 ? undefined : tailLines,
    sinceSeconds:
      since === undefined ? undefined : Math.max(1, Math.ceil(parseDurationMs("--since", since) / 1000)),
    sinceTime,
    limitBytes: limitBytes === undefined ? undefined : wholeNumber("--limit-bytes", limitBytes, 1),
  };
}

function wholeNumber(flag: string, text: string, least: number): number {
  if (/^-?\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`${flag}: must be a whole number of at least ${least}, not ${JSON.stringify(text)}`);
}
