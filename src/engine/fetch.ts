// `rkt fetch` and how an argument becomes an image: an id, a path, a URL or a name.

import { closeSync, existsSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command, Context } from "./command.ts";
import { EngineError } from "./engine-error.ts";
import { fetchDockerImage, fetchLocalImage, type PullPolicy } from "./fetch-layered.ts";
import { ImageStore, isImageHash, type StoredImage } from "./image-store.ts";
import { parseLocalName } from "./oci/local-image.ts";
import { HttpGet } from "./registry/http-get.ts";
import { RegistryError, shownUrl } from "./registry/registry-error.ts";

const downloadTimeoutMs = 30 * 60_000;
const downloadBytesMax = 64 * 2 ** 30;
const patience = { answerMs: 30_000, stallMs: 30_000, stallBytes: 32 * 1024 };

export const fetch: Command = {
  name: "fetch",
  synopsis: "IMAGE…",
  flags: {
    full: "boolean",
    "no-store": "boolean",
    "pull-policy": "string",
    signature: "string",
    "store-only": "boolean",
  },
  run: async (context) => {
    if (context.args.length === 0) throw new EngineError("must provide at least one image");
    const store = new ImageStore(context.dir);
    const images: StoredImage[] = [];
    for (const argument of context.args) images.push(await fetchImage(argument, store, context, "update"));
    const length = context.flags.isSet("full") ? undefined : "sha512-".length + 32;
    context.print(images.map(({ id }) => `${id.slice(0, length)}\n`).join(""));
    return 0;
  },
};

/** From the store where it is known by id or name, else unpacked anew. `usualPolicy`: where none is given. */
export async function fetchImage(
  argument: string,
  store: ImageStore,
  context: Context,
  usualPolicy: PullPolicy,
): Promise<StoredImage> {
  if (isImageHash(argument)) return store.findById(argument);
  const local = parseLocalName(argument);
  if (local !== undefined) return fetchLocalImage(local, store, context);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(argument)?.[1]?.toLowerCase();
  const policy = pullPolicy(context, usualPolicy);
  if (scheme === "docker") return fetchDockerImage(argument, store, context, policy);
  if (scheme === "http" || scheme === "https") return fetchUrl(argument, store, context, policy);
  if (scheme === "file") return importFile(fileURLToPath(argument), store, context);
  if (scheme !== undefined) throw new EngineError(`cannot fetch ${argument}: unsupported scheme "${scheme}"`);
  if (isPath(argument)) return importFile(resolve(argument), store, context);
  return findNamed(argument, store, context);
}

/** rkt takes any other word for the usual one. */
function pullPolicy({ flags }: Context, usual: PullPolicy): PullPolicy {
  if (flags.isSet("store-only")) return "never";
  if (flags.isSet("no-store")) return "update";
  const given = flags.text("pull-policy");
  return given === "never" || given === "new" || given === "update" ? given : usual;
}

function isPath(argument: string): boolean {
  return /^(\/|\.\.?\/)/.test(argument) || argument.endsWith(".aci") || existsSync(argument);
}

async function importFile(file: string, store: ImageStore, context: Context): Promise<StoredImage> {
  context.debug(`using image from file ${file}`);
  if (!context.insecure.has("image")) {
    const signature = `${file}.asc`;
    if (!existsSync(signature)) throw new EngineError(`open ${signature}: no such file or directory`);
    throw new EngineError(`${signature}: signatures are not supported (use --insecure-options=image)`);
  }
  return store.import(file);
}

async function fetchUrl(
  url: string,
  store: ImageStore,
  context: Context,
  policy: PullPolicy,
): Promise<StoredImage> {
  const found = policy === "update" ? undefined : store.findByReference(url);
  if (found) return found;
  if (policy === "never")
    throw new EngineError(
      `unable to fetch image from URL "${url}": either image was not found in the store or store was disabled and fetching from remote yielded nothing or it was disabled`,
    );
  if (!url.toLowerCase().startsWith("https:") && !context.insecure.has("http"))
    throw new EngineError(`cannot fetch ${url}: not over HTTPS (allow it with --insecure-options=http)`);
  return download(url, store, context);
}

async function download(url: string, store: ImageStore, context: Context): Promise<StoredImage> {
  if (!context.insecure.has("image"))
    throw new EngineError(
      `cannot verify ${url}: signatures are not supported (use --insecure-options=image)`,
    );
  const address = URL.parse(url);
  if (address === null) throw new EngineError(`cannot fetch ${url}: no URL`);
  using work = store.workDirectory();
  const file = `${work.path}/download`;
  const fd = openSync(file, "wx");
  const { insecure } = context;
  const what = shownUrl(address);
  const http = new HttpGet({ ...patience, insecure, signal: AbortSignal.timeout(downloadTimeoutMs) });
  try {
    const answer = await http.get({ url: address, headers: {}, authorization: undefined });
    const { status } = answer.response;
    if (status !== 200) throw new EngineError(`bad HTTP status code: ${status}`);
    let size = 0;
    for await (const chunk of http.body(answer, what)) {
      size += chunk.length;
      if (size > downloadBytesMax) throw new EngineError(`${what} is larger than ${downloadBytesMax} bytes`);
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
    }
  } catch (error) {
    throw error instanceof RegistryError ? new EngineError(error.message, { cause: error }) : error;
  } finally {
    closeSync(fd);
  }
  return await store.import(file, url); // not before it is done may the directory go
}

function findNamed(name: string, store: ImageStore, { flags }: Context): StoredImage {
  const policy = flags.text("pull-policy");
  const found = policy === "update" || flags.isSet("no-store") ? undefined : store.findByName(name);
  if (found) return found;
  if (policy === "never" || flags.isSet("store-only"))
    throw new EngineError(
      `unable to fetch image from image name "${name}": either image was not found in the store or store was disabled and fetching from remote yielded nothing or it was disabled`,
    );
  throw new EngineError(
    `cannot fetch "${name}": finding images by name is not supported yet, only files, file:// and https:// are`,
  );
}
