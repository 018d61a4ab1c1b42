import { describe, expect, test } from "bun:test";
import { ConfigError, flagHelp, readConfig } from "../src/config.ts";

const named = ["--node-name=edge1"];

function errorOf(argv: readonly string[], environment: Record<string, string> = {}): string {
  try {
    readConfig([...named, ...argv], environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("readConfig", () => {
  test("without flags and variables, the defaults", () => {
    expect(readConfig(named, {})).toEqual({
      manifestPath: "/etc/gantry/manifests",
      stateDir: "/var/lib/gantry",
      runDir: "/run/gantry",
      unitDir: "/run/systemd/system",
      nodeName: "edge1",
      listen: ["unix:///run/gantry/gantry.sock", "http://127.0.0.1:10255"],
      network: "default",
      maxParallelImagePulls: 1,
      rkt: {
        path: "",
        dir: "",
        stage1Name: "",
        stage1Path: "",
        localConfigDir: "",
        userConfigDir: "",
        systemConfigDir: "",
        insecureOptions: [],
        isDebug: false,
      },
      engine: { requireIsolation: false },
      isDebug: false,
    });
  });

  test("the socket is in the run directory, wherever that is", () => {
    expect(readConfig([...named, "--run-dir=/tmp/r/"], {}).listen[0]).toBe("unix:///tmp/r/gantry.sock");
  });

  test("a variable beats the default, a flag the variable", () => {
    const environment = { GANTRY_NETWORK: "variable", GANTRY_STATE_DIR: "/variable" };
    const { network, stateDir } = readConfig([...named, "--network=flag"], environment);
    expect({ network, stateDir }).toEqual({ network: "flag", stateDir: "/variable" });
  });

  test("lists: a flag more than once, a variable with commas", () => {
    const listen = ["--listen=unix:///a", "--listen=http://127.0.0.1:1"];
    expect(readConfig([...named, ...listen], {}).listen).toEqual(["unix:///a", "http://127.0.0.1:1"]);
    expect(readConfig(named, { GANTRY_LISTEN: "unix:///a,unix:///b," }).listen).toEqual([
      "unix:///a",
      "unix:///b",
    ]);
  });

  test("yes and no", () => {
    expect(readConfig([...named, "--debug"], {}).isDebug).toBe(true);
    expect(readConfig(named, { GANTRY_DEBUG: "true" }).isDebug).toBe(true);
    expect(readConfig(named, { GANTRY_DEBUG: "false" }).isDebug).toBe(false);
  });

  test("to skip verification adds to the insecure options that are given", () => {
    const argv = [...named, "--rkt-insecure-skip-verify", "--rkt-insecure-options=http"];
    expect(readConfig(argv, {}).rkt.insecureOptions).toEqual(["http", "image", "ondisk"]);
  });

  test.each(["builtin", "/opt/rkt"])("rkt may be %s", (path) => {
    expect(readConfig([...named, `--rkt-path=${path}`], {}).rkt.path).toBe(path);
  });

  test("other programs' variables, and that of the client commands, do not matter", () => {
    expect(() => readConfig(named, { HOME: "/root", GANTRY_SERVER: "x" })).not.toThrow();
  });

  test.each<[argv: string[], environment: Record<string, string>, message: string]>([
    [["--no-such-flag"], {}, "Unknown option '--no-such-flag' (gantry agent --help lists the flags)"],
    [
      ["--state-dir"],
      {},
      "Option '--state-dir <value>' argument missing (gantry agent --help lists the flags)",
    ],
    [["web.yaml"], {}, "Unexpected argument 'web.yaml' (gantry agent --help lists the flags)"],
    [["--state-dir=x"], {}, '--state-dir: must be an absolute path, not "x"'],
    [["--rkt-path=rkt"], {}, '--rkt-path: must be an absolute path, not "rkt"'],
    [["--rkt-dir=data"], {}, '--rkt-dir: must be an absolute path, not "data"'],
    [["--node-name=My Node"], {}, '--node-name: "My Node" is no DNS name (lower case, digits, - and .)'],
    [
      ["--max-parallel-image-pulls=0"],
      {},
      '--max-parallel-image-pulls: must be a number, 1 or more, not "0"',
    ],
    [[], { GANTRY_STATE_DIR: "" }, 'GANTRY_STATE_DIR: must be an absolute path, not ""'],
    [[], { GANTRY_NONSENSE: "1" }, "unknown variable GANTRY_NONSENSE in the environment"],
    [[], { GANTRY_DEBUG: "yes" }, 'GANTRY_DEBUG: must be true or false, not "yes"'],
  ])("%j with %j is refused", (argv, environment, message) => {
    expect(errorOf(argv, environment)).toBe(message);
  });
});

test("flagHelp has a line for each flag", () => {
  const lines = flagHelp().trimEnd().split("\n");
  expect(lines).toHaveLength(20);
  for (const line of lines) expect(line).toMatch(/^ {2}--[a-z0-9-]+ +\S/);
});
