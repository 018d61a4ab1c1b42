// `rkt enter` as the probes use it, against a small program in rkt's place.

import { describe, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { errorChain } from "../../src/host/error.ts";
import type { RktUuid } from "../../src/pod/names.ts";
import { RktClient } from "../../src/rkt/rkt-client.ts";
import { RktError } from "../../src/rkt/rkt-error.ts";
import { tempDir } from "../temp-dir.ts";

const uuid = "e3dcc1dd-8349-46c5-9682-6398a1c82e62" as RktUuid;
const { signal } = new AbortController();

/** What enter() makes of an rkt that behaves like this script. */
async function enter(script: string, timeoutMs = 10_000) {
  await using dir = await tempDir();
  await writeFile(`${dir.path}/rkt`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const rkt = new RktClient({ command: [`${dir.path}/rkt`], options: { dir: "/data" } });
  return await rkt.enter(uuid, "web", ["/bin/check", "a b"], { timeoutMs, signal });
}

test("runs the command in the app", async () => {
  expect(await enter('for each; do echo "$each"; done')).toEqual({
    exitCode: 0,
    output: `--dir=/data\nenter\n--app=web\n${uuid}\n/bin/check\na b\n`,
  });
});

describe("the command's own end:", () => {
  const cases: [what: string, script: string, exitCode: number, output: string][] = [
    ["an exit code", "echo out; echo err >&2; exit 7", 7, "out\nerr\n"],
    [
      "rkt's exit code, but not its words",
      "echo enter at your own risk; exit 254",
      254,
      "enter at your own risk\n",
    ],
    [
      "no such program, in fly",
      "echo 'fly-enter: exec failed: no such file or directory' >&2; exit 254",
      254,
      "fly-enter: exec failed: no such file or directory\n",
    ],
  ];
  test.each(cases)("%s", async (_what, script, exitCode, output) => {
    expect(await enter(script)).toEqual({ exitCode, output });
  });
});

test("no more than 10 KiB are kept", async () => {
  const { output } = await enter("head -c 9000 /dev/zero; head -c 9000 /dev/zero >&2");
  expect(output.length).toBe(10 * 1024);
});

test("at the deadline it has no exit code", async () => {
  expect(await enter("echo begun; exec sleep 1000", 200)).toEqual({ exitCode: undefined, output: "begun\n" });
});

describe("what rkt itself cannot do is an error:", () => {
  test.each([
    [`enter: pod "${uuid}" isn't currently running`],
    ["outside: systemd has not run it to its end"],
    ["fly-enter: Failed to read app env: open /x/rkt/env/nope: no such file or directory"],
  ])("%s", async (words) => {
    const error = await enter(`echo '${words.replaceAll("'", "'\\''")}' >&2; exit 254`).catch(
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(RktError);
    expect(errorChain(error)).toBe(`rkt cannot enter app web of pod ${uuid}: exit code 254: ${words}`);
  });

  test("no rkt", async () => {
    const rkt = new RktClient({ command: ["/nonexistent"], options: { dir: undefined } });
    const entered = rkt.enter(uuid, "web", ["true"], { timeoutMs: 1000, signal });
    await expect(entered).rejects.toBeInstanceOf(RktError);
  });
});
