// What an address beyond this machine needs: a certificate to show, and something to know those who may come by.
// Invariant: without all of it nothing is opened, and it is said what to set.

import { createHash, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { errorChain } from "../host/error.ts";

/** Paths; empty: not set. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** Whose client certificates are trusted. */
  readonly clientCaFile: string;
  /** One line: the bearer token. */
  readonly tokenFile: string;
}

export interface Tls {
  /** With `ca` where client certificates are asked for. */
  readonly options: SecureContextOptions;
  /** Whether this `Authorization` header has the token. */
  hasToken(authorization: string | undefined): boolean;
}

/** Says what to set or mend, as one sentence. */
class TlsFilesError extends Error {
  override readonly name = "TlsFilesError";
}

const tokenLengthMin = 16;

/** Throws TlsFilesError. */
export async function readTls(files: TlsFiles): Promise<Tls> {
  if (files.certFile === "" || files.keyFile === "") {
    throw new TlsFilesError("set tls.certFile and tls.keyFile (--tls-cert-file, --tls-key-file)");
  }
  if (files.tokenFile === "" && files.clientCaFile === "") {
    throw new TlsFilesError(
      "set tls.tokenFile or tls.clientCaFile (--tls-token-file, --tls-client-ca-file): else anyone could run commands in pods",
    );
  }
  const [cert, key, ca, token] = await Promise.all([
    readOwn(files.certFile),
    readOwn(files.keyFile, "secret"),
    files.clientCaFile === "" ? undefined : readOwn(files.clientCaFile),
    files.tokenFile === "" ? undefined : readToken(files.tokenFile),
  ]);
  const options: SecureContextOptions = { cert, key, minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new TlsFilesError(`the certificate, its key or the client CA cannot be used: ${errorChain(error)}`);
  }
  return {
    options,
    hasToken: (authorization) => token !== undefined && isToken(authorization, token),
  };
}

async function readToken(path: string): Promise<string> {
  const token = (await readOwn(path, "secret")).trim();
  if (token.length >= tokenLengthMin && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new TlsFilesError(
    `${path}: must be one line of at least ${tokenLengthMin} letters, digits or signs (openssl rand -hex 32)`,
  );
}

async function readOwn(path: string, kind?: "secret"): Promise<string> {
  try {
    const { mode } = await stat(path);
    if (kind === "secret" && (mode & 0o007) !== 0) {
      throw new TlsFilesError(`${path}: may be read by everyone (chmod o= ${path})`);
    }
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof TlsFilesError) throw error;
    throw new TlsFilesError(`${path}: cannot be read: ${errorChain(error)}`);
  }
}

/** In the same time whatever is the same of them. */
function isToken(authorization: string | undefined, token: string): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
