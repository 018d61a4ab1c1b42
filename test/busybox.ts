// A small root file system of what the machine has, Debian's busybox-static: what the tests' images are made of.

import { readFile } from "node:fs/promises";
import type { Header } from "tar-stream";

export type TarEntry = Partial<Header> & { readonly name: string; readonly content?: string | Uint8Array };

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

/** Names without a slash before them. */
export async function busyboxEntries(): Promise<readonly TarEntry[]> {
  return [
    ...["bin", "etc", "tmp", "dev", "proc", "sys", "run", "root"].map((name) => ({
      name,
      type: "directory" as const,
      mode: name === "tmp" ? 0o1777 : 0o755,
    })),
    { name: "bin/busybox", mode: 0o755, content: await readFile("/bin/busybox") },
    ...applets.map((name) => ({ name: `bin/${name}`, type: "symlink" as const, linkname: "busybox" })),
    { name: "etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\nweb:x:100:101::/:/bin/sh\n" },
    { name: "etc/group", content: "root:x:0:\nweb:x:101:\nextra:x:102:\n" },
  ];
}
