// `gantry port-forward`: a port of this machine's leads to one of a pod's. Each connection is a WebSocket of its own (kubelet
// pkg/kubelet/cri/streaming/portforward, websocket.go): channel 0 is data, channel 1 an error, each begins with the port in two bytes;
// channel 255 ends what we send.
// Invariant: listens on loopback unless told otherwise.

import { createServer, type Server, type Socket } from "node:net";
import { errorChain } from "../host/error.ts";
import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { findPodOf, nameOf } from "./find-pods.ts";
import { print, tell } from "./output.ts";

export interface PortForwardOptions extends ServerOptions {
  readonly namespace: string;
  readonly address: string;
}

interface PortPair {
  /** 0: any that is free. */
  readonly local: number;
  readonly remote: number;
}

/** Until interrupted. */
export async function runPortForward(
  name: string,
  ports: readonly string[],
  options: PortForwardOptions,
): Promise<never> {
  const pairs = ports.map(parsePorts);
  const client = await AgentClient.create(options);
  const { namespace, name: podName } = nameOf(await findPodOf(client, name, options.namespace));
  const path = `/portForward/${namespace}/${podName}`;
  for (const { local, remote } of pairs) {
    for (const address of options.address.split(",")) {
      const server = createServer({ allowHalfOpen: true }, (socket) =>
        forward(client, { path, remote, socket }),
      );
      const port = await listen(server, address === "localhost" ? "127.0.0.1" : address, local);
      await print(`Forwarding from ${address}:${port} -> ${remote}\n`);
    }
  }
  return new Promise(() => undefined);
}

/** `8080`, `8080:80`, `:80`. */
function parsePorts(text: string): PortPair {
  const [, local, remote] = /^(?:(\d*):)?(\d+)$/.exec(text) ?? [];
  const pair = { local: Number(local ?? remote), remote: Number(remote) };
  if (pair.remote >= 1 && pair.remote <= 65535 && pair.local <= 65535) return pair;
  throw new UsageError(`port-forward: ports must be like 8080:80, 80 or :80, not ${JSON.stringify(text)}`);
}

async function listen(server: Server, address: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, address, resolve);
  try {
    await promise;
  } catch (error) {
    throw new CommandFailure(`Cannot listen on ${address}:${port}: ${errorChain(error)}`);
  }
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : port;
}

interface Forwarding {
  readonly path: string;
  readonly remote: number;
  readonly socket: Socket;
}

const data = 0;
const close = 255;
const portBytes = 2;

function forward(client: AgentClient, { path, remote, socket }: Forwarding): void {
  const webSocket = client.webSocket(path, { port: remote }, ["v5.channel.k8s.io"]);
  /** By channel: what is still to come of the port that it begins with. */
  const skipped = [portBytes, portBytes];
  const unsent: Uint8Array[] = [];
  const send = (message: Uint8Array) => {
    if (webSocket.readyState === WebSocket.OPEN) webSocket.send(message);
    else unsent.push(message);
  };
  socket.on("data", (chunk: Buffer) => send(Buffer.concat([Uint8Array.of(data), chunk])));
  socket.on("end", () => send(Uint8Array.of(close, data)));
  webSocket.onopen = () => unsent.splice(0).forEach(send);
  webSocket.onmessage = (event) => {
    const bytes = Buffer.from(event.data as ArrayBuffer);
    const channel = bytes[0] ?? 0;
    const skip = Math.min(skipped[channel] ?? 0, bytes.length - 1);
    skipped[channel] = (skipped[channel] ?? 0) - skip;
    const content = bytes.subarray(1 + skip);
    if (content.length === 0) return;
    if (channel === data) socket.write(content);
    else void tell(`gantry: port ${remote}: ${content.toString().trim()}`);
  };
  webSocket.onerror = () => void tell(`gantry: port ${remote}: the agent refused, or was lost`);
  webSocket.onclose = () => socket.end();
  socket.on("close", () => webSocket.close());
  socket.on("error", () => webSocket.close());
}
