// Makes OCI images by hand, for tests: a layout directory (image-spec v1, image-layout.md) with whatever layers are asked for.

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { pack } from "tar-stream";
import { busyboxEntries, type TarEntry } from "./busybox.ts";

export interface OciLayer {
  readonly entries: readonly TarEntry[];
  readonly compression?: "gzip" | "zstd" | "none";
}

export interface OciImage {
  /** The tag in the layout. */
  readonly tag: string;
  /** One layer of busybox unless told. */
  readonly layers?: readonly OciLayer[];
  /** The image's `config`: Entrypoint, Cmd, Env, User, WorkingDir, ExposedPorts, Volumes … */
  readonly config?: object;
  /** An index of one image an architecture, all alike but for the file /etc/arch; else one image, of this machine's. */
  readonly architectures?: readonly string[];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

const mediaTypes = {
  config: "application/vnd.oci.image.config.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  layer: {
    none: "application/vnd.oci.image.layer.v1.tar",
    gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
    zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  },
} as const;

const thisArchitecture = process.arch === "arm64" ? "arm64" : "amd64";

/** Writes a new layout of these images into `dir`, which it makes. */
export async function writeOciLayout(dir: string, images: readonly OciImage[]): Promise<void> {
  await mkdir(`${dir}/blobs/sha256`, { recursive: true });
  const manifests: Descriptor[] = [];
  for (const image of images)
    manifests.push({
      ...(await writeImage(dir, image)),
      annotations: { "org.opencontainers.image.ref.name": image.tag },
    });
  await writeFile(`${dir}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(`${dir}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));
}

async function writeImage(dir: string, image: OciImage): Promise<Descriptor> {
  if (image.architectures === undefined) return writeManifest(dir, image, thisArchitecture);
  const manifests: Descriptor[] = [];
  for (const architecture of image.architectures) {
    const mark = { entries: [{ name: "etc/arch", content: architecture }] };
    const layers = [...(image.layers ?? [{ entries: await busyboxEntries() }]), mark];
    const manifest = await writeManifest(dir, { ...image, layers }, architecture);
    manifests.push({ ...manifest, platform: { architecture, os: "linux" } });
  }
  return writeJson(dir, mediaTypes.index, { schemaVersion: 2, mediaType: mediaTypes.index, manifests });
}

async function writeManifest(dir: string, image: OciImage, architecture: string): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  const diffIds: string[] = [];
  for (const { entries, compression = "gzip" } of image.layers ?? [{ entries: await busyboxEntries() }]) {
    const tar = await tarOf(entries);
    diffIds.push(digestOf(tar));
    const blob =
      compression === "gzip"
        ? gzipSync(tar, { level: 1 })
        : compression === "zstd"
          ? zstdCompressSync(tar)
          : tar;
    layers.push(await writeBlob(dir, mediaTypes.layer[compression], blob));
  }
  const config = await writeJson(dir, mediaTypes.config, {
    architecture,
    os: "linux",
    config: image.config ?? { Cmd: ["/bin/sh"] },
    rootfs: { type: "layers", diff_ids: diffIds },
  });
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
  return writeJson(dir, mediaTypes.manifest, manifest);
}

async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries)
    tar.entry({ mtime: new Date(0), ...header }, Buffer.from(content ?? ""));
  tar.finalize();
  return buffer(tar);
}

function writeJson(dir: string, mediaType: string, value: object): Promise<Descriptor> {
  return writeBlob(dir, mediaType, Buffer.from(JSON.stringify(value)));
}

async function writeBlob(dir: string, mediaType: string, content: Uint8Array): Promise<Descriptor> {
  const digest = digestOf(content);
  await writeFile(`${dir}/blobs/${digest.replace(":", "/")}`, content);
  return { mediaType, digest, size: content.length };
}

function digestOf(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
