// A registry that fails in ways of one's choice, by repository, until it is healed: it stands before one that works.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "./registry.ts";

export type Fault =
  /** Answers so, whatever is asked. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Closes the connection in the middle of each layer. */
  | "cut"
  /** A layer is longer than its manifest says. */
  | "length"
  /** A layer is another one of the same length. */
  | "content"
  /** A layer comes in pieces, 5 a second. */
  | "slow";

export interface FaultyRegistry extends AsyncDisposable {
  /** `ADDRESS/NAME:TAG` is the other registry's `REPOSITORY:TAG`, but for the fault of that name. */
  readonly address: string;
  heal(): void;
}

const pieceBytes = 64 * 1024;

export async function startFaultyRegistry(
  registry: Pick<Registry, "address">,
  repository: string,
  faults: Readonly<Record<string, Fault>>,
): Promise<FaultyRegistry> {
  let isHealed = false;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const [, name = "", path = ""] = /^\/v2\/([^/]+)\/(.*)$/.exec(request.url ?? "") ?? [];
    const fault = isHealed ? undefined : faults[name];
    if (typeof fault === "object") return response.writeHead(fault.status, { ...fault.headers }).end();
    const { accept, range } = request.headers;
    const found = await fetch(`http://${registry.address}/v2/${name === "" ? "" : `${repository}/${path}`}`, {
      headers: { ...(accept && { accept }), ...(range && { range }) },
      decompress: false,
    });
    const body = new Uint8Array(await found.arrayBuffer());
    const isLayer = body.length >= pieceBytes;
    const length = body.length + (isLayer && fault === "length" ? 1 : 0);
    response.writeHead(found.status, { ...Object.fromEntries(found.headers), "content-length": length });
    switch (isLayer ? fault : undefined) {
      case undefined:
        return response.end(body);
      case "cut":
        response.write(body.subarray(0, body.length / 2));
        return setTimeout(() => response.destroy(), 50); // when that is on its way
      case "length":
        return response.end(Buffer.concat([body, Buffer.alloc(1)]));
      case "content":
        return response.end(new Uint8Array(body.length));
      default:
        for (let at = 0; at < body.length; at += pieceBytes) {
          response.write(body.subarray(at, at + pieceBytes));
          await Bun.sleep(200);
        }
        return response.end();
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    heal() {
      isHealed = true;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
