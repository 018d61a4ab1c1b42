// One grpc.health.v1.Health/Check over HTTP/2 without TLS, as the kubelet's (pkg/probe/grpc), with its messages.
// The two messages are so small that they are written here by hand (health.proto).

import type { IncomingHttpHeaders } from "node:http2";
import { DeadlineError } from "./deadline.ts";
import { dialMessage, hostAndPort, type Place, requireAddress } from "./dial.ts";

export interface GrpcOptions {
  /** Empty: the whole server. */
  readonly service: string;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** `google.golang.org/grpc/codes`, in the order of their numbers. */
const codes =
  "OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated".split(
    " ",
  );
const unknown = codes.indexOf("Unknown");
const deadlineExceeded = codes.indexOf("DeadlineExceeded");
const unimplemented = codes.indexOf("Unimplemented");
const unavailable = codes.indexOf("Unavailable");
/** HealthCheckResponse.ServingStatus. */
const servingStatuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
const answerBytesMax = 1024;

/** Undefined: it is healthy. Else why not, in one line. */
export async function grpcHealthProblem(place: Place, options: GrpcOptions): Promise<string | undefined> {
  const { timeoutMs, signal } = options;
  requireAddress(place);
  const answer = await call(place, options);
  if (signal.aborted && !(signal.reason instanceof DeadlineError)) throw signal.reason;
  const within = `${timeoutMs / 1000}s`;
  if (!answer.isConnected)
    return signal.aborted
      ? `timeout: failed to connect service "${hostAndPort(place)}" within ${within}: context deadline exceeded`
      : `error: failed to connect service at "${hostAndPort(place)}": ${answer.message}`;
  if (signal.aborted || answer.code === deadlineExceeded)
    return `timeout: health rpc did not complete within ${within}`;
  if (answer.code === unimplemented)
    return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${answer.message}`;
  if (answer.code !== 0) {
    const code = codes[answer.code] ?? `Code(${answer.code})`;
    return `error: health rpc probe failed: rpc error: code = ${code} desc = ${answer.message}`;
  }
  const status = servingStatuses[answer.servingStatus] ?? String(answer.servingStatus);
  return status === "SERVING" ? undefined : `service unhealthy (responded with "${status}")`;
}

interface Answer {
  readonly isConnected: boolean;
  readonly code: number;
  readonly message: string;
  readonly servingStatus: number;
}

/** Always answers: where the server does not, or nonsense, with a code that says so, as gRPC clients do. */
async function call(place: Place, { service, userAgent, signal }: GrpcOptions): Promise<Answer> {
  // They take some MiB of memory, for those who have such probes.
  const [{ connect }, http2] = await Promise.all([import("node:net"), import("node:http2")]);
  const { promise, resolve } = Promise.withResolvers<Answer>();
  let isConnected = false;
  const breakOff = (error: Error) => {
    const message = isConnected ? error.message : dialMessage(place, error);
    resolve({ isConnected, code: unavailable, message, servingStatus: 0 });
  };
  const giveUp = () => breakOff(signal.reason);
  using cleanUp = new DisposableStack();
  const socket = connect({ ...place }, () => {
    isConnected = true;
  });
  cleanUp.defer(() => socket.destroy());
  socket.on("error", breakOff);
  const session = http2.connect(`http://${hostAndPort(place)}`, { createConnection: () => socket });
  cleanUp.defer(() => session.destroy());
  session.on("error", breakOff);
  session.on("close", () => breakOff(new Error("the connection was closed")));
  const stream = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": userAgent,
  });
  let headers: IncomingHttpHeaders = {};
  let body = Buffer.alloc(0);
  stream.on("response", (received) => {
    headers = received;
  });
  stream.on("trailers", (received) => {
    headers = { ...headers, ...received };
  });
  stream.on("data", (chunk: Uint8Array) => {
    body = Buffer.concat([body, chunk]).subarray(0, answerBytesMax);
  });
  stream.on("error", breakOff);
  stream.on("close", () => resolve({ isConnected, ...answerOf(headers, body) }));
  stream.end(requestMessage(service));
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  cleanUp.defer(() => signal.removeEventListener("abort", giveUp));
  return await promise;
}

/** Its 5 bytes of frame, then field 1, if any: the service. */
function requestMessage(service: string): Uint8Array {
  const name = Buffer.from(service);
  const length = name.length < 128 ? [name.length] : [(name.length & 127) | 128, name.length >> 7];
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([10, ...length]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

function answerOf(headers: IncomingHttpHeaders, body: Uint8Array): Omit<Answer, "isConnected"> {
  const status = headers["grpc-status"];
  if (status === undefined) {
    const http = headers[":status"];
    if (http === undefined) return { code: unavailable, message: "no answer", servingStatus: 0 };
    return {
      code: unknown,
      message: `unexpected HTTP status code received from server: ${http}`,
      servingStatus: 0,
    };
  }
  // Field 1 of the message behind the frame; one that is not there is 0.
  const servingStatus = body[5] === 8 ? (body[6] ?? 0) : 0;
  return {
    code: Number(status),
    message: percentDecoded(String(headers["grpc-message"] ?? "")),
    servingStatus,
  };
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
