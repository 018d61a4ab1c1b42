// What takes its time is told at a terminal, on a line that is written over, and in no one's file.

import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const main = join(import.meta.dir, "../../src/main.ts");

function pod(message: string | undefined): Pod {
  const state =
    message === undefined ? { running: {} } : { waiting: { reason: "ContainerCreating", message } };
  const status = {
    name: "main",
    image: "i",
    imageID: "",
    restartCount: 0,
    ready: message === undefined,
    state,
  };
  return {
    metadata: { namespace: "default", name: "web-edge1", uid: "u" },
    spec: { nodeName: "edge1", containers: [{ name: "main" }] },
    status: {
      phase: message === undefined ? "Running" : "Pending",
      conditions: [{ type: "Ready", status: message === undefined ? "True" : "False" }],
      containerStatuses: [status],
    },
  };
}

/** An agent with one Pod, which becomes what is told. */
async function agent() {
  const dir = await tempDir();
  const watched = Promise.withResolvers<ReadableStreamDefaultController<string>>();
  const server = Bun.serve({
    unix: `${dir.path}/socket`,
    fetch: ({ url }) =>
      url.includes("watch")
        ? new Response(new ReadableStream({ start: (controller) => watched.resolve(controller) }))
        : Response.json({ kind: "PodList", metadata: {}, items: [pod('Pulling image "i"')] }),
  } as Bun.Serve.Options<undefined>);
  return {
    env: {
      PATH: process.env.PATH ?? "",
      TERM: "xterm",
      NO_COLOR: "1",
      GANTRY_SERVER: `unix://${dir.path}/socket`,
    },
    async becomes(object: Pod) {
      (await watched.promise).enqueue(`${JSON.stringify({ type: "MODIFIED", object })}\n`);
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await dir[Symbol.asyncDispose]();
    },
  };
}

function atTerminal(argv: readonly string[], env: Record<string, string>) {
  let screen = "";
  const child = Bun.spawn([process.execPath, main, ...argv], {
    env,
    terminal: {
      data: (_terminal, bytes) => {
        screen += Buffer.from(bytes).toString();
      },
    },
  });
  const shows = (text: string) =>
    waitUntil(`${JSON.stringify(text)} on the screen`, () => screen.includes(text));
  return { child, shows, screen: () => screen };
}

const line = (text: string) => `\r\x1b[K${text}`;

test("get --watch", async () => {
  await using it = await agent();
  const { child, shows, screen } = atTerminal(["get", "pods", "-w"], it.env);
  await shows(line('web-edge1: Pulling image "i"'));
  await it.becomes(pod('Pulling image "i": 1 MiB of 3 MiB'));
  await shows(line('web-edge1: Pulling image "i": 1 MiB of 3 MiB'));
  await it.becomes(pod(undefined));
  await shows(`${line("")}web-edge1   1/1     Running`);
  expect(screen().match(/ContainerCreating/g)).toHaveLength(1);
  child.kill();
  await child.exited;
});

test("wait", async () => {
  await using it = await agent();
  const { child, shows } = atTerminal(["wait", "pod/web", "--for=condition=Ready", "--timeout=20s"], it.env);
  await shows(line('web-edge1: Pulling image "i"'));
  await it.becomes(pod(undefined));
  await shows(`${line("")}pod/web-edge1 condition met`);
  expect(await child.exited).toBe(0);
});

test("without a terminal there is none of it", async () => {
  await using it = await agent();
  const child = Bun.spawn([process.execPath, main, "wait", "pod/web", "--for=condition=Ready"], {
    env: it.env,
    stdout: "pipe",
    stderr: "pipe",
  });
  await it.becomes(pod(undefined));
  expect([await child.stdout.text(), await child.stderr.text()]).toEqual([
    "pod/web-edge1 condition met\n",
    "",
  ]);
});
