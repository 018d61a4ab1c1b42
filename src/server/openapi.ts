// GET /openapi.json: the description of the endpoint (OpenAPI 3.1), made from the routes that there are.

import { Hono } from "hono";
import type { ServerEnv } from "./connection.ts";
import { type Contents, type Operation, operations } from "./openapi-operations.ts";
import { type SchemaName, schemas } from "./openapi-schemas.ts";
import { jsonResponse } from "./response.ts";

export interface Route {
  readonly method: string;
  readonly path: string;
}

/** `routes` is asked when the first one wants to know. */
export function openapiRoutes(routes: () => readonly Route[], version: string): Hono<ServerEnv> {
  let description: object | undefined;
  return new Hono<ServerEnv>().get("/openapi.json", () => {
    description ??= describe(routes(), version);
    return jsonResponse(description);
  });
}

function describe(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path } of routes) {
    const operation = operations[`${method} ${path}`];
    if (operation === undefined) continue; // what stands before the routes
    const template = path.replaceAll(/:(\w+)/g, "{$1}");
    paths[template] = { ...paths[template], [method.toLowerCase()]: operationObject(path, operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "gantry",
      version,
      description:
        "Over the unix socket, and over TLS for who is known, everything; over loopback only what is read (GET, HEAD).",
    },
    security: [{}, { token: [] }, { certificate: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: { token: { type: "http", scheme: "bearer" }, certificate: { type: "mutualTLS" } },
    },
  };
}

function operationObject(path: string, { summary, parameters = {}, body, answers }: Operation): object {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(parameters)
    .filter(([name]) => !path.includes(`:${name}`))
    .map(([name, parameter]) => ({ name, in: "query", ...parameter }));
  const responses = Object.entries(answers).map(([status, contents]) => [
    status,
    { description: status === "101" ? "The WebSocket" : "", content: contentObject(contents) },
  ]);
  const problem = {
    description: "Why not",
    content: contentObject({ "application/problem+json": "Problem" }),
  };
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body && { requestBody: { content: contentObject(body) } }),
    responses: { ...Object.fromEntries(responses), default: problem },
  };
}

function contentObject(contents: Contents): object {
  const schema = (name: SchemaName | undefined) =>
    name === undefined ? { type: "string" } : { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(Object.entries(contents).map(([type, name]) => [type, { schema: schema(name) }]));
}
