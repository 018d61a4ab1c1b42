// What archives of other programs hold: GNU's and pax's ways to say more than a header can.

import { expect, test } from "bun:test";
import { readTar, type TarEntry } from "../../src/engine/tar.ts";
import { tempDir } from "../temp-dir.ts";

async function entriesOf(
  bytes: Uint8Array,
  chunk = 1000,
): Promise<(Omit<TarEntry, "content"> & { text: string })[]> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  }
  const entries: (Omit<TarEntry, "content"> & { text: string })[] = [];
  for await (const { content, ...entry } of readTar(chunks())) {
    const parts: Uint8Array[] = [];
    for await (const part of content()) parts.push(part);
    entries.push({ ...entry, text: Buffer.concat(parts).toString() });
  }
  return entries;
}

test.each(["gnu", "pax", "ustar"])("a %s archive made by tar, in chunks of any size", async (format) => {
  await using dir = await tempDir();
  const long = `${"d".repeat(90)}/${"f".repeat(90)}`;
  await Bun.write(`${dir.path}/in/${long}`, "content");
  const link = format === "ustar" ? "short" : long;
  await Bun.$`ln -s ${link} ${dir.path}/in/link && chown 1000:2000 ${dir.path}/in/${long}`.quiet();
  await Bun.$`tar -C ${dir.path}/in --format=${format} -cf ${dir.path}/x.tar .`.quiet();
  const bytes = await Bun.file(`${dir.path}/x.tar`).bytes();
  for (const chunk of [1, 511, 4096, bytes.length]) {
    const entries = await entriesOf(bytes, chunk);
    expect(entries.find(({ type }) => type === "file")).toMatchObject({
      path: `./${long}`,
      text: "content",
      uid: 1000,
      gid: 2000,
    });
    expect(entries.find(({ type }) => type === "symlink")).toMatchObject({ linkPath: link });
  }
});

test("a binary attribute keeps its bytes", async () => {
  const value = Uint8Array.from([1, 0, 0, 2, 255, 10, 61, 128]);
  const record = Buffer.concat([Buffer.from("SCHILY.xattr.security.capability="), value, Buffer.from("\n")]);
  const pax = Buffer.concat([Buffer.from(`${record.length + 3} `), record]);
  const archive = Buffer.concat([
    header("x", "x", pax.length),
    padded(pax),
    header("ping", "0", 2),
    padded(Buffer.from("hi")),
    Buffer.alloc(1024),
  ]);
  const [entry] = await entriesOf(archive);
  expect(entry).toMatchObject({ path: "ping", text: "hi" });
  expect([...(entry?.xattrs.get("security.capability") ?? [])]).toEqual([...value]);
});

test.each([
  ["size=-1000000", "bad size"],
  ["size=0.5", "bad size"],
  ["uid=-1", "bad uid"],
  ["uid=4294967295", "bad uid"],
  ["gid=4294967296", "bad gid"],
])(
  "regression: %s was taken: what an image may unpack to grew, or its end never came",
  async (record, message) => {
    const pax = Buffer.from(`${record.length + 4} ${record}\n`);
    const archive = [header("x", "x", pax.length), padded(pax), header("f", "0", 0), Buffer.alloc(1024)];
    await expect(entriesOf(Buffer.concat(archive))).rejects.toThrow(message);
  },
);

test("regression: headers without an entry, or for all of them, filled the memory", async () => {
  const large = (type: string, bytes: number) => [
    header("x", type, bytes),
    padded(Buffer.alloc(bytes, "11 a=bcdef\n")),
  ];
  for (const blocks of [large("x", 11 * 60_000), large("L", 700_000), large("g", 11 * 1000)])
    await expect(entriesOf(Buffer.concat([...blocks, ...blocks]))).rejects.toThrow("header is too large");
});

test("a name that is not UTF-8 keeps its bytes", async () => {
  const name = Buffer.from([0x66, 0xe9]).toString("latin1");
  const [entry] = await entriesOf(Buffer.concat([header(name, "0", 0), Buffer.alloc(1024)]));
  expect(entry?.path).toBe(name);
});

test.each([
  ["a checksum that is wrong", () => header("x", "0", 0).fill(0x41, 0, 1), "not a tar archive"],
  ["a type that is unknown", () => header("x", "Z", 0), 'entry of unknown type "Z"'],
  ["no end", () => header("x", "0", 0), "archive is truncated"],
  ["a header of gigabytes", () => header("x", "x", 2 ** 32), "header is too large"],
])("%s is an error", async (_what, make, message) => {
  expect(entriesOf(make())).rejects.toThrow(message);
});

test("an archive without an end is taken where that is said, and not one that ends in the middle", async () => {
  const read = async (bytes: Uint8Array, end?: "any") => {
    const names: string[] = [];
    for await (const { path } of readTar(new Blob([bytes]).stream(), end)) names.push(path);
    return names;
  };
  const archive = Buffer.concat([header("x", "0", 2), padded(Buffer.from("hi"))]);
  expect(await read(archive, "any")).toEqual(["x"]);
  expect(await read(new Uint8Array(), "any")).toEqual([]);
  expect(await read(Buffer.concat([archive, Buffer.alloc(512)]), "any")).toEqual(["x"]);
  expect(read(archive)).rejects.toThrow("archive is truncated");
  expect(read(archive.subarray(0, 600), "any")).rejects.toThrow("archive is truncated");
});

function header(name: string, type: string, size: number): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write(name, 0, "latin1");
  bytes.write("0000644\0", 100);
  bytes.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  bytes.write(" ".repeat(8), 148);
  bytes.write(type, 156);
  bytes.write("ustar\x0000", 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
