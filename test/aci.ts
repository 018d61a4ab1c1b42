// Makes appc images (ACI files) for tests, demo and benchmarks.

import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { busyboxEntries, type TarEntry } from "./busybox.ts";

export interface AciOptions {
  /** `example.com/busybox`. */
  readonly name?: string;
  readonly version?: string;
  /** The manifest's `app`; null for none. */
  readonly app?: object | null;
  readonly annotations?: readonly { readonly name: string; readonly value: string }[];
  /** Taken instead of the whole manifest. */
  readonly manifest?: string;
  /** Entries after the usual ones, written as they are. */
  readonly entries?: readonly TarEntry[];
  readonly compression?: "gzip" | "none";
}

/** Writes an image with a static busybox in /bin to `file`. */
export async function writeAci(file: string, options: AciOptions = {}): Promise<void> {
  const tar = pack();
  const written = pipeline(
    options.compression === "none"
      ? [tar, createWriteStream(file)]
      : [tar, createGzip({ level: 1 }), createWriteStream(file)],
  );
  const rootfs = (await busyboxEntries()).map((entry) => ({ ...entry, name: `rootfs/${entry.name}` }));
  tar.entry({ name: "manifest" }, options.manifest ?? JSON.stringify(imageManifest(options)));
  tar.entry({ name: "rootfs", type: "directory", mode: 0o755 });
  for (const { content, ...header } of [...rootfs, ...(options.entries ?? [])])
    tar.entry(header, Buffer.from(content ?? ""));
  tar.finalize();
  await written;
}

function imageManifest(options: AciOptions): object {
  const app = options.app === undefined ? { exec: ["/bin/sh"], user: "0", group: "0" } : options.app;
  return {
    acKind: "ImageManifest",
    acVersion: "0.8.11",
    name: options.name ?? "example.com/busybox",
    labels: [
      { name: "version", value: options.version ?? "1.35.0" },
      { name: "os", value: "linux" },
      { name: "arch", value: process.arch === "arm64" ? "aarch64" : "amd64" },
    ],
    ...(app === null ? {} : { app }),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  };
}
