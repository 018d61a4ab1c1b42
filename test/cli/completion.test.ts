// Completion as shells do it: their own machinery, our script, the compiled executable, and an agent that knows some pods.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { symlink, writeFile } from "node:fs/promises";
import type { PodList } from "kubernetes-types/core/v1";
import { executable } from "../e2e/executable.ts";
import { type TempDir, tempDir } from "../temp-dir.ts";

let dir: TempDir;
let server: Bun.Server<undefined>;

const pod = (name: string, ...containers: readonly string[]) => ({
  metadata: { namespace: "default", name: `${name}-edge1` },
  spec: { nodeName: "edge1", containers: containers.map((container) => ({ name: container })) },
});

beforeAll(async () => {
  dir = await tempDir();
  await symlink(await executable(), `${dir.path}/gantry`);
  const list: PodList = {
    kind: "PodList",
    apiVersion: "v1",
    items: [pod("web", "nginx", "logger"), pod("work", "main")],
  };
  const known: PodList = { ...list, items: [pod("known", "main")] };
  await writeFile(`${dir.path}/token`, "secret\n");
  server = Bun.serve({
    unix: `${dir.path}/socket`,
    fetch: ({ url, headers }) =>
      Response.json(
        new URL(url).pathname === "/manifests"
          ? { files: [{ path: "/etc/gantry/manifests/web.yaml" }] }
          : headers.get("authorization") === "Bearer secret"
            ? known
            : list,
      ),
  } as Bun.Serve.Options<undefined>);
});

afterAll(async () => {
  await server.stop(true);
  await dir[Symbol.asyncDispose]();
});

async function shell(...argv: readonly string[]): Promise<readonly string[]> {
  const child = Bun.spawn([...argv], {
    cwd: dir.path,
    env: {
      PATH: `${dir.path}:${process.env.PATH}`,
      HOME: dir.path,
      GANTRY_SERVER: `unix://${dir.path}/socket`,
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(stderr.replaceAll(/.*compopt: not currently executing completion function\n/g, "")).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

/** What bash would offer for the last word. */
function bash(...words: readonly string[]): Promise<readonly string[]> {
  const script =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    'source <(gantry completion bash); COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _gantry; printf "%s\\n" "${COMPREPLY[@]}"';
  return shell("bash", "-c", script, "bash", "gantry", ...words);
}

async function fish(line: string): Promise<readonly string[]> {
  const offered = await shell(
    "fish",
    "-c",
    `gantry completion fish | source; complete -C ${JSON.stringify(line)}`,
  );
  return offered.map((each) => each.split("\t")[0] ?? "");
}

/** zsh's own functions cannot be asked from outside: what we hand to them. */
async function zsh(...words: readonly string[]): Promise<readonly string[]> {
  const script = `compdef() { :; }
_describe() { print -l -- "\${(@P)2}"; }
_files() { print files; }
source <(gantry completion zsh)
words=("$@") CURRENT=$#
_gantry`;
  const offered = await shell("zsh", "-fc", script, "zsh", "gantry", ...words);
  return offered.map((each) => each.replace(/(?<!\\):.*/, ""));
}

describe.each<[words: readonly string[], offered: readonly string[]]>([
  [["des"], ["describe"]],
  [["get", "p"], ["pods"]],
  [
    ["get", "pods", "w"],
    ["web", "work"],
  ],
  [["get", "manifests", "/etc"], ["/etc/gantry/manifests/web.yaml"]],
  [["logs", "we"], ["web"]],
  [
    ["logs", "web", "-c", ""],
    ["nginx", "logger"],
  ],
  [["logs", "web-edge1", "--foll"], ["--follow"]],
  [["logs", "--token-file", "token", "k"], ["known"]],
  [["exec", "-n", "def"], ["default"]],
  [["exec", "-n", "other", ""], []],
  [["get", "pods", "-o", "y"], ["yaml"]],
  [["get", "pods", "--output=y"], ["--output=yaml"]],
  [["completion", "z"], ["zsh"]],
  [["wait", "--for", "cond"], ["condition=Ready"]],
  [["events", "--for", "pod/wo"], ["pod/work"]],
  [["nonsense", ""], []],
])("%j", (words, offered) => {
  test("in bash", async () => expect(await bash(...words)).toEqual([...offered]));
  test("in fish", async () => {
    expect((await fish(`gantry ${words.join(" ")}`)).toSorted()).toEqual([...offered].toSorted());
  });
  test("in zsh", async () => {
    const word = words.at(-1) ?? "";
    expect((await zsh(...words)).filter((each) => each.startsWith(word))).toEqual([...offered]);
  });
});

test("bash takes --flag=value apart", async () => {
  expect(await bash("get", "pods", "--output", "=", "y")).toEqual(["yaml"]);
  expect(await bash("exec", "--namespace", "=")).toEqual(["default"]);
  expect(await bash("get", "--namespace", "=", "default", "pods", "we")).toEqual(["web"]);
});

test("files are the shell's to know", async () => {
  expect(await zsh("validate", "")).toEqual(["files"]);
  expect(await fish("gantry validate gant")).toEqual(["gantry"]);
  expect(await bash("validate", "")).toEqual([]);
});

test("without an agent there is less to offer, and nobody waits for it", async () => {
  const child = Bun.spawn([`${dir.path}/gantry`, "__complete", "--", "get", "pods", ""], {
    env: { GANTRY_SERVER: "unix:///nowhere" },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect([await child.stdout.text(), await child.stderr.text(), await child.exited]).toEqual(["", "", 0]);
});
