// The settings of the agent, each once.

import { hostname } from "node:os";
import { dnsSubdomain } from "../manifest/format.ts";
import { defaultThresholds, parseThresholds } from "../node/threshold.ts";
import {
  absolutePath,
  flagSetting,
  integerSetting,
  listSetting,
  pathSetting,
  type Setting,
  type Settled,
  textSetting,
} from "./setting.ts";

const rktsOwn = "rkt's own";

/** In the order in which they are shown; one may be made from those before it. */
export const settings = {
  manifestPath: pathSetting({
    help: "directory of Pod manifests, or one file",
    fallback: "/etc/gantry/manifests",
  }),
  stateDir: pathSetting({
    help: "what must outlive a reboot: pod directories, the engine's store",
    fallback: "/var/lib/gantry",
  }),
  runDir: pathSetting({
    help: "socket, and credentials for the time of a pull",
    fallback: "/run/gantry",
  }),
  unitDir: pathSetting({
    help: "where pod units are written; one agent each",
    fallback: "/run/systemd/system",
  }),
  nodeName: textSetting({
    help: "suffix of pod names",
    fallback: () => hostname().toLowerCase(),
    fallbackNote: "the host's name, lower case",
    check: dnsName,
  }),
  listen: listSetting({
    help: "unix:///PATH, http://127.0.0.1:PORT (read only) or https://HOST:PORT; one that another process has is tried again every 10 s",
    fallback: (settled) => [`unix://${settled.get("runDir")}/gantry.sock`, "http://127.0.0.1:10255"],
    fallbackNote: "`unix:///run/gantry/gantry.sock`, `http://127.0.0.1:10255`",
  }),
  tls: {
    certFile: pathSetting({ help: "certificate of https addresses", fallback: "", fallbackNote: "none" }),
    keyFile: pathSetting({ help: "its key", fallback: "", fallbackNote: "none" }),
    tokenFile: pathSetting({
      help: "a line of at least 16 characters: who sends it as bearer token to an https address may do everything",
      fallback: "",
      fallbackNote: "nobody",
    }),
    clientCaFile: pathSetting({
      help: "certificates of whom: who shows one that they have signed may do everything too",
      fallback: "",
      fallbackNote: "nobody",
    }),
  },
  network: textSetting({ help: "network of pods without hostNetwork", fallback: "default" }),
  maxParallelImagePulls: integerSetting({
    help: "images pulled at once; the others wait, in order",
    fallback: 1,
    min: 1,
    max: 999_999,
  }),
  evictionHard: listSetting({
    help: "what the machine is to have left, as the kubelet's flag: else pods are evicted; empty: they never are",
    fallback: defaultThresholds,
    fallbackNote: defaultThresholds.map((text) => `\`${text}\``).join(", "),
    isLive: true,
    check: (text) => parseThresholds([text]).problem,
  }),
  rkt: {
    path: pathSetting({
      help: "a real rkt, or `builtin`",
      fallback: "",
      fallbackNote: "a `rkt` in `$PATH`, else `builtin`",
      check: (path) => (path === "builtin" ? undefined : absolutePath(path)),
    }),
    dir: pathSetting({
      help: "rkt's data directory",
      fallback: "",
      fallbackNote: `${rktsOwn}; \`/var/lib/gantry/rkt\` for the engine`,
    }),
    insecureSkipVerify: flagSetting({
      help: "images need no signature (rkt's `--insecure-options=image,ondisk`)",
    }),
    insecureOptions: listSetting({
      help: "rkt's `--insecure-options`",
      fallback: [],
      fallbackNote: rktsOwn,
    }),
    stage1Name: textSetting({ help: "name of the stage1 image", fallback: "", fallbackNote: rktsOwn }),
    stage1Path: pathSetting({ help: "file of the stage1 image", fallback: "", fallbackNote: rktsOwn }),
    debug: flagSetting({ help: "rkt's `--debug`" }),
    localConfigDir: pathSetting({ help: "rkt's `--local-config`", fallback: "", fallbackNote: rktsOwn }),
    userConfigDir: pathSetting({ help: "rkt's `--user-config`", fallback: "", fallbackNote: rktsOwn }),
    systemConfigDir: pathSetting({ help: "rkt's `--system-config`", fallback: "", fallbackNote: rktsOwn }),
  },
  engine: {
    requireIsolation: flagSetting({
      help: "refuse pods that would share the machine's process ids unasked: all but `hostPID` ones before systemd 257",
      isLive: true,
    }),
  },
  debug: flagSetting({ help: "log more", isLive: true }),
} as const satisfies Table;

interface Table {
  readonly [name: string]: Setting | Table;
}

/** As the file is laid out. */
export type Config = ValuesOf<typeof settings>;

type ValuesOf<T> = {
  readonly [Name in keyof T]: T[Name] extends Setting<infer V> ? V : ValuesOf<T[Name]>;
};

/** A row with the names that it goes by. */
export interface NamedSetting extends Setting {
  /** In the file: `rkt.path`. */
  readonly key: string;
  /** `rkt-path`, without the dashes before it. */
  readonly flag: string;
  /** `GANTRY_RKT_PATH`. */
  readonly variable: string;
}

/** All of them, in the order of the table. */
export const allSettings: readonly NamedSetting[] = namedIn(settings, "");

function namedIn(table: Table, prefix: string): readonly NamedSetting[] {
  return Object.entries(table).flatMap(([name, row]) => {
    const key = `${prefix}${name}`;
    if (!isSetting(row)) return namedIn(row, `${key}.`);
    const flag = key.replaceAll(".", "-").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return [{ ...row, key, flag, variable: `GANTRY_${flag.toUpperCase().replaceAll("-", "_")}` }];
  });
}

/** The settled values laid out as the table is. */
export function configOf(settled: Settled): Config {
  const valuesIn = (table: Table, prefix: string): object =>
    Object.fromEntries(
      Object.entries(table).map(([name, row]) => [
        name,
        isSetting(row) ? settled.get(`${prefix}${name}`) : valuesIn(row, `${prefix}${name}.`),
      ]),
    );
  return valuesIn(settings, "") as Config; // each row's value is of its type: it was read by its shape
}

function isSetting(row: Setting | Table): row is Setting {
  return "shape" in row && "normalize" in row;
}

function dnsName(name: string): string | undefined {
  return dnsSubdomain(name) && "must be a DNS name (lower case, digits, - and .)";
}
