// `gantry logs`, for real: what was written, what is being written, of one container and of several at once.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { waitUntil } from "../wait-until.ts";
import { executable } from "./executable.ts";
import { Machine } from "./machine.ts";
import { call } from "./machine-cli.ts";
import { manifest } from "./manifest.ts";

let machine: Machine;

beforeAll(async () => {
  machine = await Machine.create();
  const { image } = machine;
  const scripts = { main: "echo one; echo two; exec sleep 1000", side: "echo beside; exec sleep 1000" };
  await machine.write("web.yaml", manifest("web", { image, labels: { app: "web" }, scripts }));
  await machine.write("crash.yaml", manifest("crash", { image, scripts: { main: "echo oops; exit 3" } }));
  await machine.startAgent();
  await machine.waitForReady("web");
  await machine.waitForPod("crash", "restarted", ({ status }) =>
    Boolean(status?.containerStatuses?.[0]?.restartCount),
  );
  for (const [container, lines] of Object.entries({ main: "one\ntwo\n", side: "beside\n" }))
    await waitUntil(
      `the lines of ${container}`,
      async () => (await machine.logs("web", `?container=${container}`)) === lines,
    );
});

afterAll(async () => machine[Symbol.asyncDispose]());

describe("what was written", () => {
  test.each([
    [["web", "-c", "main"], "one\ntwo\n", ""],
    [["pod/web", "main", "--tail=1"], "two\n", ""],
    [["web", "--tail", "1"], "two\n", 'Defaulted container "main" out of: main, side\n'],
    [
      ["-l", "app=web", "--all-containers", "--prefix"],
      "[pod/web-node/main] one\n[pod/web-node/main] two\n[pod/web-node/side] beside\n",
      "",
    ],
    [["crash", "--previous"], "oops\n", ""],
    [["web", "-c", "main", "--limit-bytes=5"], "one\nt", ""],
    [["web", "-c", "main", "--since-time=2099-01-01T00:00:00Z"], "", ""],
  ])("%j", async (argv, stdout, stderr) => {
    expect(await call(machine, ["logs", ...argv])).toEqual({ exitCode: 0, stdout, stderr });
  });

  test("--timestamps", async () => {
    const { stdout } = await call(machine, ["logs", "web", "main", "--timestamps"]);
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z one\n\d{4}-\d\d-\d\dT[\d:.]+Z two\n$/);
  });

  test("--since leaves out what is older", async () => {
    const since = async (duration: string) =>
      (await call(machine, ["logs", "web", "main", `--since=${duration}`])).stdout;
    await waitUntil("the lines to be older than a second", async () => (await since("1s")) === "");
    expect(await since("1h")).toBe("one\ntwo\n");
  });

  test("--all-revisions is one log of all its runs", async () => {
    await waitUntil("a second run's line", async () => (await machine.logs("crash")) === "oops\n");
    const { stdout } = await call(machine, ["logs", "crash", "--all-revisions"]);
    expect(stdout).toMatch(/^(oops\n){2,}$/);
  });

  test.each([
    [
      ["web", "--since=1h", "--since-time=2099-01-01T00:00:00Z"],
      2,
      "logs: at most one of --since and --since-time",
    ],
    [["web", "--tail=x"], 2, '--tail: must be a whole number of at least -1, not "x"'],
    [["web", "--since=soon"], 2, '--since: must be like 30s, 5m or 1h30m, not "soon"'],
    [[], 2, "logs: name a pod, or give labels with -l"],
  ])("%j is refused", async (argv, exitCode, message) => {
    expect(await call(machine, ["logs", ...argv])).toEqual({
      exitCode,
      stdout: "",
      stderr: `gantry: ${message}\n`,
    });
  });
});

describe("--follow", () => {
  /** Waits for a file before it writes on, and ends then. */
  const held = (first: string, then: string) => `${first}; until test -e /go; do sleep 0.05; done; ${then}`;

  async function follow(...argv: readonly string[]) {
    const child = Bun.spawn([await executable(), "logs", "-f", ...argv], {
      env: { ...process.env, GANTRY_SERVER: `unix://${machine.socket}` },
      stdout: "pipe",
    });
    const told = { text: "" };
    const ended = (async () => {
      for await (const chunk of child.stdout) told.text += Buffer.from(chunk).toString();
      return child.exited;
    })();
    return { told, ended };
  }

  test("goes on with what is written, and ends with the container", async () => {
    const scripts = { main: held("echo one", "echo two") };
    const { image } = machine;
    await machine.write("slow.yaml", manifest("slow", { image, restartPolicy: "Never", scripts }));
    await machine.waitForReady("slow");
    const { told, ended } = await follow("slow");
    await waitUntil("the first line", () => told.text === "one\n");
    expect((await call(machine, ["exec", "slow", "--", "touch", "/go"])).exitCode).toBe(0);
    expect(await ended).toBe(0);
    expect(told.text).toBe("one\ntwo\n");
  });

  test("of several containers at once keeps each line whole", async () => {
    const [lines, length] = [100, 30_000]; // more than comes in one piece
    const script = (letter: string) =>
      held(
        `x=$(head -c ${length} /dev/zero | tr '\\0' ${letter}); for i in $(seq ${lines}); do echo $x; done`,
        "echo end",
      );
    const scripts = { a: script("a"), b: script("b") };
    const { image } = machine;
    await machine.write("chorus.yaml", manifest("chorus", { image, restartPolicy: "Never", scripts }));
    await machine.waitForReady("chorus");
    const { told, ended } = await follow("chorus", "--all-containers");
    for (const name of ["a", "b"]) await call(machine, ["exec", "chorus", "-c", name, "--", "touch", "/go"]);
    expect(await ended).toBe(0);
    const shown = told.text.trimEnd().split("\n");
    for (const letter of ["a", "b"])
      expect(shown.filter((line) => line === letter.repeat(length))).toHaveLength(lines);
    expect(shown).toHaveLength(2 * (lines + 1));
  });
});
