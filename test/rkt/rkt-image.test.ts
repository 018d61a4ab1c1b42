import { expect, test } from "bun:test";
import type { ImageId } from "../../src/pod/names.ts";
import { parseFetchedId, parseImageList } from "../../src/rkt/rkt-image.ts";
import { RktOutputError } from "../../src/rkt/rkt-output-error.ts";
import { recording } from "../fakes/recording.ts";

test("image list --format=json: name and version apart, nanoseconds as milliseconds", () => {
  const images = parseImageList(recording("10-fly/043").stdout);
  expect(images).toHaveLength(3);
  expect(images[2]).toEqual({
    id: "sha512-afec53855e9208a62afaa5cec03af213bb4afe866566850cd90576d4fd0a21a4" as ImageId,
    name: "example.com/busybox",
    version: "1.35.0",
    importedAtMs: 1795477673478,
    lastUsedAtMs: 1795477673478,
    sizeBytes: 2131456,
  });
});

test("an empty store is null", () => {
  expect(parseImageList(recording("10-fly/007").stdout)).toEqual([]);
});

test("fetch --full prints the whole id, without it only half, which is of no use", () => {
  expect(parseFetchedId(recording("10-fly/022").stdout)).toBe(
    "sha512-54ef5064d037f28f5b2f5dc5089c97bf4836fcfd48ac6beffdfc8a6c204a820f" as ImageId,
  );
  expect(() => parseFetchedId(recording("10-fly/021").stdout)).toThrow(RktOutputError);
  expect(() => parseFetchedId("")).toThrow(RktOutputError);
});
