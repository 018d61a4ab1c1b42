// The agent's own unit. Pure.
// Invariant: it gives the agent what that does itself and no more; what takes all of root's rights, systemd does outside of it.

import type { Config } from "../config/settings.ts";
import { execCommand, serializeUnitFile, type UnitEntry } from "../systemd/unit-file.ts";

export interface AgentUnitOptions {
  /** Absolute path of the executable. */
  readonly executable: string;
  /** What is in effect without flags: the unit gives none. */
  readonly config: Config;
  readonly systemdVersion: number;
}

/**
 * The memory that its runtime believes the machine to have decides when it collects garbage. By the machine's own it waits so long that after
 * 110 pods have been started 9 MiB more are taken for good; requests are answered as fast with either.
 */
export const agentEnvironment: Readonly<Record<string, string>> = {
  BUN_JSC_forceRAMSize: String(128 * 1024 * 1024),
};

/** Type=notify-reload. */
const notifyReloadVersion = 253;
/** A confined agent has not been tried with an older one. */
const confinementVersion = 250;

export function agentUnit(options: AgentUnitOptions): string {
  const { executable, config, systemdVersion } = options;
  const unit = serializeUnitFile([
    {
      name: "Unit",
      entries: [
        ["Description", "gantry: keeps the machine's pods running"],
        ["Documentation", "man:gantry(1)"],
        ["After", "dbus.service network.target"],
        ["RequiresMountsFor", [config.manifestPath, config.stateDir].map(quoted).join(" ")],
        ["StartLimitIntervalSec", "0"],
      ],
    },
    {
      name: "Service",
      entries: [
        ...(systemdVersion >= notifyReloadVersion
          ? ([["Type", "notify-reload"]] as const)
          : ([
              ["Type", "notify"],
              ["ExecReload", "/bin/kill -HUP $MAINPID"],
            ] as const)),
        ["ExecStart", execCommand([executable, "agent"])],
        ["Restart", "always"],
        ["RestartSec", "1"],
        ["WatchdogSec", "60"],
        // Longer than its end may wait for swaps (reconcile/in-flight.ts).
        ["TimeoutStopSec", "90"],
        // They would make the executable run something else than gantry.
        ["UnsetEnvironment", "BUN_OPTIONS BUN_BE_BUN BUN_INSPECT NODE_OPTIONS"],
        ...Object.entries(agentEnvironment).map(
          ([name, value]): UnitEntry => ["Environment", `${name}=${value}`],
        ),
        ...directories(config),
        ...(systemdVersion >= confinementVersion ? [...confinement, ...rightToPorts(config)] : []),
      ],
    },
    { name: "Install", entries: [["WantedBy", "multi-user.target"]] },
  ]);
  return `${head}\n${unit}`;
}

const head =
  '# Written by "gantry install", and again by the next one; changes belong into a drop-in: systemctl edit gantry';

/** Else a person wrote it. */
export function isWrittenByUs(unit: string): boolean {
  return unit.startsWith(head);
}

/** For the unit, before each start. */
export function isMadeBySystemd(runDir: string): boolean {
  return runDir.startsWith("/run/");
}

/** Where it writes. */
function directories({ runDir, stateDir, unitDir, listen, rkt }: Config): readonly UnitEntry[] {
  const below = (path: string, parent: string) =>
    path.startsWith(parent) ? path.slice(parent.length) : undefined;
  const run = below(runDir, "/run/");
  const state = below(stateDir, "/var/lib/");
  const others = [
    unitDir,
    ...(run === undefined ? [runDir] : []),
    ...(state === undefined ? [stateDir] : []),
    // A real rkt's, where there is one.
    `-${rkt.dir || "/var/lib/rkt"}`,
    ...listen.flatMap(socketDirectory).filter((path) => path !== `-${runDir}`),
  ];
  return [
    ...(run === undefined
      ? []
      : ([
          ["RuntimeDirectory", quoted(run)],
          ["RuntimeDirectoryPreserve", "yes"], // restarts and reloads of the agent pass, the pods stay
        ] as const)),
    ...(state === undefined ? [] : ([["StateDirectory", quoted(state)]] as const)),
    ["ReadWritePaths", others.map(quoted).join(" ")],
  ];
}

/** Made by who wants a socket in it; none of other addresses. */
function socketDirectory(address: string): readonly string[] {
  const [, directory] = /^unix:\/\/(\/.*)\/[^/]+$/.exec(address) ?? [];
  return directory === undefined ? [] : [`-${decodeURIComponent(directory)}`];
}

const confinement: readonly UnitEntry[] = [
  ["NoNewPrivileges", "yes"],
  // Files of any owner are read (manifests, messages of pods), and given to a pod's group.
  ["CapabilityBoundingSet", "CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID"],
  ["ProtectSystem", "strict"],
  ["ProtectHome", "read-only"],
  ["PrivateDevices", "yes"],
  ["PrivateMounts", "yes"],
  ["ProtectClock", "yes"],
  ["ProtectControlGroups", "yes"],
  ["ProtectHostname", "yes"],
  ["ProtectKernelLogs", "yes"],
  ["ProtectKernelModules", "yes"],
  ["ProtectKernelTunables", "yes"],
  ["LockPersonality", "yes"],
  ["RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
  ["RestrictNamespaces", "yes"],
  ["RestrictRealtime", "yes"],
  ["SystemCallArchitectures", "native"],
  ["SystemCallFilter", "@system-service"],
  ["SystemCallFilter", "~@keyring @memlock @resources @setuid"],
  ["SystemCallFilter", "setpriority"], // of @resources: nice
  ["SystemCallErrorNumber", "EPERM"],
];

/** Added to those of the confinement; 0 is any port from 1024 on. */
function rightToPorts({ listen }: Config): readonly UnitEntry[] {
  const isPrivileged = listen.some((address) => {
    const { protocol, port } = URL.parse(address) ?? { protocol: "", port: "" };
    if (protocol !== "http:" && protocol !== "https:") return false;
    return port === "" || (port !== "0" && Number(port) < 1024);
  });
  return isPrivileged ? [["CapabilityBoundingSet", "CAP_NET_BIND_SERVICE"]] : [];
}

/** One word of a list of paths. */
function quoted(path: string): string {
  const escaped = path.replaceAll("%", "%%");
  return /^[^\s"'\\]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, "\\$&")}"`;
}
