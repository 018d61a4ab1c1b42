import { describe, expect, test } from "bun:test";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError } from "../../src/config/config-error.ts";
import { type ConfigInput, readConfig } from "../../src/config/read-config.ts";
import type { Config } from "../../src/config/settings.ts";
import { tempDir } from "../temp-dir.ts";

type Flags = ConfigInput["flags"];
type Environment = Record<string, string>;

const empty = `${import.meta.dir}/fixtures/empty.yaml`;

async function configOf(flags: Flags, environment: Environment = {}): Promise<Config> {
  const { config } = await readConfig({
    flags: { config: empty, "node-name": "edge1", ...flags },
    environment,
  });
  return config;
}

function problemsOf(flags: Flags, environment: Environment = {}): Promise<readonly string[]> {
  return configOf(flags, environment).then(
    () => ["it was accepted"],
    (error: unknown) => {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    },
  );
}

describe("without a file", () => {
  test("the defaults", async () => {
    expect(await configOf({})).toMatchObject({
      manifestPath: "/etc/gantry/manifests",
      stateDir: "/var/lib/gantry",
      runDir: "/run/gantry",
      unitDir: "/run/systemd/system",
      nodeName: "edge1",
      listen: ["unix:///run/gantry/gantry.sock", "http://127.0.0.1:10255"],
      network: "default",
      maxParallelImagePulls: 1,
      rkt: { path: "", dir: "", insecureOptions: [], insecureSkipVerify: false, debug: false },
      engine: { requireIsolation: false },
      debug: false,
    });
  });

  test("the socket is in the run directory, wherever that is", async () => {
    expect((await configOf({ "run-dir": "/tmp/r/" })).listen[0]).toBe("unix:///tmp/r/gantry.sock");
  });

  test("a variable beats the default, a flag the variable", async () => {
    const environment = { GANTRY_NETWORK: "variable", GANTRY_STATE_DIR: "/variable" };
    const { network, stateDir } = await configOf({ network: "flag" }, environment);
    expect({ network, stateDir }).toEqual({ network: "flag", stateDir: "/variable" });
  });

  test("lists: a flag more than once, a variable with commas", async () => {
    const listen = ["unix:///a", "http://127.0.0.1:1"];
    expect((await configOf({ listen })).listen).toEqual(listen);
    expect((await configOf({}, { GANTRY_LISTEN: "unix:///a,unix:///b," })).listen).toEqual([
      "unix:///a",
      "unix:///b",
    ]);
  });

  test("yes and no", async () => {
    expect((await configOf({ debug: "true" })).debug).toBe(true);
    expect((await configOf({}, { GANTRY_DEBUG: "true" })).debug).toBe(true);
    expect((await configOf({ debug: "false" }, { GANTRY_DEBUG: "true" })).debug).toBe(false);
  });

  test.each(["builtin", "/opt/rkt"])("rkt may be %s", async (path) => {
    expect((await configOf({ "rkt-path": path })).rkt.path).toBe(path);
  });

  test("other programs' variables, and those of the client commands, do not matter", async () => {
    expect(await problemsOf({}, { HOME: "/root", GANTRY_SERVER: "x" })).toEqual(["it was accepted"]);
  });

  test.each<[flags: Flags, environment: Environment, problem: string]>([
    [{ "state-dir": "x" }, {}, '--state-dir: must be an absolute path, not "x"'],
    [{ "rkt-path": "rkt" }, {}, '--rkt-path: must be an absolute path, not "rkt"'],
    [{ "rkt-dir": "data" }, {}, '--rkt-dir: must be an absolute path, not "data"'],
    [
      { "node-name": "My Node" },
      {},
      '--node-name: must be a DNS name (lower case, digits, - and .), not "My Node"',
    ],
    [
      { "max-parallel-image-pulls": "0" },
      {},
      '--max-parallel-image-pulls: must be a whole number from 1 to 999999, not "0"',
    ],
    [
      {},
      { GANTRY_MAX_PARALLEL_IMAGE_PULLS: "1e3" },
      'GANTRY_MAX_PARALLEL_IMAGE_PULLS: must be a whole number from 1 to 999999, not "1e3"',
    ],
    [{}, { GANTRY_STATE_DIR: "" }, 'GANTRY_STATE_DIR: must be an absolute path, not ""'],
    [{}, { GANTRY_NONSENSE: "1" }, "unknown variable GANTRY_NONSENSE in the environment"],
    [
      {},
      { GANTRY_STATEDIR: "/x" },
      "unknown variable GANTRY_STATEDIR in the environment (did you mean GANTRY_STATE_DIR?)",
    ],
    [{}, { GANTRY_DEBUG: "yes" }, 'GANTRY_DEBUG: must be true or false, not "yes"'],
    [{ config: "config.yaml" }, {}, 'config: must be an absolute path, not "config.yaml"'],
  ])("%j with %j is refused", async (flags, environment, problem) => {
    expect(await problemsOf(flags, environment)).toEqual([problem]);
  });
});

