import { describe, expect, test } from "bun:test";
import type { AppcImageManifest } from "../../src/rkt/appc.ts";
import { appEnvironment, containerVariables } from "../../src/rkt/environment.ts";
import { appExec } from "../../src/rkt/exec.ts";
import { PodManifestError } from "../../src/rkt/pod-manifest-error.ts";
import vectors from "./fixtures/exec-merge.json";
import { variable } from "./resolved.ts";

type Words = readonly string[] | null;

function exec(entrypoint: Words, cmd: Words, image: Words, command: Words, args: Words): readonly string[] {
  const annotations = Object.entries({ entrypoint, cmd }).flatMap(([name, words]) =>
    words === null ? [] : [{ name: `appc.io/docker/${name}`, value: JSON.stringify(words) }],
  );
  return appExec(
    imageManifest({ app: { exec: image, user: "0", group: "0" }, annotations }),
    { command: command ?? [], args: args ?? [] },
    new Map([["VAR", "value"]]),
  );
}

function imageManifest(fields: Partial<AppcImageManifest>): AppcImageManifest {
  return { acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/x", ...fields };
}

test.each(vectors)("kubelet: $entrypoint $cmd, $command $args", (vector) => {
  expect(exec(vector.entrypoint, vector.cmd, vector["image.exec"], vector.command, vector.args)).toEqual(
    vector.exec,
  );
});

test.each<[string, Words, Words, Words, Words, Words, Words]>([
  ["command drops CMD", ["/ep"], ["c1"], ["/ep", "c1"], ["/u"], null, ["/u"]],
  ["command and args replace both", ["/ep"], ["c1"], ["/ep", "c1"], ["/u"], ["a"], ["/u", "a"]],
  ["command alone on an ACI", null, null, ["/img", "x"], ["/u"], null, ["/u"]],
  ["args replace CMD where there is no ENTRYPOINT", null, ["c1"], ["c1"], null, ["a"], ["a"]],
  ["command and args are expanded", null, null, ["/img"], ["/$(VAR)"], ["$$(VAR)"], ["/value", "$(VAR)"]],
  ["the image's own words are not", ["/$(VAR)"], null, ["/$(VAR)"], null, null, ["/$(VAR)"]],
])("%s", (_what, entrypoint, cmd, image, command, args, expected) => {
  expect(exec(entrypoint, cmd, image, command, args)).toEqual(expected ?? []);
});

test.each(["not JSON", "{}", "[1]"])("an annotation that says %s is an error", (value) => {
  const image = imageManifest({ annotations: [{ name: "appc.io/docker/entrypoint", value }] });
  expect(() => appExec(image, { command: [], args: [] }, new Map())).toThrow(PodManifestError);
});

describe("environment", () => {
  test("a value is expanded by the variables before it, never by those after", () => {
    const env = [
      variable("FOO", "bar"),
      variable("ZOO", "$(FOO)-1"),
      variable("BLU", "$(ZOO)-2"),
      variable("EARLY", "$(LATE)"),
      variable("LATE", "x"),
    ];
    expect(Object.fromEntries(containerVariables(env))).toEqual({
      FOO: "bar",
      ZOO: "bar-1",
      BLU: "bar-1-2",
      EARLY: "$(LATE)",
      LATE: "x",
    });
  });

  test("the image's come first, overridden in place; of one name the last counts", () => {
    const image = [
      { name: "PATH", value: "/bin" },
      { name: "HOME", value: "/root" },
    ];
    const env = [variable("NEW", "1"), variable("PATH", "/usr/bin"), variable("NEW", "2")];
    expect(appEnvironment(image, containerVariables(env))).toEqual([
      { name: "PATH", value: "/usr/bin" },
      { name: "HOME", value: "/root" },
      { name: "NEW", value: "2" },
    ]);
  });
});
