// The client commands over the network: TLS, with a token or a certificate, and what they say where that is missing.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { Machine, run } from "./machine.ts";
import { call } from "./machine-cli.ts";
import { manifest } from "./manifest.ts";

const token = "0123456789abcdef0123456789abcdef";
let machine: Machine;
let server: string;

beforeAll(async () => {
  machine = await Machine.create();
  await certificates(machine.path);
  await machine.startAgent("/readyz", [
    "--listen=https://127.0.0.1:0",
    "--listen=http://127.0.0.1:0",
    `--tls-cert-file=${machine.path}/server.crt`,
    `--tls-key-file=${machine.path}/server.key`,
    `--tls-token-file=${machine.path}/token`,
    `--tls-client-ca-file=${machine.path}/ca.crt`,
  ]);
  server = /address=(https:\S+)/.exec(machine.log)?.[1] ?? "";
  await machine.write(
    "web.yaml",
    manifest("web", { image: machine.image, scripts: { main: "exec sleep 1000" } }),
  );
  await machine.waitForReady("web");
});

afterAll(async () => machine[Symbol.asyncDispose]());

async function certificates(path: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const at = (name: string) => `${path}/${name}`;
  await run(
    "openssl",
    "req",
    "-x509",
    ...key,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
    "-subj",
    "/CN=ca",
  );
  for (const [name, ...more] of [["server", "-addext", "subjectAltName=IP:127.0.0.1"], ["alice"]]) {
    const request = [
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.csr`),
      "-subj",
      `/CN=${name}`,
      ...more,
    ];
    await run("openssl", "req", ...key, ...request);
    const by = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-copy_extensions", "copy"];
    await run("openssl", "x509", "-req", "-in", at(`${name}.csr`), ...by, "-out", at(`${name}.crt`));
  }
  await writeFile(at("token"), `${token}\n`, { mode: 0o600 });
}

const ca = "--certificate-authority=ca.crt";
const certificate = ["--client-certificate=alice.crt", "--client-key=alice.key"];

test.each([
  ["a token", ["--token-file=token"]],
  ["a certificate", certificate],
])("with %s: questions and commands", async (_what, who) => {
  const get = await call(machine, ["get", "pods", "-o", "name", "-s", server, ca, ...who]);
  expect(get).toEqual({ exitCode: 0, stdout: "pod/web-node\n", stderr: "" });
  const exec = ["exec", "-iq", "web", "-s", server, ca, ...who, "--", "sh", "-c", "cat; exit 7"];
  expect(await call(machine, exec, { stdin: "input\n" })).toEqual({
    exitCode: 7,
    stdout: "input\n",
    stderr: "",
  });
  expect((await call(machine, ["confirm-delete", "-s", server, ca, ...who])).stdout).toBe(
    "nothing was waiting to be confirmed\n",
  );
});

test("the variables do as well", async () => {
  const env = {
    GANTRY_SERVER: server,
    GANTRY_TOKEN_FILE: `${machine.path}/token`,
    GANTRY_CERTIFICATE_AUTHORITY: `${machine.path}/ca.crt`,
  };
  expect((await call(machine, ["get", "pods", "-o", "name"], { env })).stdout).toBe("pod/web-node\n");
});

test("without either, or without trust in the server, nothing is told", async () => {
  const stranger = await call(machine, ["get", "pods", "-s", server, ca]);
  expect(stranger).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: "gantry: Who asks must send the token, or a client certificate that is trusted\n",
  });
  const distrust = await call(machine, ["get", "pods", "-s", server, "--token-file=token"]);
  expect([distrust.exitCode, distrust.stdout]).toEqual([1, ""]);
  expect(distrust.stderr).toStartWith(`gantry: Cannot reach ${server}: `);
  const missing = await call(machine, ["get", "pods", "-s", server, "--token-file=nowhere"]);
  expect(missing.stderr).toStartWith("gantry: Cannot read nowhere: ENOENT");
});

test("a loopback address answers questions, and runs nothing", async () => {
  const loopback = /address=(http:\S+)/.exec(machine.log)?.[1] ?? "";
  expect((await call(machine, ["get", "pods", "-o", "name", "-s", loopback])).stdout).toBe("pod/web-node\n");
  const { exitCode, stderr } = await call(machine, ["exec", "web", "-s", loopback, "--", "true"]);
  expect([exitCode, stderr]).toEqual([
    1,
    "gantry: The agent refused to (on a loopback address it only answers questions: use its unix socket, or https)\n",
  ]);
});
