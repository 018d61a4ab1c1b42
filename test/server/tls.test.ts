// An address beyond this machine: what it takes to open one, and who gets in. Real certificates, real curl.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { ListenError, type Listener } from "../../src/server/listen.ts";
import type { TlsFiles } from "../../src/server/tls.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";
import { curl, curled, listenAt, noTls, placeOf, rawClient, statusOf } from "./at-socket.ts";
import { silentLog, stream, testApp } from "./test-app.ts";

const dir = await tempDir();
afterAll(() => dir[Symbol.asyncDispose]());
const token = "0123456789abcdef0123456789abcdef";
const at = (name: string) => `${dir.path}/${name}`;
const files: TlsFiles = {
  certFile: at("server.crt"),
  keyFile: at("server.key"),
  clientCaFile: at("ca.crt"),
  tokenFile: at("token"),
};

async function openssl(...args: string[]): Promise<void> {
  const child = Bun.spawn(["openssl", ...args], { stdout: "ignore", stderr: "pipe", cwd: dir.path });
  if ((await child.exited) !== 0) throw new Error(await child.stderr.text());
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

async function selfSigned(name: string): Promise<void> {
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.crt`,
    "-subj",
    `/CN=${name}`,
  );
}

/** By the CA. */
async function signed(name: string, ...extra: string[]): Promise<void> {
  await openssl(
    "req",
    ...newKey,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
    "-subj",
    `/CN=${name}`,
    ...extra,
  );
  const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"];
  await openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-out", `${name}.crt`);
}

beforeAll(async () => {
  await selfSigned("ca");
  await selfSigned("mallory");
  await signed("server", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1");
  await signed("alice");
  await writeFile(files.tokenFile, `${token}\n`, { mode: 0o600 });
  for (const name of ["server.key", "alice.key", "mallory.key"]) await chmod(at(name), 0o600);
});

async function refusal(tls: Partial<TlsFiles>, address = "https://127.0.0.1:0"): Promise<string> {
  const error = await listenAt(testApp().app, address, { tls: { ...noTls, ...tls } }).catch(
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ListenError);
  return (error as ListenError).message;
}

describe("nothing is opened", () => {
  const { certFile, keyFile, tokenFile } = files;

  test("without a certificate, or without anything to know who comes by, and it is said what to set", async () => {
    expect(await refusal({})).toContain("set tls.certFile and tls.keyFile (--tls-cert-file, --tls-key-file)");
    expect(await refusal({ certFile, tokenFile })).toContain("set tls.certFile and tls.keyFile");
    expect(await refusal({ certFile, keyFile })).toContain("set tls.tokenFile or tls.clientCaFile");
    expect(await refusal({ certFile, keyFile, tokenFile }, "http://0.0.0.0:0")).toContain(
      "use https://0.0.0.0:0",
    );
  });

  test("with a file that is missing, is no certificate, or belongs to another key", async () => {
    expect(await refusal({ certFile: at("none"), keyFile, tokenFile })).toContain(
      `${at("none")}: cannot be read`,
    );
    expect(await refusal({ certFile: tokenFile, keyFile, tokenFile })).toContain("cannot be used");
    expect(await refusal({ certFile, keyFile: at("alice.key"), tokenFile })).toContain("cannot be used");
  });

  test("with a key or a token that everyone may read, or a token that can be guessed", async () => {
    await writeFile(at("open"), token, { mode: 0o644 });
    await writeFile(at("short"), "secret\n", { mode: 0o600 });
    expect(await refusal({ certFile, keyFile, tokenFile: at("open") })).toContain("may be read by everyone");
    const message = await refusal({ certFile, keyFile, tokenFile: at("short") });
    expect(message).toContain("at least 16");
    expect(message).not.toContain("secret");
  });
});

describe("who gets in", () => {
  let listener: Listener;
  beforeAll(async () => {
    listener = await listenAt(testApp().app, "https://localhost:0", { tls: files });
  });
  afterAll(() => listener[Symbol.asyncDispose]());
  const status = (...options: string[]) =>
    statusOf(listener.address, "/pods", "--cacert", at("ca.crt"), ...options);
  const certificate = (name: string) => ["--cert", at(`${name}.crt`), "--key", at(`${name}.key`)];
  const bearer = (text: string) => ["-H", `Authorization: Bearer ${text}`];

  test("who has the token, or a certificate that the CA has signed", async () => {
    expect(await status(...bearer(token))).toBe(200);
    expect(await status(...certificate("alice"))).toBe(200);
    expect(await status(...certificate("mallory"), ...bearer(token))).toBe(200);
  });

  test("and nobody else, on no path", async () => {
    expect(await status()).toBe(401);
    expect(await status(...certificate("mallory"))).toBe(401);
    for (const wrong of ["", "x", token.slice(1), `${token}0`, token.toUpperCase()]) {
      expect(await status(...bearer(wrong))).toBe(401);
    }
    expect(await status("-H", `Authorization: Basic ${btoa(`x:${token}`)}`)).toBe(401);
    for (const path of ["/", "/healthz", "/nothing", "/exec/default/web-edge/app?command=id"]) {
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
        const head = method === "HEAD" ? ["-I"] : ["-X", method];
        expect(await statusOf(listener.address, path, "--cacert", at("ca.crt"), ...head)).toBe(401);
      }
    }
  });

  test("nor who resumes a session that was begun without a certificate, or with a wrong one", async () => {
    const { port } = new URL(listener.address);
    const ask = async (...options: string[]) => {
      const argv = ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-ign_eof", ...options];
      const request = "GET /pods HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
      const child = Bun.spawn(argv, { stdin: Buffer.from(request), stderr: "ignore", cwd: dir.path });
      const text = await child.stdout.text();
      return [/^(New|Reused), TLS/m.exec(text)?.[1], /HTTP\/1\.1 (\d{3})/.exec(text)?.[1]];
    };
    for (const version of ["-tls1_2", "-tls1_3"]) {
      for (const shown of [[], ["-cert", "mallory.crt", "-key", "mallory.key"]]) {
        expect(await ask(version, ...shown, "-sess_out", "session")).toEqual(["New", "401"]);
        expect(await ask(version, ...shown, "-sess_in", "session")).toEqual(["Reused", "401"]);
      }
    }
  });

  test("no page of another site, also by a browser that has a certificate", async () => {
    const { port } = new URL(listener.address);
    const own = ["-H", `Origin: https://localhost:${port}`];
    expect(await status(...certificate("alice"), ...own)).toBe(200);
    for (const origin of ["https://evil.example", `http://localhost:${port}`, "null"]) {
      expect(await status(...certificate("alice"), "-H", `Origin: ${origin}`)).toBe(403);
    }
  });

  test("no old TLS, and no plain HTTP", async () => {
    expect(await status("--tls-max", "1.1", ...bearer(token))).toBe(0);
    expect(await curled(listener.address.replace("https", "http"), "/pods")).toBe("");
  });
});

