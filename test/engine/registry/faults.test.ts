// A registry that fails: each way has its message, nothing is left in the store, and what can be mended by asking again is.

import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { writeOciLayout } from "../../oci-layout.ts";
import { type TempDir, tempDir } from "../../temp-dir.ts";
import { blob, digestsOf, startHostileRegistry, type Takeover } from "./hostile-registry.ts";
import { pull, pullError } from "./pulling.ts";

const content = randomBytes(3 * 1024 * 1024);

interface Layout extends AsyncDisposable {
  readonly path: string;
  readonly layout: string;
  /** The packed layer. */
  readonly layer: Buffer;
  readonly layerPath: string;
}

async function writeLayout(): Promise<Layout> {
  const dir: TempDir = await tempDir();
  const layout = `${dir.path}/layout`;
  await writeOciLayout(layout, [{ tag: "1", layers: [{ entries: [{ name: "random", content }] }] }]);
  const [digest = ""] = digestsOf(layout).layers;
  return {
    path: dir.path,
    layout,
    layer: blob(layout, digest),
    layerPath: `blobs/${digest}`,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

const status =
  (
    code: number,
    headers: Readonly<Record<string, string>> = {},
    body = "",
  ): ((response: ServerResponse) => true) =>
  (response) => {
    response.writeHead(code, headers).end(body);
    return true;
  };

/** A fault of one kind of request. */
const at =
  (kind: "manifests" | "layer", fault: (response: ServerResponse, layout: Layout) => true) =>
  (layout: Layout): Takeover =>
  ({ path }, response) =>
    (kind === "layer" ? path === layout.layerPath : path.startsWith(kind)) && fault(response, layout);

const begin = (
  response: ServerResponse,
  layer: Buffer,
  bytes: number,
  length = layer.length,
): ServerResponse => {
  response.writeHead(200, { "content-length": length });
  response.write(layer.subarray(0, bytes));
  return response;
};

const unknown = JSON.stringify({
  errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest\nunknown\u001b[31m" }],
});

const faults: readonly (readonly [
  what: string,
  fault: (layout: Layout) => Takeover,
  message: string | RegExp,
])[] = [
  [
    "401 for anybody",
    at("manifests", status(401, { "www-authenticate": 'Basic realm="x"' })),
    "registry HOST wants credentials, and there are none for it (or there is no such repository) (HTTP status code: 401)",
  ],
  [
    "401 of a kind that nobody knows",
    at("manifests", status(401, { "www-authenticate": "Negotiate" })),
    "registry HOST wants a kind of credential that is not supported",
  ],
  ["403", at("manifests", status(403)), "manifest 1: access denied (HTTP status code: 403)"],
  [
    "404",
    at("manifests", status(404, {}, unknown)),
    "manifest 1: not found (HTTP status code: 404, manifest unknown [31m)",
  ],
  ["404 of a layer", at("layer", status(404)), "layer sha256:DIGEST: not found (HTTP status code: 404)"],
  ["429", at("manifests", status(429)), "manifest 1: too many requests (HTTP status code: 429)"],
  [
    "429 with more patience asked for than we have",
    at("manifests", status(429, { "retry-after": "3600" })),
    "manifest 1: too many requests (HTTP status code: 429)",
  ],
  ["500", at("manifests", status(500)), "manifest 1: the server fails (HTTP status code: 500)"],
  [
    "503 of a layer",
    at("layer", status(503)),
    "layer sha256:DIGEST: the server fails (HTTP status code: 503)",
  ],
  [
    "a layer that is shorter than it should be",
    at("layer", (response, { layer }) => {
      begin(response, layer, 1000, 1000).end();
      return true;
    }),
    `layer sha256:DIGEST: 1000 bytes, not SIZE`,
  ],
  [
    "a layer that ends early, without having said its length",
    at("layer", (response, { layer }) => {
      response.write(layer.subarray(0, 1000));
      response.end();
      return true;
    }),
    "layer sha256:DIGEST: 1000 bytes, not SIZE",
  ],
  [
    "a layer without end",
    at("layer", (response, { layer }) => {
      response.write(layer);
      response.write(layer);
      return true;
    }),
    "layer sha256:DIGEST: more than SIZE bytes",
  ],
  [
    "a layer that was damaged on its way",
    at("layer", (response, { layer }) => {
      begin(response, Buffer.from(layer).fill(1, 100_000, 101_000), layer.length).end();
      return true;
    }),
    /^layer sha256:DIGEST is (damaged: (invalid|incorrect) |not what its digest says: )/,
  ],
  [
    "another layer of the same length",
    at("layer", (response, { layer }) => {
      // The time of packing, in gzip's header: what is packed is the same.
      begin(response, Buffer.from(layer).fill(1, 4, 8), layer.length).end();
      return true;
    }),
    "layer sha256:DIGEST is not what its digest says: sha256:DIGEST was asked for, sha256:DIGEST came",
  ],
  [
    "a connection that is always cut at the same place",
    at("layer", (response, { layer }) => {
      begin(response, layer, 1000);
      setTimeout(() => response.destroy(), 20);
      return true;
    }),
    'Get "http://HOST/v2/test/app/blobs/sha256:DIGEST": connection reset by peer',
  ],
  [
    "a server that stalls",
    at("layer", (response, { layer }) => {
      begin(response, layer, 1000);
      return true;
    }),
    "layer sha256:DIGEST: the server stalls (timeout)",
  ],
  [
    "a server that trickles",
    at("layer", (response, { layer }) => {
      begin(response, layer, 1000);
      const timer = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(timer));
      return true;
    }),
    "layer sha256:DIGEST: the server stalls (timeout)",
  ],
  [
    "a server that never answers",
    at("manifests", () => true),
    'Get "http://HOST/v2/test/app/manifests/1": timeout awaiting response',
  ],
  [
    "a server that redirects for ever",
    at("manifests", status(302, { location: "/v2/test/app/manifests/1" })),
    'Get "http://HOST/v2/test/app/manifests/1": stopped after 5 redirects',
  ],
];

describe("a fault", () => {
  test.each(faults)("%s", async (_what, fault, message) => {
    await using layout = await writeLayout();
    const takeover = fault(layout);
    let isHealed = false;
    await using registry = await startHostileRegistry(
      layout.layout,
      (asked, response) => !isHealed && takeover(asked, response),
    );
    const error = await pullError(layout.path, registry);
    if (typeof message === "string") expect(error).toBe(message.replace("SIZE", String(layout.layer.length)));
    else expect(error).toMatch(message);
    isHealed = true;
    expect((await pull(layout.path, registry)).label).toEndWith("/test/app:1");
  });

  test("nobody there", async () => {
    await using dir = await tempDir();
    expect(await pullError(dir.path, { address: "127.0.0.1:1" })).toBe(
      'Get "http://HOST/v2/test/app/manifests/1": connection refused',
    );
    expect(await pullError(dir.path, { address: "no-such-host.invalid" })).toMatch(
      /^Get "https:..HOST.v2.test.app.manifests.1": (no such host|temporary failure in name resolution)$/,
    );
  });

  test("a manifest of 100 MB is not read", async () => {
    await using layout = await writeLayout();
    for (const isSaid of [true, false]) {
      let sent = 0;
      await using registry = await startHostileRegistry(layout.layout, ({ path }, response) => {
        if (!path.startsWith("manifests")) return false;
        response.writeHead(200, isSaid ? { "content-length": 100_000_000 } : {});
        const more = () => {
          while (sent < 100_000_000 && !response.destroyed) {
            sent += 65_536;
            if (!response.write(Buffer.alloc(65_536, " "))) return;
          }
        };
        response.on("drain", more);
        more();
        return true;
      });
      expect(await pullError(layout.path, registry)).toBe("manifest 1 is larger than 4194304 bytes");
      expect(sent).toBeLessThan(50_000_000);
    }
  });
});

describe("what can be mended", () => {
  test("a connection that breaks is taken up where it broke", async () => {
    await using layout = await writeLayout();
    await using registry = await startHostileRegistry(layout.layout, ({ path, headers, times }, response) => {
      if (path !== layout.layerPath || times >= 2) return false;
      const from = Number(/\d+/.exec(headers.range ?? "")?.[0] ?? 0);
      const { length } = layout.layer;
      response.writeHead(from > 0 ? 206 : 200, {
        "content-length": length - from,
        ...(from > 0 && { "content-range": `bytes ${from}-${length - 1}/${length}` }),
      });
      response.write(layout.layer.subarray(from, from + 1_000_000));
      setTimeout(() => response.destroy(), 50);
      return true;
    });
    await pull(layout.path, registry);
    const ranges = registry.asked
      .filter(({ path }) => path === layout.layerPath)
      .map(({ headers }) => headers.range);
    expect(ranges).toEqual([undefined, "bytes=1000000-", "bytes=2000000-"]);
  });

  test("a server that does not know ranges gives the whole again", async () => {
    await using layout = await writeLayout();
    await using registry = await startHostileRegistry(layout.layout, ({ path, times }, response) => {
      if (path !== layout.layerPath) return false;
      const isLast = times === 1;
      begin(response, layout.layer, isLast ? layout.layer.length : 1_000_000);
      if (isLast) response.end();
      else setTimeout(() => response.destroy(), 50);
      return true;
    });
    await pull(layout.path, registry);
  });

  test.each([429, 500, 502, 503])("%d, once", async (code) => {
    await using layout = await writeLayout();
    await using registry = await startHostileRegistry(
      layout.layout,
      ({ times }, response) => times === 0 && status(code, { "retry-after": "0" })(response),
    );
    await pull(layout.path, registry);
    expect(registry.asked.filter(({ path }) => path === "manifests/1")).toHaveLength(2);
  });
});
