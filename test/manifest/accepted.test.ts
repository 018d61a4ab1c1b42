// Records of what was accepted, also those of other versions.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { anything, assert, object, oneof, property, string } from "fast-check";
import { parseAcceptedPod } from "../../src/manifest/accepted.ts";
import { validateFile } from "../../src/manifest/validate-file.ts";
import { serializeAcceptedPod } from "../../src/pod/desired.ts";
import { minimalPod, options, podFrom } from "./pod-manifest.ts";

const good = `${import.meta.dir}/fixtures/good`;

test.each(readdirSync(good))("the pods of %s come back as they were", (name) => {
  const { content } = validateFile(`/m/${name}`, readFileSync(`${good}/${name}`, "utf8"), options);
  for (const pod of content.pods) {
    expect(parseAcceptedPod(serializeAcceptedPod(pod))).toEqual({ pod });
  }
});

test("uid and hash are the record's, whatever would be made of the file now", () => {
  const record = { ...podFrom(minimalPod("web")), specHash: "of another version" };
  const parsed = parseAcceptedPod(JSON.stringify(record));
  expect(parsed.pod?.specHash as string).toBe("of another version");
});

test("a field that this version does not know is a reason", () => {
  const { wire, ...rest } = podFrom(minimalPod("web"));
  const parsed = parseAcceptedPod(
    JSON.stringify({ ...rest, wire: { ...wire, spec: { ...Object(wire.spec), fromTheFuture: 1 } } }),
  );
  expect(parsed).toEqual({ pod: undefined, reason: expect.stringContaining("fromTheFuture") });
});

test("anything else is a reason, never an exception", () => {
  const part = oneof(anything(), object(), string());
  assert(
    property(part, part, part, (wire, source, whole) => {
      for (const record of [
        whole,
        { uid: "u", specHash: "h", wire, source },
        { uid: "u", specHash: "h", wire, source: { file: "/m/a", document: 0 } },
      ]) {
        expect(parseAcceptedPod(JSON.stringify(record) ?? "").pod).toBeUndefined();
      }
      expect(parseAcceptedPod(String(JSON.stringify(whole)).slice(1)).pod).toBeUndefined();
    }),
  );
});