test("a followed log goes on in silence, and is ended when its client leaves", async () => {
  const log = silentLog("first");
  const { app } = testApp({ log: log.open });
  await using listener = await listenAt(app, "https://localhost:0", {
    tls: files,
    limits: { silenceMs: 100 },
  });
  const path = "/pods/default/web-edge/logs?follow=true";
  const client = curl(
    listener.address,
    path,
    "--cacert",
    at("ca.crt"),
    "-H",
    `Authorization: Bearer ${token}`,
  );
  expect(new TextDecoder().decode((await client.stdout.getReader().read()).value)).toBe("first\n");
  // That nothing ends it is only seen by letting several times that time pass.
  expect(await Promise.race([client.exited, Bun.sleep(500).then(() => "open")])).toBe("open");
  client.kill("SIGKILL");
  await waitUntil("it to be ended", () => log.openCount() === 0);
});

test("a client that takes nothing holds the log back", async () => {
  let made = 0;
  function* endless() {
    for (;;) {
      made++;
      yield "x".repeat(1000);
    }
  }
  const { app } = testApp({ log: () => stream(endless()) });
  await using listener = await listenAt(app, "https://localhost:0", { tls: files });
  const options = ["--cacert", at("ca.crt"), "-H", `Authorization: Bearer ${token}`, "--limit-rate", "1k"];
  const client = curl(listener.address, "/pods/default/web-edge/logs", ...options, "-o", "/dev/null");
  let before = -1;
  await waitUntil("it to stand still", async () => {
    const isStill = made > 0 && before === made;
    before = made;
    await Bun.sleep(50);
    return isStill;
  });
  expect(made).toBeLessThan(20_000);
  client.kill("SIGKILL");
});

test("a silent handshake is cut", async () => {
  await using listener = await listenAt(testApp().app, "https://localhost:0", {
    tls: files,
    limits: { headerMs: 200 },
  });
  const client = rawClient(listener.address, "\x16\x03\x01");
  expect(await client.closed).toBeLessThan(3000);
});

test("connections over the limit are told so, and those count that have not ended their handshake", async () => {
  await using listener = await listenAt(testApp().app, "https://localhost:0", {
    tls: files,
    limits: { connections: 3 },
  });
  const held = Array.from({ length: 3 }, () => connect(placeOf(listener.address)));
  for (const socket of held) socket.on("error", () => undefined).write("\x16");
  const status = () => statusOf(listener.address, "/pods", "--cacert", at("ca.crt"));
  await waitUntil("them to count", async () => (await status()) === 503);
  for (const socket of held) socket.destroy();
});
