// One GET as the kubelet's probes do it (pkg/probe/http): a connection of its own, TLS not verified, redirects followed on the same host only.
// Not fetch(), which goes by HTTP_PROXY, pools, and joins repeated headers; not node:http, which costs four times as much.

import type { HttpGetHandler } from "../pod/handler.ts";
import { DeadlineError } from "./deadline.ts";
import { DialError, dial, hostAndPort } from "./dial.ts";
import { BadResponseError, type ResponseHead, ResponseReader } from "./http-response.ts";

export interface HttpGetOptions {
  /** Where the handler names no host. */
  readonly address: string;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

/** No answer: `Get "http://10.1.2.3:80/": dial tcp 10.1.2.3:80: connect: connection refused`. */
export class HttpGetError extends Error {
  override readonly name = "HttpGetError";
}

const requestsMax = 10;
const redirects = [301, 302, 303, 307, 308];

/** The status of the last answer; one of a redirect is that of one to another host, or of one without an address. Throws HttpGetError. */
export async function httpGet(handler: HttpGetHandler, options: HttpGetOptions): Promise<number> {
  const place = { host: handler.host || options.address, port: handler.port };
  const written = `${handler.scheme.toLowerCase()}://${hostAndPort(place)}${handler.path.replace(/^(?!\/)/, "/")}`;
  try {
    return await follow(new URL(written), handler, options);
  } catch (error) {
    if (!isWorldsFailure(error)) throw error;
    const why =
      error instanceof DeadlineError
        ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        : error.message;
    throw new HttpGetError(`Get ${JSON.stringify(written)}: ${why}`, { cause: error });
  }
}

async function follow(
  first: URL,
  { headers }: HttpGetHandler,
  { userAgent, signal }: HttpGetOptions,
): Promise<number> {
  let url = first;
  let host = headerValue(headers, "host") || first.host;
  for (let requests = 1; ; requests++) {
    const { status, location } = await exchange(url, requestHead(url, { host, headers, userAgent }), signal);
    if (!redirects.includes(status) || !location) return status;
    if (!URL.canParse(location, url.href)) throw new BadResponseError("failed to parse Location header");
    const next = new URL(location, url);
    if (next.hostname !== first.hostname) return status;
    if (!/^https?:$/.test(next.protocol)) throw new BadResponseError("unsupported protocol scheme");
    if (requests === requestsMax) throw new BadResponseError(`stopped after ${requestsMax} redirects`);
    if (URL.canParse(location)) host = next.host; // a whole address says which host is meant
    url = next;
  }
}

type Headers = HttpGetHandler["headers"];

/** Sent by us, or about a body that there is not. */
const ours = ["host", "connection", "content-length", "transfer-encoding", "trailer"];
const defaulted = ["user-agent", "accept"];

function requestHead(
  url: URL,
  {
    host,
    headers,
    userAgent,
  }: { readonly host: string; readonly headers: Headers; readonly userAgent: string },
): string {
  for (const { name, value } of headers)
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[\r\n\0]/.test(value))
      throw new BadResponseError(`net/http: invalid header field ${JSON.stringify(name)}`);
  const given = headers.filter(({ name, value }) => {
    const lower = name.toLowerCase();
    return !ours.includes(lower) && !(value === "" && defaulted.includes(lower));
  });
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${host}`,
    ...(headerValue(headers, "user-agent") === undefined ? [`User-Agent: ${userAgent}`] : []),
    ...(headerValue(headers, "accept") === undefined ? ["Accept: */*"] : []),
    ...given.map(({ name, value }) => `${name}: ${value}`),
    "Connection: close",
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function headerValue(headers: Headers, lowerCase: string): string | undefined {
  return headers.find(({ name }) => name.toLowerCase() === lowerCase)?.value;
}

/** Waits for the end of the body too, yet is content with the head where that does not come. */
async function exchange(url: URL, request: string, signal: AbortSignal): Promise<ResponseHead> {
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port || (isTls ? 443 : 80));
  const reader = new ResponseReader();
  const { promise, resolve, reject } = Promise.withResolvers<ResponseHead>();
  const end = (error: unknown) => (reader.head === undefined ? reject(error) : resolve(reader.head));
  const onData = (chunk: Uint8Array) => {
    try {
      reader.push(chunk);
      if (reader.isComplete) end(undefined);
    } catch (error) {
      end(error);
    }
  };
  const onClose = (why: string) => end(new BadResponseError(why));
  using connection = await dial({ host, port }, { isTls, signal, onData, onClose });
  const giveUp = () => end(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  connection.send(request);
  return await promise.finally(() => signal.removeEventListener("abort", giveUp));
}

function isWorldsFailure(error: unknown): error is Error {
  return error instanceof DialError || error instanceof BadResponseError || error instanceof DeadlineError;
}
