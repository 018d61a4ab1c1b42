// grpc against a health server on HTTP/2, and against servers that are none.

import { describe, expect, test } from "bun:test";
import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { checkOnce } from "./check-once.ts";

const success = { kind: "success" } as const;
const failure = (message: string) => ({ kind: "failure", message }) as const;

interface HealthServer extends Disposable {
  readonly port: number;
  /** Of each call: path, type, user agent, message in hexadecimal digits. */
  readonly calls: readonly (readonly string[])[];
}

interface GrpcAnswer {
  readonly headers?: OutgoingHttpHeaders;
  /** Without it `headers` are all there is, as gRPC servers refuse. */
  readonly message?: readonly number[];
  readonly trailers?: OutgoingHttpHeaders;
}

const grpcHeaders = { ":status": 200, "content-type": "application/grpc" };
/** A frame with HealthCheckResponse{status}. */
const status = (value: number): GrpcAnswer => ({
  message: [0, 0, 0, 0, 2, 8, value],
  trailers: { "grpc-status": "0" },
});

/** Answers each call alike; undefined: not at all. */
async function healthServer(answer: GrpcAnswer | undefined): Promise<HealthServer> {
  const calls: string[][] = [];
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks: Uint8Array[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("end", () => {
      const asked = [":path", "content-type", "user-agent"].map((name) => String(headers[name]));
      calls.push([...asked, Buffer.concat(chunks).toString("hex")]);
      if (answer === undefined) return;
      const { message, trailers, headers: extra } = answer;
      if (message === undefined) return stream.respond({ ...grpcHeaders, ...extra }, { endStream: true });
      stream.respond({ ...grpcHeaders, ...extra }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
      stream.end(Buffer.from(message));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, calls, [Symbol.dispose]: () => server.close() };
}

const grpc = (port: number, service = "") => ({ kind: "grpc", port, service }) as const;

describe("the call", () => {
  const call = ["/grpc.health.v1.Health/Check", "application/grpc", "gantry-probe/1.2.3"];

  test("asks for the whole server", async () => {
    using server = await healthServer(status(1));
    expect(await checkOnce(grpc(server.port))).toEqual(success);
    expect(server.calls).toEqual([[...call, "0000000000"]]);
  });

  test("asks for a service", async () => {
    using server = await healthServer(status(1));
    expect(await checkOnce(grpc(server.port, "web"))).toEqual(success);
    expect(server.calls).toEqual([[...call, "0000000005" + "0a03" + "776562"]]);
  });

  test("asks for a service with a long name", async () => {
    using server = await healthServer(status(1));
    expect(await checkOnce(grpc(server.port, "x".repeat(200)))).toEqual(success);
    expect(server.calls).toEqual([[...call, `00000000cb0ac801${"78".repeat(200)}`]]);
  });
});

describe("the answer decides:", () => {
  const cases: [what: string, answer: GrpcAnswer, message: string][] = [
    ["not serving", status(2), 'service unhealthy (responded with "NOT_SERVING")'],
    ["unknown", { ...status(0), message: [0, 0, 0, 0, 0] }, 'service unhealthy (responded with "UNKNOWN")'],
    ["service unknown", status(3), 'service unhealthy (responded with "SERVICE_UNKNOWN")'],
    ["a status of the future", status(9), 'service unhealthy (responded with "9")'],
    [
      "no such service",
      { headers: { "grpc-status": "5", "grpc-message": "unknown%20service" } },
      "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service",
    ],
    [
      "no health service",
      { headers: { "grpc-status": "12", "grpc-message": "unknown service grpc.health.v1.Health" } },
      "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health",
    ],
    [
      "an error after the message",
      { message: [0, 0, 0, 0, 2, 8, 1], trailers: { "grpc-status": "14", "grpc-message": "bad%" } },
      "error: health rpc probe failed: rpc error: code = Unavailable desc = bad%",
    ],
    [
      "a deadline of the server's own",
      { headers: { "grpc-status": "4" } },
      "timeout: health rpc did not complete within 10s",
    ],
    [
      "no gRPC",
      { headers: { ":status": 404 } },
      "error: health rpc probe failed: rpc error: code = Unknown desc = unexpected HTTP status code received from server: 404",
    ],
  ];
  test.each(cases)("%s", async (_what, answer, message) => {
    using server = await healthServer(answer);
    expect(await checkOnce(grpc(server.port))).toEqual(failure(message));
  });
});

test("a server that does not answer comes too late", async () => {
  using server = await healthServer(undefined);
  expect(await checkOnce(grpc(server.port), { timeoutMs: 1000 })).toEqual(
    failure("timeout: health rpc did not complete within 1s"),
  );
});

test("nobody there is a failure", async () => {
  expect(await checkOnce(grpc(1))).toEqual(
    failure(
      'error: failed to connect service at "127.0.0.1:1": dial tcp 127.0.0.1:1: connect: connection refused',
    ),
  );
});

describe("a server that is none is a failure:", () => {
  const servers: [what: string, bytes: Uint8Array, end: boolean][] = [
    ["HTTP/1.1", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"), true],
    ["closes at once", Buffer.alloc(0), true],
    ["0xff", Buffer.alloc(5000, 0xff), false],
    ["zeros", Buffer.alloc(5000), false],
    ["a frame that is too long", Buffer.from([0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1]), false],
    [
      "settings, then nonsense",
      Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0, ...Buffer.from("nonsense nonsense")]),
      true,
    ],
    ["headers that cannot be decoded", Buffer.from([0, 0, 3, 1, 4, 0, 0, 0, 1, 0xff, 0xff, 0xff]), false],
    ["goes away", Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), true],
  ];
  test.each(servers)("%s", async (_what, bytes, end) => {
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void (end ? socket.end(bytes) : socket.write(bytes)) },
    });
    expect(await checkOnce(grpc(server.port), { timeoutMs: 500 })).toMatchObject({
      kind: "failure",
      message: expect.stringMatching(
        /^(?:error: health rpc probe failed: rpc error: code = |timeout: health rpc)/,
      ),
    });
  });
});

test("canceled, a check throws the reason", async () => {
  using server = await healthServer(undefined);
  const cancel = new AbortController();
  const check = checkOnce(grpc(server.port), { signal: cancel.signal });
  cancel.abort(new Error("not wanted any more"));
  await expect(check).rejects.toThrow("not wanted any more");
});
