import { expect, test } from "bun:test";
import { PodManifestError } from "../../src/rkt/pod-manifest-error.ts";
import { appUser } from "../../src/rkt/user.ts";
import vectors from "./fixtures/user-group.json";

function userOf(user: string, group: string) {
  const app = { user, group };
  return appUser({ acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/x", app });
}

// The cases with a security context wait for the fields that they need.
const withoutContext = vectors.filter(({ ctx, podctx, extra }) => !ctx && !podctx && !extra);

test.each(withoutContext)('kubelet: user "$image.user", group "$image.group"', (vector) => {
  expect(userOf(vector["image.user"], vector["image.group"])).toEqual({
    user: vector.user ?? "",
    group: vector.group ?? "",
  });
});

test("a user without a group is an error", () => {
  expect(() => userOf("7", "")).toThrow(
    new PodManifestError('cannot determine the GID of the app "example.com/x"'),
  );
});

test("an image without an app runs as root", () => {
  expect(appUser({ acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/x" })).toEqual({
    user: "0",
    group: "0",
  });
});
