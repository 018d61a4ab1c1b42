// rkt's options, in the order in which the kubelet gives them. Pure.

import type { RktUuid, UnitName } from "../pod/names.ts";

/** A program and its arguments. */
export type Argv = readonly [program: string, ...args: string[]];

/** Options of every rkt call; what is undefined is left to rkt. */
export interface RktGlobalOptions {
  readonly debug?: boolean;
  readonly insecureOptions?: readonly string[];
  readonly localConfigDir?: string | undefined;
  readonly userConfigDir?: string | undefined;
  readonly systemConfigDir?: string | undefined;
  readonly dir?: string | undefined;
}

export interface RunPreparedOptions {
  /** `host`, or a network's name. */
  readonly net: string;
  readonly hostname?: string | undefined;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOpt?: readonly string[];
  /** `ADDRESS=NAME`: lines of the pod's /etc/hosts beside its own name. */
  readonly hostsEntries?: readonly string[];
  /** `parent`: the machine's shared memory, semaphores and queues. */
  readonly ipc?: string | undefined;
  /** Only the built-in engine knows how: the pod runs in the network namespace of this one, which has to run. */
  readonly joinNetwork?: RktUuid | undefined;
  /** Only for the built-in engine, whose apps are units of their own: what the pod's unit is ordered after and before. */
  readonly appsAfter?: readonly UnitName[];
  readonly appsBefore?: readonly UnitName[];
  /** Lets apps do everything (insecure option `all-run`): every container of the pod is privileged. */
  readonly allRun?: boolean;
}

/** The program and the global options, which stand before the subcommand. */
export function globalArgv(
  command: Argv,
  options: RktGlobalOptions,
  moreInsecureOptions: readonly string[] = [],
): Argv {
  const insecure = [...(options.insecureOptions ?? []), ...moreInsecureOptions].join(",");
  const option = (name: string, value: string | undefined) => (value ? [`--${name}=${value}`] : []);
  return [
    ...command,
    ...(options.debug ? ["--debug=true"] : []),
    ...option("insecure-options", insecure),
    ...option("local-config", options.localConfigDir),
    ...option("user-config", options.userConfigDir),
    ...option("system-config", options.systemConfigDir),
    ...option("dir", options.dir),
  ];
}

export function runPreparedArgs(uuid: RktUuid, options: RunPreparedOptions): readonly string[] {
  const each = (name: string, values: readonly string[] = []) => values.map((value) => `--${name}=${value}`);
  return [
    "run-prepared",
    `--net=${options.net}`,
    ...each("dns", options.dns),
    ...each("dns-search", options.dnsSearch),
    ...each("dns-opt", options.dnsOpt),
    ...each("hosts-entry", options.hostsEntries),
    ...(options.ipc === undefined ? [] : [`--ipc=${options.ipc}`]),
    ...(options.joinNetwork === undefined ? [] : [`--gantry-join-network=${options.joinNetwork}`]),
    ...each("gantry-apps-after", options.appsAfter),
    ...each("gantry-apps-before", options.appsBefore),
    ...(options.hostname === undefined ? [] : [`--hostname=${options.hostname}`]),
    uuid,
  ];
}
