// GET / for a browser: one page with all that it needs in it. Whoever does not ask for HTML gets text (overview.ts).
// Invariant: it runs nothing and loads nothing but what is in it, whatever a pod or a manifest may say (Content-Security-Policy).

import { createHash } from "node:crypto";
import { Hono } from "hono";
import type { ServerEnv } from "./connection.ts";
import draw from "./page/draw.js" with { type: "text" };
import html from "./page/page.html" with { type: "text" };
import script from "./page/script.js" with { type: "text" };
import style from "./page/style.css" with { type: "text" };

export function pageRoutes(): Hono<ServerEnv> {
  // Bun's types take the import of an HTML file for a bundle of its own; by `type: "text"` it is the text.
  const page = String(html)
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("<script></script>", () => `<script>${draw}</script>\n<script>${script}</script>`);
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(page)),
    "Content-Security-Policy": contentSecurityPolicy(),
    "Referrer-Policy": "no-referrer",
    Vary: "Accept",
  };
  return new Hono<ServerEnv>().get("/", async (c, next) => {
    if (c.req.header("accept")?.includes("text/html")) return new Response(page, { headers });
    await next();
    return;
  });
}

function contentSecurityPolicy(): string {
  const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(draw)} ${hashOf(script)}`,
    "connect-src 'self'",
    "img-src data:", // the empty icon
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
