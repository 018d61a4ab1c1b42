// Serves a file by a hono route that does nothing else, for http-load.ts to ask: `bun plain-server.ts FILE` prints its port.

import { readFileSync } from "node:fs";
import { Hono } from "hono";

const bytes = readFileSync(process.argv[2] ?? "");
const headers = { "Content-Type": "application/json", "Content-Length": String(bytes.byteLength) };
const app = new Hono().get("/pods", () => new Response(bytes, { headers }));
console.log(Bun.serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }).port);
