// Registries over HTTPS: trusted by what the machine trusts, or by nobody.

import { expect, test } from "bun:test";
import { rktWorld } from "../../contract/rkt-command-line-world.ts";
import { run } from "../../e2e/machine.ts";
import { writeOciLayout } from "../../oci-layout.ts";
import { blob, digestsOf } from "./hostile-registry.ts";

const argv = [process.execPath, `${import.meta.dir}/../../../src/main.ts`, "rkt"];

test("a certificate of nobody is refused, of the machine's own authority taken, and any when that is asked for", async () => {
  await using world = await rktWorld(argv);
  const layout = `${world.path}/layout`;
  await writeOciLayout(layout, [{ tag: "1", layers: [{ entries: [{ name: "x", content: "x" }] }] }]);
  const [key, cert] = [`${world.path}/key.pem`, `${world.path}/cert.pem`];
  await run(
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
  );
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { key: Bun.file(key), cert: Bun.file(cert) },
    fetch: ({ url }) => {
      const [, kind, what = ""] = /^\/v2\/app\/(manifests|blobs)\/(.*)$/.exec(new URL(url).pathname) ?? [];
      if (kind === undefined) return new Response("", { status: 404 });
      return new Response(blob(layout, kind === "blobs" ? what : digestsOf(layout).manifest));
    },
  });
  using _server = { [Symbol.dispose]: () => void server.stop(true) };
  const image = `docker://localhost:${server.port}/app:1`;
  const unknown = await world.rkt("fetch", image);
  expect(unknown.exitCode).toBe(254);
  expect(unknown.stderr).toContain("certificate");
  expect((await world.rkt("--insecure-options=tls", "fetch", image)).exitCode).toBe(0);
  const trusting = Bun.spawn(
    [...argv, `--dir=${world.path}/rkt`, "--insecure-options=image", "fetch", image],
    {
      stdout: "ignore",
      stderr: "inherit",
      env: { ...process.env, SSL_CERT_FILE: cert },
    },
  );
  expect(await trusting.exited).toBe(0);
});
