import { describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { appProcess } from "../../src/engine/app-process.ts";
import { capabilityBits } from "../../src/engine/capabilities.ts";
import { resolveInRoot } from "../../src/engine/in-root.ts";
import { defaultCapabilities } from "../../src/pod/capabilities.ts";
import type { AppcApp } from "../../src/rkt/appc.ts";
import { tempDir } from "../temp-dir.ts";

async function withRoot<T>(use: (root: string) => T): Promise<T> {
  await using dir = await tempDir();
  const root = `${dir.path}/root`;
  for (const name of ["", "/etc", "/bin", "/opt", "/srv"]) mkdirSync(root + name);
  writeFileSync(`${root}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\nweb:x:100:101::/home/web:\nbad line\n");
  writeFileSync(`${root}/etc/group`, "root:x:0:\nweb:x:101:\n");
  writeFileSync(`${root}/bin/tool`, "", { mode: 0o755 });
  writeFileSync(`${root}/opt/owned`, "");
  chownSync(`${root}/opt/owned`, 7, 8);
  return use(root);
}

function processOf(root: string, change: Partial<AppcApp> = {}, insecure: readonly string[] = []) {
  const app: AppcApp = { exec: ["/bin/tool"], user: "0", group: "0", ...change };
  return appProcess({ name: "x", image: { id: "sha512-0" }, app }, root, new Set(insecure));
}

test.each([
  ["0", "0", { uid: 0, gid: 0 }, { USER: "root", HOME: "/root" }],
  ["web", "web", { uid: 100, gid: 101 }, { USER: "web", HOME: "/home/web", SHELL: "/bin/sh" }],
  ["100", "5", { uid: 100, gid: 5 }, { USER: "web" }],
  ["4242", "0", { uid: 4242, gid: 0 }, { HOME: "/" }],
  ["/opt/owned", "/opt/owned", { uid: 7, gid: 8 }, { HOME: "/" }],
])("user %s and group %s are the image's", (user, group, ids, environment) => {
  return withRoot((root) => {
    const made = processOf(root, { user, group });
    expect(made).toMatchObject(ids);
    expect(Object.fromEntries(made.environment)).toMatchObject(environment);
    if (!("USER" in environment)) expect(made.environment.has("USER")).toBe(false);
  });
});

test.each([
  [{ user: "nobodyhere" }, '"nobodyhere" user not found'],
  [{ group: "nobodyhere" }, '"nobodyhere" group not found'],
  [{ user: "/none" }, '"/none" is not in the image, so its owner is not known'],
  [{ exec: [] }, 'app "x" has nothing to execute'],
])("%j is an error", (change, message) => {
  return withRoot((root) => expect(() => processOf(root, change)).toThrow(message));
});

test("an app that must not run as root, by whatever name", () => {
  const appOf = (user: string) => ({
    name: "x",
    image: { id: "sha512-0" },
    app: { exec: ["/bin/tool"], user, group: "0" },
    annotations: [{ name: "gantry.io/run-as-non-root", value: "true" }],
  });
  return withRoot((root) => {
    writeFileSync(`${root}/etc/passwd`, "toor:x:0:0::/:\nweb:x:100:101::/home/web:\n");
    expect(() => appProcess(appOf("toor"), root, new Set())).toThrow(
      'app "x" must not run as root, and user "toor" of its image is',
    );
    expect(appProcess(appOf("web"), root, new Set()).uid).toBe(100);
  });
});

test.each([
  [{ user: "4294967295" }, 4294967295],
  [{ user: "4294967296" }, 4294967296],
  [{ user: "big" }, 4294967296],
  [{ user: "web", group: "4294967295" }, 4294967295],
  [{ user: "web", supplementaryGIDs: [4294967296] }, 4294967296],
])("regression: %j, too large for the kernel, came out as root", (change, id) => {
  return withRoot((root) => {
    writeFileSync(`${root}/etc/passwd`, "web:x:100:101::/:\nbig:x:4294967296:1::/:\n");
    expect(() => processOf(root, change)).toThrow(`app "x" has a user or group ${id}, which cannot be`);
  });
});

test("the app's own environment wins", () => {
  return withRoot((root) => {
    const environment = [
      { name: "HOME", value: "/mine" },
      { name: "A", value: "1" },
      { name: "A", value: "2" },
    ];
    expect(Object.fromEntries(processOf(root, { environment }).environment)).toEqual({
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      AC_APP_NAME: "x",
      USER: "root",
      LOGNAME: "root",
      SHELL: "/bin/sh",
      HOME: "/mine",
      A: "2",
    });
  });
});

test.each([
  ["/any/thing", "/any/thing"],
  ["tool", "/bin/tool"],
  ["absent", "/absent"],
  ["./run", "/srv/./run"],
])("the program %s is %s", (program, path) => {
  return withRoot((root) => {
    expect(processOf(root, { exec: [program, "a"], workingDirectory: "/srv" }).argv).toEqual([path, "a"]);
  });
});

describe("capabilities", () => {
  const set = (which: string, ...names: string[]) => ({
    name: `os/linux/capabilities-${which}-set`,
    value: { set: names },
  });
  test.each([
    ["rkt's default", [], defaultCapabilities],
    ["what is retained", [set("retain", "NET_ADMIN", "CAP_kill")], ["CAP_NET_ADMIN", "CAP_KILL"]],
    [
      "the default less what is removed",
      [set("remove", "CAP_MKNOD")],
      defaultCapabilities.filter((name) => name !== "CAP_MKNOD"),
    ],
    ["both", [set("retain", "CAP_KILL", "CAP_MKNOD"), set("remove", "CAP_MKNOD")], ["CAP_KILL"]],
    ["none", [set("retain")], []],
  ])("%s", (_what, isolators, expected) => {
    return withRoot((root) => expect(processOf(root, { isolators }).capabilities).toEqual(expected));
  });

  test("all, when the caller switched them off", () => {
    return withRoot((root) => expect(processOf(root, {}, ["capabilities"]).capabilities).toBeUndefined());
  });

  test("the default is the mask that rkt 1.30 was seen to set", () => {
    expect(capabilityBits(defaultCapabilities)).toBe(0xa80425fbn);
  });
});

test("files of an image are found as from inside", () => {
  return withRoot((root) => {
    symlinkSync("/etc", `${root}/srv/abs`);
    symlinkSync("../../../../../../etc/passwd", `${root}/srv/up`);
    symlinkSync("loop", `${root}/srv/loop`);
    expect(resolveInRoot(root, "/srv/abs/group")).toBe(`${root}/etc/group`);
    expect(resolveInRoot(root, "/srv/up")).toBe(`${root}/etc/passwd`);
    expect(resolveInRoot(root, "/srv/loop")).toBeUndefined();
    expect(resolveInRoot(root, "/srv/none")).toBeUndefined();
  });
});
