// Holds answers to the endpoint's own description: what no operation says is an error of the app or of the description.

import Ajv from "ajv/dist/2020.js";
import { type Contents, operations } from "../../src/server/openapi-operations.ts";
import { type SchemaName, schemas } from "../../src/server/openapi-schemas.ts";

const ajv = new Ajv({ validateFormats: false, strict: true, strictTypes: false });
const validators = new Map(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(schema)]));
const problem: Contents = { "application/problem+json": "Problem" };

/** Throws if it is not as described. The response can be read still. */
export async function checkAnswer(
  { method, url }: Pick<Request, "method" | "url">,
  response: Response,
): Promise<void> {
  const pathname = new URL(url).pathname.replace(/(?<=.)\/$/, "");
  const where = `${method} ${pathname}: ${response.status}`;
  const described = operationAt(method === "HEAD" ? "GET" : method, pathname)?.answers[response.status];
  if (response.status === 101 && described) return;
  const contents = { ...described, ...(response.status >= 400 && problem) };
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  if (!(type in contents)) throw new Error(`${where}: ${type || "nothing"} is not described`);
  const name = contents[type];
  // What is no whole is a stream, which is not read here.
  if (name === undefined || method === "HEAD" || !response.headers.has("content-length")) return;
  checkBody(name, JSON.parse(await response.clone().text()), where);
}

export function checkBody(name: SchemaName, body: unknown, where: string): void {
  const isValid = validators.get(name);
  if (!isValid?.(body)) throw new Error(`${where}: is no ${name}: ${ajv.errorsText(isValid?.errors)}`);
}

function operationAt(method: string, pathname: string) {
  const matches = Object.entries(operations).filter(([key]) => {
    const [of = "", path = ""] = key.split(" ");
    const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, "[^/]+").replaceAll(".", "\\.")}$`);
    return of === method && pattern.test(pathname);
  });
  return matches[0]?.[1];
}
