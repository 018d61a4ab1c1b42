// Images from URLs, from a server on loopback.

import { expect, test } from "bun:test";
import { rktWorld } from "../contract/rkt-command-line-world.ts";

const argv = [process.execPath, `${import.meta.dir}/../../src/main.ts`, "rkt"];

async function serve(path: string) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/busybox.aci") return new Response(Bun.file(`${path}/busybox.aci`));
      if (pathname === "/cut.aci")
        return new Response((await Bun.file(`${path}/busybox.aci`).bytes()).slice(0, 1000));
      return new Response("", { status: 404 });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

test("an image comes over HTTP when that is allowed, and is the same as the file", async () => {
  await using world = await rktWorld(argv);
  await using server = await serve(world.path);
  const { stdout, exitCode } = await world.rkt(
    "--insecure-options=http",
    "fetch",
    "--full",
    `${server.url}/busybox.aci`,
  );
  expect({ exitCode, id: stdout.trim() }).toEqual({ exitCode: 0, id: await world.fetch("busybox.aci") });
});

test("by its pull policy it is asked for again, or found in the store", async () => {
  await using world = await rktWorld(argv);
  const server = await serve(world.path);
  const url = `${server.url}/busybox.aci`;
  const fetch = (policy: string) =>
    world.rktAs(0, "--insecure-options=image,http", "fetch", "--full", `--pull-policy=${policy}`, url);
  const never = await fetch("never");
  expect([never.exitCode, never.stderr]).toEqual([
    254,
    expect.stringContaining("image was not found in the store"),
  ]);
  const { stdout } = await fetch("new");
  await server[Symbol.asyncDispose]();
  for (const policy of ["new", "never"]) expect(await fetch(policy)).toMatchObject({ exitCode: 0, stdout });
  expect((await fetch("update")).stderr).toContain("connection refused");
});

test.each([
  [
    "plain HTTP that was not allowed",
    "image",
    "/busybox.aci",
    "not over HTTPS (allow it with --insecure-options=http)",
  ],
  [
    "a signature that cannot be checked",
    "http",
    "/busybox.aci",
    "signatures are not supported (use --insecure-options=image)",
  ],
  ["an answer that is no image", "image,http", "/none", "bad HTTP status code: 404"],
  ["half an image", "image,http", "/cut.aci", "unexpected end of file"],
])("%s is an error and leaves nothing", async (_what, insecure, file, message) => {
  await using world = await rktWorld(argv);
  await using server = await serve(world.path);
  const { stdout, stderr, exitCode } = await world.rktAs(
    0,
    `--insecure-options=${insecure}`,
    "fetch",
    server.url + file,
  );
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 254 });
  expect(stderr).toStartWith("fetch: ");
  expect(stderr).toContain(message);
  expect((await world.rkt("image", "list", "--no-legend")).stdout).toBe("\n");
  expect((await Bun.$`ls ${world.path}/rkt/cas/tmp`.text()).trim()).toBe("");
});

test("regression: a server could lead from HTTPS to plain HTTP", async () => {
  await using world = await rktWorld(argv);
  await using plain = await serve(world.path);
  const [key, cert] = [`${world.path}/key.pem`, `${world.path}/cert.pem`];
  await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout ${key} -out ${cert}`.quiet();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { key: Bun.file(key), cert: Bun.file(cert) },
    fetch: () => Response.redirect(`${plain.url}/busybox.aci`),
  });
  using _server = { [Symbol.dispose]: () => void server.stop(true) };
  const url = `https://localhost:${server.port}/x.aci`;
  const { stderr, exitCode } = await world.rkt("--insecure-options=tls", "fetch", url);
  expect({ stderr, exitCode }).toEqual({
    stderr: `fetch: Get "${url}": redirected to ${plain.url}/busybox.aci, which is not over HTTPS\n`,
    exitCode: 254,
  });
});

test("a server that is not there", async () => {
  await using world = await rktWorld(argv);
  const { stderr, exitCode } = await world.rkt(
    "--insecure-options=http",
    "fetch",
    "http://127.0.0.1:1/x.aci",
  );
  expect(exitCode).toBe(254);
  expect(stderr).toStartWith('fetch: Get "http://127.0.0.1:1/x.aci": ');
});

test("a signature beside a file cannot be checked either", async () => {
  await using world = await rktWorld(argv);
  await Bun.write(`${world.path}/busybox.aci.asc`, "signature");
  const { stderr, exitCode } = await world.rktAs(0, "fetch", "busybox.aci");
  expect(exitCode).toBe(254);
  expect(stderr).toBe(
    `fetch: ${world.path}/busybox.aci.asc: signatures are not supported (use --insecure-options=image)\n`,
  );
});
