// httpGet as the kubelet does it (pkg/probe/http), against real servers.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type TempDir, tempDir } from "../temp-dir.ts";
import { checkOnce, httpGet } from "./check-once.ts";
import { type RawAnswer, rawServer } from "./raw-server.ts";

const success = { kind: "success" } as const;
const failure = (message: string) => ({ kind: "failure", message }) as const;
const warning = { kind: "warning", message: "Probe terminated redirects" } as const;
const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function redirect(location: string, status = 302): string {
  return `HTTP/1.1 ${status} Elsewhere\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
}

describe("the status decides:", () => {
  const failed = (status: number) => failure(`HTTP probe failed with statuscode: ${status}`);
  const cases: [status: number, result: object][] = [
    [200, success],
    [204, success],
    [299, success],
    [300, warning],
    [304, warning],
    [399, warning],
    [101, failed(101)],
    [400, failed(400)],
    [404, failed(404)],
    [500, failed(500)],
    [503, failed(503)],
  ];
  test.each(cases)("%d", async (status, result) => {
    using server = rawServer(`HTTP/1.1 ${status} Some Words\r\n\r\nsecret body`);
    expect<object>(await checkOnce(httpGet(server.port))).toEqual(result);
  });
});

describe("the request", () => {
  async function request(change: Parameters<typeof httpGet>[1]): Promise<readonly string[]> {
    using server = rawServer(ok);
    expect(await checkOnce(httpGet(server.port, change))).toEqual(success);
    return (server.requests[0] ?? "").replaceAll(String(server.port), "PORT").trimEnd().split("\r\n");
  }

  test("is a GET on a connection of its own", async () => {
    expect(await request({})).toEqual([
      "GET / HTTP/1.1",
      "Host: 127.0.0.1:PORT",
      "User-Agent: gantry-probe/1.2.3",
      "Accept: */*",
      "Connection: close",
    ]);
  });

  test("has the headers as they are written, repeated ones too, and Host as the host", async () => {
    const headers = [
      { name: "X-Twice", value: "one" },
      { name: "host", value: "example.com" },
      { name: "X-Twice", value: "two" },
      { name: "x-lower", value: "a: b" },
      { name: "Content-Length", value: "100" },
    ];
    expect(await request({ headers })).toEqual([
      "GET / HTTP/1.1",
      "Host: example.com",
      "User-Agent: gantry-probe/1.2.3",
      "Accept: */*",
      "X-Twice: one",
      "X-Twice: two",
      "x-lower: a: b",
      "Connection: close",
    ]);
  });

  test("has another User-Agent and Accept, or none, where that is asked for", async () => {
    const headers = [
      { name: "User-Agent", value: "mine" },
      { name: "Accept", value: "" },
    ];
    expect(await request({ headers })).toEqual([
      "GET / HTTP/1.1",
      "Host: 127.0.0.1:PORT",
      "User-Agent: mine",
      "Connection: close",
    ]);
  });

  const paths: [path: string, target: string][] = [
    ["/path?bar", "/path?bar"],
    ["?foo", "/?foo"],
    ["path", "/path"],
    ["/a b\u00fc", "/a%20b%C3%BC"],
    ["/%2Fx?a=%20b", "/%2Fx?a=%20b"],
    ["/x#fragment", "/x"],
    ["//other.example/x", "//other.example/x"],
    ["/x HTTP/1.1\r\nX-Smuggled: 1", "/x%20HTTP/1.1X-Smuggled:%201"],
  ];
  test.each(paths)("for path %j asks for %s", async (path, target) => {
    expect((await request({ path }))[0]).toBe(`GET ${target} HTTP/1.1`);
  });

  test("goes to the handler's host before the pod's address", async () => {
    using server = rawServer(ok);
    const handler = httpGet(server.port, { host: "localhost" });
    expect(await checkOnce(handler, { address: "192.0.2.1" })).toEqual(success);
    expect(server.requests[0]).toContain(`Host: localhost:${server.port}\r\n`);
  });

  test("is not made where a header would be two", async () => {
    using server = rawServer(ok);
    const headers = [{ name: "X-A", value: "1\r\nX-B: 2" }];
    expect(await checkOnce(httpGet(server.port, { headers }))).toEqual(
      failure(`Get "http://127.0.0.1:${server.port}/": net/http: invalid header field "X-A"`),
    );
    expect(server.requests).toEqual([]);
  });

  test("goes by no proxy", async () => {
    using server = rawServer(ok);
    const proxy = "http://127.0.0.1:1";
    const script = `
      const { checkOnce, httpGet } = await import("${import.meta.dir}/check-once.ts");
      console.log(JSON.stringify(await checkOnce(httpGet(${server.port}))));
    `;
    const env = { ...process.env, HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy, NO_PROXY: "" };
    const child = Bun.spawn([process.execPath, "-e", script], { env, stdout: "pipe" });
    expect(JSON.parse(await child.stdout.text())).toEqual(success);
  });
});

describe("a redirect", () => {
  test("on the same host is followed, with the same Host header", async () => {
    using server = rawServer(redirect("/login?x=1"), ok);
    const headers = [{ name: "Host", value: "example.com" }];
    expect(await checkOnce(httpGet(server.port, { headers }))).toEqual(success);
    expect(server.requests[1]).toStartWith("GET /login?x=1 HTTP/1.1\r\nHost: example.com\r\n");
  });

  test("to another port of the same host is followed; a whole address says which Host is meant", async () => {
    using other = rawServer("HTTP/1.1 500 No\r\n\r\n");
    using server = rawServer(redirect(`http://127.0.0.1:${other.port}/x`, 307));
    const headers = [{ name: "Host", value: "example.com" }];
    expect(await checkOnce(httpGet(server.port, { headers }))).toEqual(
      failure("HTTP probe failed with statuscode: 500"),
    );
    expect(other.requests[0]).toStartWith(`GET /x HTTP/1.1\r\nHost: 127.0.0.1:${other.port}\r\n`);
  });

  test.each([301, 302, 303, 307, 308])(
    "to another host (%d) is not followed, and a success that is told of",
    async (status) => {
      using other = rawServer(ok);
      using server = rawServer(redirect(`http://localhost:${other.port}/`, status));
      expect(await checkOnce(httpGet(server.port))).toEqual(warning);
      expect(other.requests).toEqual([]);
    },
  );

  test("without an address is a success that is told of", async () => {
    using server = rawServer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    expect(await checkOnce(httpGet(server.port))).toEqual(warning);
  });

  test("without end is a failure", async () => {
    using server = rawServer(redirect("/again"));
    expect(await checkOnce(httpGet(server.port))).toEqual(
      failure(`Get "http://127.0.0.1:${server.port}/": stopped after 10 redirects`),
    );
    expect(server.requests.length).toBe(10);
  });

  test.each([
    ["http://[::bad", "failed to parse Location header"],
    ["ftp://127.0.0.1/x", "unsupported protocol scheme"],
  ])("to %s is a failure", async (location, why) => {
    using server = rawServer(redirect(location));
    expect(await checkOnce(httpGet(server.port))).toEqual(
      failure(`Get "http://127.0.0.1:${server.port}/": ${why}`),
    );
  });
});

