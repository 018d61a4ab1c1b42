import { describe, expect, test } from "bun:test";
import { PodManifestError } from "../../src/rkt/pod-manifest-error.ts";
import { appUser, type UserOptions } from "../../src/rkt/user.ts";
import { plainContainer, plainPodSpec } from "../plain-pod.ts";
import vectors from "./fixtures/user-group.json";

interface Asked {
  readonly user: string;
  readonly group?: string;
  readonly gids?: readonly number[] | null;
  readonly pod?: Partial<UserOptions["pod"]> | null;
  readonly container?: Partial<UserOptions["container"]> | null;
  readonly isBuiltin?: boolean;
}

function userOf({ user, group = "", gids = null, pod, container, isBuiltin = false }: Asked) {
  const app = { user, group, ...(gids === null ? {} : { supplementaryGIDs: gids }) };
  return appUser(
    { acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/x", app },
    {
      pod: { ...plainPodSpec.securityContext, ...pod },
      container: { ...plainContainer.securityContext, ...container },
      isBuiltin,
    },
  );
}

// Different from the kubelet:
// - An image without a user is refused by runAsNonRoot, as one whose user is "root": the kubelet ran both as root.
// - `extra` are groups of network file systems' volumes, which there are none of here.
const holes = vectors.filter(({ ctx, err }) => ctx?.runAsNonRoot === true && err === null);
test.each(vectors.filter((vector) => !holes.includes(vector)))("kubelet: case %#", (vector) => {
  const asked = () =>
    userOf({
      user: vector["image.user"],
      group: vector["image.group"],
      gids: vector["image.gids"],
      pod: vector.podctx,
      container: vector.ctx,
    });
  if (vector.err !== null) expect(asked).toThrow(new PodManifestError(vector.err));
  else {
    const gids = vector.gids?.filter((gid) => !vector.extra?.includes(gid));
    const { user = "", group = "" } = vector;
    expect(asked()).toEqual({ user, group, ...(gids ? { supplementaryGIDs: gids } : {}) });
  }
});

describe("runAsNonRoot", () => {
  const willRunAsRoot = "container has no runAsUser and image will run as root";

  test("the kubelet's holes are closed", () => {
    expect(holes.length).toBeGreaterThan(0);
  });

  test.each(["", "0", "00", "root"])("refuses an image of user %j", (user) => {
    expect(() => userOf({ user, group: "0", container: { runAsNonRoot: true } })).toThrow(
      new PodManifestError(willRunAsRoot),
    );
  });

  test.each<[string, Asked]>([
    ["another user of the image", { user: "7", group: "8", container: { runAsNonRoot: true } }],
    ["runAsUser", { user: "0", group: "0", container: { runAsNonRoot: true, runAsUser: 5 } }],
    ["the pod's runAsUser", { user: "0", group: "0", pod: { runAsNonRoot: true, runAsUser: 5 } }],
    [
      "the container's no to the pod's yes",
      { user: "0", group: "0", pod: { runAsNonRoot: true }, container: { runAsNonRoot: false } },
    ],
  ])("is content with %s", (_what, asked) => {
    expect(() => userOf(asked)).not.toThrow();
  });

  test("refuses uid 0, whoever asks for it", () => {
    const policy = new PodManifestError("container's runAsUser breaks non-root policy");
    expect(() => userOf({ user: "7", group: "8", pod: { runAsNonRoot: true, runAsUser: 0 } })).toThrow(
      policy,
    );
    expect(() =>
      userOf({ user: "7", group: "8", pod: { runAsNonRoot: true }, container: { runAsUser: 0 } }),
    ).toThrow(policy);
  });

  // Later kubelets refuse it in any case, v1.5 let it pass. The engine looks the name up, and knows.
  test("refuses a name that a real rkt would look up, be it root's by another", () => {
    const asked = { user: "nginx", group: "nginx", pod: { runAsNonRoot: true } };
    expect(() => userOf(asked)).toThrow(
      new PodManifestError(
        "container has runAsNonRoot and image has non-numeric user (nginx), cannot verify user is non-root",
      ),
    );
    expect(userOf({ ...asked, isBuiltin: true })).toEqual({ user: "nginx", group: "nginx" });
  });
});

test.each<[string, Asked, { user: string; group: string; supplementaryGIDs?: number[] }]>([
  [
    "runAsUser replaces the user, not the group",
    { user: "7", group: "8", container: { runAsUser: 5 } },
    { user: "5", group: "8" },
  ],
  [
    "the container's before the pod's",
    { user: "", group: "8", pod: { runAsUser: 5, runAsGroup: 6 }, container: { runAsUser: 9 } },
    { user: "9", group: "6" },
  ],
  [
    "runAsGroup for an image without one",
    { user: "", pod: { runAsUser: 5 }, container: { runAsGroup: 6 } },
    { user: "5", group: "6" },
  ],
  [
    "runAsGroup alone: root of that group",
    { user: "", container: { runAsGroup: 6 } },
    { user: "0", group: "6" },
  ],
  [
    "groups of the pod replace the image's",
    { user: "7", group: "8", gids: [1, 2], pod: { supplementalGroups: [3], fsGroup: 9 } },
    { user: "7", group: "8", supplementaryGIDs: [3, 9] },
  ],
  [
    "fsGroup alone",
    { user: "7", group: "8", gids: [1, 2], pod: { fsGroup: 9 } },
    { user: "7", group: "8", supplementaryGIDs: [9] },
  ],
  [
    "an empty list is a list",
    { user: "7", group: "8", gids: [1, 2], pod: { supplementalGroups: [] } },
    { user: "7", group: "8", supplementaryGIDs: [] },
  ],
])("%s", (_what, asked, expected) => {
  expect(userOf(asked)).toEqual(expected);
});

test("a user without a group is an error", () => {
  const message = 'cannot determine the GID of the app "example.com/x"';
  expect(() => userOf({ user: "7" })).toThrow(new PodManifestError(message));
});

// Different from the kubelet, for which any securityContext of the pod's, be it empty, takes the image's groups away: a Pod whose
// securityContext names no groups says nothing of them.
test("the image's groups are kept where the pod names none", () => {
  expect(userOf({ user: "7", group: "8", gids: [1, 2], pod: { runAsNonRoot: true } })).toEqual({
    user: "7",
    group: "8",
    supplementaryGIDs: [1, 2],
  });
});
