// prepare, and what is told of a pod before it runs.

import { describe, expect, test } from "bun:test";
import { normalized, type RktArgv, recorded, rktWorld, text } from "./rkt-command-line-world.ts";

const unknownId = `sha512-${"0".repeat(128)}`;

export function describePrepare(argv: RktArgv): void {
  describe("prepare", () => {
    test("a pod of an image: by path, by name, by id; the UUID is all that is printed", async () => {
      await using world = await rktWorld(argv);
      for (const image of ["busybox.aci", "example.com/busybox", await world.fetch("busybox.aci")])
        expect(
          normalized(
            await world.rkt("prepare", "--quiet", "--stage1-name=coreos.com/rkt/stage1-fly:1.30.0", image),
          ),
        ).toEqual(recorded("10-fly/063"));
    });

    test("a pod manifest", async () => {
      await using world = await rktWorld(argv);
      expect(await world.prepare({ sleeper: "true" })).toMatch(/^[0-9a-f-]{36}$/);
    });

    test.each([
      ["an unknown image id", "10-fly/068", ["prepare", "--quiet", `sha512-${"0".repeat(64)}`]],
      ["one image twice", "10-fly/075", ["prepare", "--quiet", "busybox.aci", "busybox.aci"]],
      [
        "a manifest that is not there",
        "10-fly/099",
        ["prepare", "--quiet", "--pod-manifest=/nonexistent.json"],
      ],
      ["a manifest and an image", "10-fly/100", ["prepare", "--quiet", "--pod-manifest=x", "busybox.aci"]],
      [
        "a manifest and a volume",
        "10-fly/101",
        ["prepare", "--quiet", "--pod-manifest=x", "--volume", "a,kind=empty"],
      ],
    ])("%s is refused", async (_what, name, args) => {
      await using world = await rktWorld(argv);
      expect(normalized(await world.rkt(...args))).toEqual(recorded(name));
    });

    const app = { exec: ["/bin/true"], user: "0", group: "0" };
    const withApp = (change: object) => ({
      apps: [{ name: "x", image: { id: "ID" }, app: { ...app, ...change } }],
    });
    test.each([
      ["an unknown id", "10-fly/079", { apps: [{ name: "x", image: { id: unknownId }, app }] }],
      ["an id of another kind", "10-fly/080", { apps: [{ name: "x", image: { id: "md5-00" }, app }] }],
      ["half a file", "10-fly/081", '{"acVersion":"0.8.11","acKind":"PodMani'],
      ["another kind of JSON", "10-fly/082", { a: 1, acKind: undefined }],
      ["an empty file", "10-fly/083", ""],
      ["the wrong kind", "10-fly/084", { acKind: "ImageManifest" }],
      ["a bad version", "10-fly/085", { acVersion: "x", apps: [] }],
      ["a bad app name", "10-fly/086", { apps: [{ name: "Bad_Name", image: { id: "ID" }, app }] }],
      ["no user", "10-fly/089", withApp({ user: "" })],
      [
        "a bad isolator",
        "10-fly/091",
        withApp({ isolators: [{ name: "resource/memory", value: { limit: "lots" } }] }),
      ],
      ["no image id", "10-fly/092", { apps: [{ name: "x", image: { name: "example.com/busybox" }, app }] }],
    ])(
      "a manifest with %s is refused; unlike rkt, no aborted pod stays behind",
      async (_what, name, part) => {
        await using world = await rktWorld(argv);
        const id = await world.fetch("busybox.aci");
        const file = await world.writeManifest(typeof part === "string" ? {} : part);
        const content =
          typeof part === "string"
            ? part
            : (await Bun.file(file).text()).replaceAll('"ID"', JSON.stringify(id));
        await Bun.write(file, content);
        expect(normalized(await world.rkt("prepare", "--quiet", `--pod-manifest=${file}`))).toEqual(
          recorded(name),
        );
        // rkt leaves one for each, and each then spoils the list. Nothing needs it.
        expect((await world.rkt("list", "--no-legend")).stdout).toBe("\n");
      },
    );

    test.each([
      ["a relative program", withApp({ exec: ["true"] })],
      ["no apps", { apps: [] }],
      ["a mount without a volume", withApp({ mountPoints: [{ name: "v", path: "/v" }] })],
    ])("a manifest with %s is accepted", async (_what, part) => {
      await using world = await rktWorld(argv);
      const id = await world.fetch("busybox.aci");
      const uuid = await world.prepareManifest(
        JSON.parse(JSON.stringify(part).replaceAll('"ID"', JSON.stringify(id))),
      );
      expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
    });

    test("an app without an app section is the image's own; unlike rkt, lists survive it", async () => {
      await using world = await rktWorld(argv);
      const id = await world.fetch("busybox.aci");
      const uuid = await world.prepareManifest({
        apps: [{ name: "x", image: { name: "example.com/busybox", id } }],
      });
      expect(normalized(await world.rkt("list"))).toEqual(recorded("10-fly/094"));
      // rkt panics here, and on every list of all pods.
      expect((await world.rkt("status", "--format=json", uuid)).exitCode).toBe(0);
    });

    test("list and status of a prepared pod", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper: "true" });
      expect(normalized(await world.rkt("status", uuid))).toEqual(recorded("10-fly/108"));
      expect(normalized(await world.rkt("status", "--format=json", uuid))).toEqual(recorded("10-fly/109"));
      expect(normalized(await world.rkt("status", "--format=json-pretty", uuid.slice(0, 8)))).toEqual(
        recorded("10-fly/110"),
      );
      const { stdout } = normalized(await world.rkt("list", "--format=json"));
      expect(`${stdout.slice(1, -2)}\n`).toBe(recorded("10-fly/109").stdout);
    });

    test("a pod of several apps has a line for each", async () => {
      await using world = await rktWorld(argv);
      await world.prepare({ main: "true", quick: "true", ok: "true" });
      expect(normalized(await world.rkt("list"))).toEqual(recorded("30-host-multi-app/003"));
    });

    test("cat-manifest tells what was prepared", async () => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ web: "echo <&>" });
      const { stdout } = await world.rkt("cat-manifest", "--pretty-print=false", uuid);
      const written = JSON.stringify(await Bun.file(`${world.path}/pod.json`).json());
      expect(JSON.parse(stdout)).toEqual(JSON.parse(written));
      expect(stdout).toContain("echo \\u003c\\u0026\\u003e");
      expect((await world.rkt("cat-manifest", uuid)).stdout).toStartWith(
        '{\n\t"acVersion": "0.8.11",\n\t"acKind": "PodManifest",\n\t"volumes": null,\n',
      );
    });

    test.each([
      ["enter", "10-fly/116", ["enter", "--app=sleeper"], ["/bin/true"]],
      ["stop", "10-fly/117", ["stop"], []],
    ])("%s of a prepared pod", async (_what, name, before, after) => {
      await using world = await rktWorld(argv);
      const uuid = await world.prepare({ sleeper: "true" });
      expect(normalized(await world.rkt(...before, uuid, ...after))).toEqual(recorded(name));
    });

    test.each([
      ["status", "10-fly/008", ["status", "deadbeef-dead-beef-dead-beefdeadbeef"]],
      ["status of no UUID", "10-fly/010", ["status", "nonsense"]],
      ["cat-manifest", "10-fly/011", ["cat-manifest", "deadbeef-dead-beef-dead-beefdeadbeef"]],
      ["stop", "10-fly/012", ["stop", "deadbeef-dead-beef-dead-beefdeadbeef"]],
      ["rm", "10-fly/013", ["rm", "deadbeef-dead-beef-dead-beefdeadbeef"]],
      ["rm of no UUID", "10-fly/014", ["rm", "nonsense"]],
      ["enter", "10-fly/015", ["enter", "--app=x", "deadbeef-dead-beef-dead-beefdeadbeef", "/bin/true"]],
      ["run-prepared", "10-fly/016", ["run-prepared", "deadbeef-dead-beef-dead-beefdeadbeef"]],
    ])("%s of an unknown pod", async (_what, name, args) => {
      await using world = await rktWorld(argv);
      expect(normalized(await world.rkt(...args))).toEqual(recorded(name));
    });

    test("the start of a UUID that two pods have is ambiguous, an empty one is none", async () => {
      await using world = await rktWorld(argv);
      // Of 17 pods two begin with the same digit.
      await world.fetch("busybox.aci");
      const uuids: string[] = [];
      while (uuids.length < 17) uuids.push(text(await world.rkt("prepare", "example.com/busybox")));
      const digit =
        [..."0123456789abcdef"].find((c) => uuids.filter((uuid) => uuid.startsWith(c)).length > 1) ?? "";
      const matches = uuids.filter((uuid) => uuid.startsWith(digit)).length;
      expect(await world.rkt("status", digit)).toEqual({
        stdout: "",
        stderr: `status: problem retrieving pod: ambiguous uuid, ${matches} matches\n`,
        exitCode: 254,
      });
      expect((await world.rkt("status", "")).stderr).toBe(
        "status: problem retrieving pod: UUID cannot be empty\n",
      );
    });
  });
}