describe("the answer", () => {
  const answers: [what: string, answer: string | RawAnswer, result: object][] = [
    [
      "chunked",
      { text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", end: false },
      success,
    ],
    ["with a length", { text: ok, end: false }, success],
    ["without a body", { text: "HTTP/1.1 204 No Content\r\n\r\n", end: false }, success],
    [
      "larger than what is read",
      { text: `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(20_000)}`, end: false },
      success,
    ],
    [
      "after another that is not final",
      { text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}`, end: false },
      success,
    ],
    ["of HTTP/1.0 with bare line feeds", "HTTP/1.0 200 OK\nServer: old\n\nok", success],
  ];
  test.each(answers)("may be %s", async (_what, answer, result) => {
    using server = rawServer(answer);
    expect<object>(await checkOnce(httpGet(server.port))).toEqual(result);
  });

  test("whose body does not end counts by its status", async () => {
    using server = rawServer({ text: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin", end: false });
    expect(await checkOnce(httpGet(server.port), { timeoutMs: 200 })).toEqual(success);
  });

  const nonsense: [what: string, answer: string, why: string][] = [
    ["nothing", "", "EOF"],
    ["half a head", "HTTP/1.1 200 OK\r\nServer: x\r\n", "EOF"],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", 'malformed HTTP response "SSH-2.0-OpenSSH_9.2"'],
    [
      "binary",
      "\u0015\u0003\u0001\u0000\u0002",
      'malformed HTTP response "\\u0015\\u0003\\u0001\\u0000\\u0002"',
    ],
    ["no status", "HTTP/1.1 OK\r\n\r\n", 'malformed HTTP response "HTTP/1.1 OK"'],
    [
      "headers without end",
      `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`,
      "more than 16384 bytes of headers",
    ],
  ];
  test.each(nonsense)("that is %s is a failure", async (_what, answer, why) => {
    using server = rawServer(answer);
    expect(await checkOnce(httpGet(server.port))).toEqual(
      failure(`Get "http://127.0.0.1:${server.port}/": ${why}`),
    );
  });

  test("that takes 3 s comes too late for 1 s", async () => {
    using server = rawServer();
    const startedMs = performance.now();
    expect(await checkOnce(httpGet(server.port), { timeoutMs: 1000 })).toEqual(
      failure(
        `Get "http://127.0.0.1:${server.port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
      ),
    );
    expect(performance.now() - startedMs).toBeLessThan(2500);
  });

  test("of nobody is a failure", async () => {
    expect(await checkOnce(httpGet(1, { path: "/healthz" }))).toEqual(
      failure('Get "http://127.0.0.1:1/healthz": dial tcp 127.0.0.1:1: connect: connection refused'),
    );
  });
});