describe("from files", () => {
  async function withFiles(files: Record<string, string>) {
    const dir = await tempDir();
    await mkdir(`${dir.path}/config.d`);
    for (const [name, text] of Object.entries(files)) await writeFile(`${dir.path}/${name}`, text);
    const problems = async () =>
      (await problemsOf({ config: `${dir.path}/config.yaml` })).map((line) => line.replaceAll(dir.path, "."));
    return { path: `${dir.path}/config.yaml`, problems, [Symbol.asyncDispose]: dir[Symbol.asyncDispose] };
  }

  test("drop-ins beat the file, later names earlier ones, and each value knows where it is from", async () => {
    await using files = await withFiles({
      "config.yaml": "debug: true\nnetwork: file\nrkt:\n  dir: /rkt/\n  path: builtin\nlisten: []\n",
      "config.d/20-b.yaml": "network: b\n",
      "config.d/10-a.yaml": "debug: false\nnetwork: a\n",
      "config.d/.30-c.yaml": "network: hidden\n",
      "config.d/30-c.yaml.bak": "nonsense",
    });
    const environment = { GANTRY_CONFIG: files.path, GANTRY_STATE_DIR: "/variable" };
    const { config, sources } = await readConfig({ flags: { "node-name": "edge1" }, environment });
    const { debug, network, rkt, listen, stateDir } = config;
    expect({ debug, network, dir: rkt.dir, listen, stateDir }).toEqual({
      debug: false,
      network: "b",
      dir: "/rkt",
      listen: [],
      stateDir: "/variable",
    });
    const base = files.path.replace(/config\.yaml$/, "");
    expect(
      Object.fromEntries(
        ["debug", "network", "rkt.dir", "stateDir", "nodeName", "unitDir"].map((key) => [
          key,
          sources.get(key)?.replace(base, ""),
        ]),
      ),
    ).toEqual({
      debug: "config.d/10-a.yaml:1:8",
      network: "config.d/20-b.yaml:1:10",
      "rkt.dir": "config.yaml:4:8",
      stateDir: "GANTRY_STATE_DIR",
      nodeName: "--node-name",
      unitDir: "default",
    });
  });

  test.each<[text: string, problem: string]>([
    ["stateDri: /x\n", './config.yaml:1:1: stateDri: unknown field "stateDri" (did you mean "stateDir"?)'],
    ["rkt:\n  pth: builtin\n", './config.yaml:2:3: rkt.pth: unknown field "pth" (did you mean "path"?)'],
    ["stateDir: x\n", './config.yaml:1:11: stateDir: Invalid value: "x": must be an absolute path'],
    ["debug: 1\n", "./config.yaml:1:8: debug: Invalid value: 1: must be true or false"],
    [
      "maxParallelImagePulls: 1000000\n",
      "./config.yaml:1:24: maxParallelImagePulls: Invalid value: 1000000: must be between 1 and 999999, inclusive",
    ],
    ["listen: unix:///a\n", "./config.yaml:1:9: listen: Invalid value: unix:///a: must be a list"],
    ["rkt: builtin\n", "./config.yaml:1:6: rkt: Invalid value: builtin: must be a mapping"],
    ["- debug\n", "./config.yaml:1:1: Invalid value: […]: must be a mapping"],
    ["debug: true\ndebug: false\n", './config.yaml:2:1: duplicate key "debug" (the first is in line 1)'],
    ["debug: true\n---\ndebug: false\n", "./config.yaml:1:1: more than one document"],
    ["debug: [true\n", expect.stringMatching(/^\.\/config\.yaml:2:1: /)],
  ])("%j is refused with its place", async (text, problem) => {
    await using files = await withFiles({ "config.yaml": text });
    expect(await files.problems()).toEqual([problem]);
  });

  test("every problem is told, also those of drop-ins and the environment", async () => {
    await using files = await withFiles({ "config.yaml": "a: 1\n", "config.d/x.yaml": "b: 1\n" });
    const found = await problemsOf({ config: files.path, network: "x", listen: ["y"] }, { GANTRY_C: "1" });
    expect(found.length).toBeGreaterThanOrEqual(3);
  });

  test("what everyone may write is refused, with its place", async () => {
    await using files = await withFiles({ "config.yaml": "", "config.d/x.yaml": "debug: true\n" });
    const base = dirname(files.path);
    await chmod(`${base}/config.d/x.yaml`, 0o666);
    await chmod(`${base}/config.d`, 0o1777);
    expect(await files.problems()).toEqual([
      "./config.d: may be written by everyone (chmod o-w ./config.d)",
      "./config.d/x.yaml: may be written by everyone (chmod o-w ./config.d/x.yaml)",
    ]);
  });

  test("a file that was named must be there", async () => {
    expect(await problemsOf({ config: "/nonexistent/config.yaml" })).toEqual([
      expect.stringContaining("/nonexistent/config.yaml: cannot be read: ENOENT"),
    ]);
  });

  test("comments alone, or nothing, are a file without settings", async () => {
    await using files = await withFiles({ "config.yaml": "# debug: true\n" });
    expect(await files.problems()).toEqual(["it was accepted"]);
  });
});
