// Ports of pods: /portForward/{namespace}/{pod}?port=8080, the kubelet's path, and /pods/{namespace}/{pod}/portforward?port=8080. The port
// is one on the pod's own loopback.
//
// It is a WebSocket with sub-protocol v5.channel.k8s.io or v4.channel.k8s.io. Each message begins with a byte that says which stream it is of: of the port that is
// named as number n, from 0, 2n is what the connection to it carries, in both directions, and 2n+1 an error that ends it, from the server.
// The first message of each from the server is the port, as two bytes, the lower one first. Each port is connected to once; when all of the
// connections have ended the server closes. With v5 the client ends its own side of a connection alone by a message of channel 255 whose
// second byte is 2n.

import { Hono } from "hono";
import { errorChain } from "../host/error.ts";
import type { Log } from "../host/log.ts";
import type { RunningCommand } from "../pod/container-command.ts";
import { channelParts, channelProtocols, channels } from "./channels.ts";
import type { ServerContext, ServerEnv } from "./connection.ts";
import { checkNames } from "./parameters.ts";
import { type PodsView, podNotFound } from "./pods.ts";
import { RequestError } from "./request-error.ts";
import { prepareWebSocket, type WebSocketConnection } from "./web-socket.ts";

export interface PortSource {
  find(namespace: string, name: string): Promise<FoundPorts>;
}

export type FoundPorts =
  /** What a connection carries is its input and its output; one that fails has the reason in its errors, and an exit code. */
  | { readonly kind: "found"; connect(port: number): RunningCommand }
  | { readonly kind: "podNotFound" }
  | { readonly kind: "notRunning" };

export interface PortForwardOptions {
  readonly status: PodsView;
  readonly ports: PortSource;
  readonly log: Log;
}

const methods = ["GET", "POST"];
/** As many as there are numbers for their channels. */
const portsMax = 128;
const lingerMs = 3000;

export function portForwardRoutes(options: PortForwardOptions): Hono<ServerEnv> {
  const paths = ["/portForward/:namespace/:name", "/pods/:namespace/:name/portforward"] as const;
  const routes = new Hono<ServerEnv>();
  for (const path of paths) routes.on(methods, path, (c) => forward(c, options, c.req.param()));
  return routes;
}

async function forward(
  c: ServerContext,
  { status, ports, log }: PortForwardOptions,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<Response> {
  const numbers = decodePorts(new URL(c.req.url).searchParams);
  const webSocket = prepareWebSocket(c, channelProtocols);
  const found = await ports.find(namespace, name);
  if (found.kind === "podNotFound") throw podNotFound(status, namespace, name);
  if (found.kind === "notRunning") throw new RequestError(409, `pod ${JSON.stringify(name)} is not running`);
  const { requestId } = c.var;
  log.info("port-forward", { pod: `${namespace}/${name}`, ports: numbers.join(","), requestId });
  const connections = numbers.map((port) => ({ port, carried: found.connect(port) }));
  void connectPorts(webSocket.accept(), connections).catch((error: unknown) => {
    log.error("Cannot go on with ports of a pod", { error: errorChain(error), requestId });
  });
  return new Response(null, { status: 101 });
}

interface PortConnection {
  readonly port: number;
  readonly carried: RunningCommand;
}

async function connectPorts(
  socket: WebSocketConnection,
  connections: readonly PortConnection[],
): Promise<void> {
  // What the client has sent is delivered still.
  void socket.closed.then(() => {
    for (const { carried } of connections) carried.endInput();
    setTimeout(() => connections.forEach(({ carried }) => void carried.kill()), lingerMs);
  });
  const reading = passInput(socket, connections);
  await Promise.all(connections.map((connection, index) => passOutput(socket, connection, 2 * index)));
  socket.close();
  await reading;
}

async function passInput(socket: WebSocketConnection, connections: readonly PortConnection[]): Promise<void> {
  for await (const { channel, bytes } of channelParts(socket.messages())) {
    if (channel === channels.close) connections[(bytes[0] ?? 0) / 2]?.carried.endInput();
    else if (channel % 2 === 0) await connections[channel / 2]?.carried.write(bytes);
  }
}

async function passOutput(
  socket: WebSocketConnection,
  { port, carried }: PortConnection,
  channel: number,
): Promise<void> {
  const [data, errors] = [Uint8Array.of(channel), Uint8Array.of(channel + 1)];
  const portBytes = Uint8Array.of(port & 0xff, port >> 8);
  await socket.send(data, portBytes);
  await socket.send(errors, portBytes);
  for await (const bytes of carried.output) await socket.send(data, bytes);
  const reason = Buffer.concat(await Array.fromAsync(carried.errors))
    .toString()
    .trim();
  if ((await carried.exitCode) !== 0)
    await socket.send(errors, Buffer.from(reason || "the connection was lost"));
}

/** Throws RequestError. */
function decodePorts(parameters: URLSearchParams): readonly number[] {
  checkNames(parameters, ["port", "ports"]);
  const words = [...parameters.getAll("port"), ...parameters.getAll("ports")].flatMap((text) =>
    text.split(","),
  );
  const numbers = words.map((word) => (/^\d{1,5}$/.test(word) ? Number(word) : 0));
  if (numbers.length === 0) throw new RequestError(400, "port: has to be given");
  if (numbers.length > portsMax) throw new RequestError(400, `port: more than ${portsMax}`);
  const wrong = numbers.findIndex((port) => port < 1 || port > 0xffff);
  if (wrong !== -1) throw new RequestError(400, `port: ${JSON.stringify(words[wrong])} is no port`);
  return numbers;
}
