// What `--net` asks for. Pure.

import { EngineError } from "../engine-error.ts";

export type RequestedNetworks =
  | { readonly kind: "host" }
  /** Loopback only. */
  | { readonly kind: "none" }
  | { readonly kind: "networks"; readonly networks: readonly RequestedNetwork[] };

export interface RequestedNetwork {
  readonly name: string;
  /** `IP=10.1.2.3;K=V`: CNI_ARGS. */
  readonly args: string;
}

/** The values of `--net`, split at commas: `host`, `none`, or names, each with `:ARGS` if need be. No value is the network `default`. */
export function requestedNetworks(values: readonly string[]): RequestedNetworks {
  const networks = values
    .filter((value) => value !== "")
    .map((value) => {
      const [name = "", ...args] = value === "true" ? ["default"] : value.split(":");
      return { name, args: args.join(":") };
    });
  const [first = { name: "default", args: "" }, ...more] = networks;
  for (const kind of ["host", "none"] as const) {
    if (!networks.some(({ name }) => name === kind)) continue;
    if (more.length > 0) throw new EngineError(`--net=${kind} stands for itself`);
    return { kind };
  }
  const twice = networks.find(({ name }, index) => networks.findIndex((one) => one.name === name) < index);
  if (twice !== undefined) throw new EngineError(`network "${twice.name}" is asked for twice`);
  return { kind: "networks", networks: [first, ...more] };
}
