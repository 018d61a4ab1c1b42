// `sha256:…`: what content is called by. Invariant: only digests of a known form and length are taken, so that one can be part of a path.

import { createHash } from "node:crypto";
import { EngineError } from "../engine-error.ts";

const digits: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export function checkDigest(value: unknown, what: string): string {
  const [, algorithm = "", hex = ""] = /^(sha\d+):([0-9a-f]+)$/.exec(String(value)) ?? [];
  if (digits[algorithm] === hex.length) return String(value);
  throw new EngineError(`${what} has no usable digest: ${JSON.stringify(value)?.slice(0, 200)}`);
}

export function digestOf(content: Uint8Array, algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;
}

/** Throws where the content is not what the digest says. */
export function verify(content: Uint8Array, digest: string, what: string): void {
  const actual = digestOf(content, algorithmOf(digest));
  if (actual !== digest) throw wrongDigest(what, digest, actual);
}

/** Passes the chunks on, and throws after the last one where they were not what the digest says. */
export async function* verified(
  source: AsyncIterable<Uint8Array>,
  digest: string,
  what: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash(algorithmOf(digest));
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const actual = `${algorithmOf(digest)}:${hash.digest("hex")}`;
  if (actual !== digest) throw wrongDigest(what, digest, actual);
}

function algorithmOf(digest: string): string {
  return digest.split(":")[0] ?? "";
}

function wrongDigest(what: string, digest: string, actual: string): EngineError {
  return new EngineError(`${what} is not what its digest says: ${digest} was asked for, ${actual} came`);
}