test("canceled, a check throws the reason and lets go of the connection", async () => {
  const closed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  using server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => asked.resolve(), close: () => closed.resolve() },
  });
  const cancel = new AbortController();
  const check = checkOnce(httpGet(server.port), { signal: cancel.signal });
  await asked.promise;
  cancel.abort(new Error("not wanted any more"));
  await expect(check).rejects.toThrow("not wanted any more");
  await closed.promise;
});

describe("HTTPS", () => {
  let dir: TempDir;
  beforeAll(async () => {
    dir = await tempDir();
    const [key, cert] = [`${dir.path}/key.pem`, `${dir.path}/cert.pem`];
    await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=elsewhere.example -keyout ${key} -out ${cert}`.quiet();
  });
  afterAll(() => dir[Symbol.asyncDispose]());

  function tlsServer(status: number) {
    const files = { key: Bun.file(`${dir.path}/key.pem`), cert: Bun.file(`${dir.path}/cert.pem`) };
    return Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: files,
      fetch: () => new Response("ok", { status }),
    });
  }

  test("believes any certificate", async () => {
    await using server = tlsServer(200);
    const handler = httpGet(server.port ?? 0, { scheme: "HTTPS" });
    expect(await checkOnce(handler)).toEqual(success);
    expect(await checkOnce({ ...handler, host: "localhost" })).toEqual(success);
  });

  test("counts by the status too", async () => {
    await using server = tlsServer(503);
    expect(await checkOnce(httpGet(server.port ?? 0, { scheme: "HTTPS" }))).toEqual(
      failure("HTTP probe failed with statuscode: 503"),
    );
  });

  test("of a server without TLS is a failure", async () => {
    using plain = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") },
    });
    expect(await checkOnce(httpGet(plain.port, { scheme: "HTTPS" }))).toMatchObject({
      kind: "failure",
      message: expect.stringContaining(`dial tcp 127.0.0.1:${plain.port}: `),
    });
  });

  test("of a server that does not answer is a failure", async () => {
    using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
    expect(await checkOnce(httpGet(silent.port, { scheme: "HTTPS" }), { timeoutMs: 300 })).toMatchObject({
      kind: "failure",
      message: expect.stringContaining("i/o timeout"),
    });
  });
});
