// A registry whose every answer a test may take over: what is not answered by it comes from an OCI layout.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  /** `manifests/1`, `blobs/sha256:…`; a path that begins with a slash for what is not of a repository. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** How often the same was asked before. */
  readonly times: number;
}

/** True: it has answered. */
export type Takeover = (asked: Asked, response: ServerResponse) => boolean | undefined;

export interface HostileRegistry extends AsyncDisposable {
  readonly address: string;
  /** All that was asked, in order. */
  readonly asked: readonly Asked[];
}

export async function startHostileRegistry(
  layout: string,
  takeover: Takeover = () => false,
): Promise<HostileRegistry> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const path = /^\/v2\/test\/app\/([^?]*)/.exec(request.url ?? "")?.[1] ?? request.url ?? "";
    const one = { path, headers: request.headers, times: asked.filter((each) => each.path === path).length };
    asked.push(one);
    if (takeover(one, response) !== true) answerFrom(layout, one, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The digests of the blobs of a layout's only image. */
export function digestsOf(layout: string): {
  readonly manifest: string;
  readonly config: string;
  readonly layers: readonly string[];
} {
  const manifest = JSON.parse(readFileSync(`${layout}/index.json`, "utf8")).manifests[0].digest;
  const { config, layers } = JSON.parse(blob(layout, manifest).toString());
  return { manifest, config: config.digest, layers: layers.map(({ digest }: { digest: string }) => digest) };
}

export function blob(layout: string, digest: string): Buffer {
  return readFileSync(`${layout}/blobs/${digest.replace(":", "/")}`);
}

function answerFrom(layout: string, { path, headers }: Asked, response: ServerResponse): void {
  const [kind, key = ""] = path.split("/");
  if (kind !== "manifests" && kind !== "blobs") {
    response.writeHead(404).end();
    return;
  }
  const content = blob(layout, key.includes(":") ? key : digestsOf(layout).manifest);
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, {
    "content-length": content.length - from,
    ...(kind === "manifests" && { "content-type": JSON.parse(content.toString()).mediaType }),
    ...(from > 0 && { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` }),
  });
  response.end(content.subarray(from));
}
