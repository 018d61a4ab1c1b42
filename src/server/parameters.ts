// Query parameters, decoded strictly: a misspelt one would silently do something else than was asked for.

import { RequestError } from "./request-error.ts";

/** Throws RequestError 400 that names the first that is not among `names`. */
export function checkNames(parameters: URLSearchParams, names: readonly string[]): void {
  for (const name of parameters.keys()) {
    if (!names.includes(name)) {
      throw new RequestError(400, `Unknown parameter ${JSON.stringify(name)}; there are ${names.join(", ")}`);
    }
  }
}

/** Undefined: it is not there. Without a value it is true. */
export function flag(parameters: URLSearchParams, name: string): boolean | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  if (text === "false" || text === "0") return false;
  if (text === "" || text === "true" || text === "1") return true;
  throw badValue(name, text, "true or false");
}

export function wholeNumber(parameters: URLSearchParams, name: string, least: number): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw badValue(name, text, `a whole number of at least ${least}`);
}

export function badValue(name: string, text: string, wanted: string): RequestError {
  return new RequestError(400, `${name}: ${JSON.stringify(text)} is not ${wanted}`);
}
