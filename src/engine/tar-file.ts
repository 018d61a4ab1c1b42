// A tar archive in a file, bare or packed, becomes the bare tar.

import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { EngineError } from "./engine-error.ts";
import { decompressed, isPacked } from "./oci/decompress.ts";
import { TarError } from "./tar.ts";

const chunkSize = 256 * 1024;
const xzTimeoutMs = 30 * 60_000;

/** `what` it should be, for messages: `an ACI`. */
export async function* openTarFile(
  file: string,
  what: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const start = Buffer.alloc(512);
  const fd = openSync(file, "r");
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  if (start.subarray(0, 6).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]))) yield* unxz(file, signal);
  else if (isPacked(start) || start.toString("latin1", 257, 262) === "ustar")
    yield* decompressed(createReadStream(file, { highWaterMark: chunkSize }));
  else throw new EngineError(`${file}: not ${what}: neither a tar archive nor one packed by gzip or xz`);
}

async function* unxz(file: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  // Of its own presets none takes more than 65 MiB; the format allows 4 GiB.
  const xz = Bun.spawn(["xz", "-dc", "--memlimit=256MiB"], {
    stdin: Bun.file(file),
    stdout: "pipe",
    stderr: "pipe",
    timeout: xzTimeoutMs,
    killSignal: "SIGKILL",
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    yield* xz.stdout;
    const complaint = (await new Response(xz.stderr).text()).trim();
    if ((await xz.exited) !== 0) throw new TarError(complaint === "" ? "xz failed" : complaint);
  } finally {
    xz.kill("SIGKILL");
  }
}
