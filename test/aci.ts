// Makes appc images (ACI files) for tests, demo and benchmarks, of what the machine has: Debian's busybox-static.

import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Header, pack } from "tar-stream";

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
  readonly entries?: readonly (Partial<Header> & { readonly name: string; readonly content?: string })[];
  readonly compression?: "gzip" | "none";
}

const applets = [
  "sh",
  "sleep",
  "echo",
  "cat",
  "ls",
  "ps",
  "id",
  "env",
  "pwd",
  "hostname",
  "kill",
  "grep",
  "wc",
  "true",
  "false",
  "httpd",
  "nc",
  "seq",
  "date",
  "touch",
  "mkdir",
  "stat",
  "test",
  "wget",
  "yes",
  "dd",
  "head",
  "tail",
  "tr",
];

/** Writes an image with a static busybox in /bin to `file`. */
export async function writeAci(file: string, options: AciOptions = {}): Promise<void> {
  const tar = pack();
  const written = pipeline(
    options.compression === "none"
      ? [tar, createWriteStream(file)]
      : [tar, createGzip({ level: 1 }), createWriteStream(file)],
  );
  tar.entry({ name: "manifest" }, options.manifest ?? JSON.stringify(imageManifest(options)));
  tar.entry({ name: "rootfs", type: "directory", mode: 0o755 });
  for (const directory of ["bin", "etc", "tmp", "dev", "proc", "sys", "run", "root"]) {
    tar.entry({ name: `rootfs/${directory}`, type: "directory", mode: directory === "tmp" ? 0o1777 : 0o755 });
  }
  tar.entry({ name: "rootfs/bin/busybox", mode: 0o755 }, await readFile("/bin/busybox"));
  for (const applet of applets)
    tar.entry({ name: `rootfs/bin/${applet}`, type: "symlink", linkname: "busybox" });
  tar.entry({ name: "rootfs/etc/passwd" }, "root:x:0:0:root:/root:/bin/sh\nweb:x:100:101::/:/bin/sh\n");
  tar.entry({ name: "rootfs/etc/group" }, "root:x:0:\nweb:x:101:\nextra:x:102:\n");
  for (const { content, ...header } of options.entries ?? []) tar.entry(header, content ?? "");
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
