// fetch and the image commands.

import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { writeAci } from "../aci.ts";
import { normalized, type RktArgv, recorded, rktWorld } from "./rkt-command-line-world.ts";

/** The manifest of the recorded busybox image. */
const recordedManifest = () => recorded("10-fly/054").stdout.trim();

export function describeImages(argv: RktArgv): void {
  describe("images", () => {
    test("none: an empty table, null in JSON, an empty line without legend", async () => {
      await using world = await rktWorld(argv);
      expect(await world.rkt("image", "list")).toEqual({
        stdout: "ID\tNAME\tSIZE\tIMPORT TIME\tLAST USED\n",
        stderr: "",
        exitCode: 0,
      });
      expect(await world.rkt("image", "list", "--format=json")).toEqual(recorded("10-fly/007"));
      expect((await world.rkt("image", "list", "--no-legend")).stdout).toBe("\n");
    });

    test.each([
      ["a path", "10-fly/021", ["fetch", "busybox.aci"]],
      ["a path, the whole id", "10-fly/022", ["fetch", "--full", "sleeper.aci"]],
      ["two images", "10-fly/039", ["fetch", "busybox.aci", "sleeper.aci"]],
      ["a missing file", "10-fly/025", ["fetch", "/nonexistent/x.aci"]],
      [
        "one that fails of two: nothing is printed",
        "10-fly/040",
        ["fetch", "busybox.aci", "/nonexistent.aci"],
      ],
      ["a name that must not be fetched", "10-fly/034", ["fetch", "--pull-policy=never", "example.com/foo"]],
    ])("fetch of %s", async (_what, name, args) => {
      await using world = await rktWorld(argv);
      expect(normalized(await world.rkt(...args))).toEqual(recorded(name));
    });

    test("fetch of a file URL, and of what is in the store by name", async () => {
      await using world = await rktWorld(argv);
      const answer = await world.rkt("fetch", "--full", `file://${world.path}/busybox.aci`);
      expect(normalized(answer)).toEqual(recorded("10-fly/024"));
      for (const name of ["example.com/busybox", "example.com/busybox:1.35.0", answer.stdout.trim()])
        expect(await world.rkt("fetch", "--pull-policy=never", "--full", name)).toEqual(answer);
    });

    test("fetch of an unsigned image needs --insecure-options=image", async () => {
      await using world = await rktWorld(argv);
      const answer = await world.rktAs(0, "fetch", "busybox.aci");
      expect(normalized(answer, world.path)).toEqual(recorded("10-fly/020"));
    });

    test("docker images cannot be verified", async () => {
      await using world = await rktWorld(argv);
      const { stderr, exitCode } = await world.rktAs(0, "fetch", "docker://busybox");
      expect({ stdout: "", stderr, exitCode }).toEqual(recorded("10-fly/029"));
    });

    test("list, JSON and --full", async () => {
      await using world = await rktWorld(argv);
      await world.rkt("fetch", "busybox.aci", "sleeper.aci");
      const { stdout } = normalized(await world.rkt("image", "list", "--format=json"));
      const one = (name: string) =>
        `{"id":"sha512-ID64","name":"example.com/${name}:1.35.0","import_time":NANOSECONDS,"last_used_time":NANOSECONDS,"size":SIZE}`;
      expect(stdout).toBe(`[${one("busybox")},${one("sleeper")}]\n`);
      expect(recorded("10-fly/043").stdout).toContain(`${one("sleeper")},${one("busybox")}`);
      const full = normalized(await world.rkt("image", "list", "--full", "--no-legend", "--fields=id,name"));
      expect(full.stdout).toBe(
        "sha512-ID64\texample.com/busybox:1.35.0\nsha512-ID64\texample.com/sleeper:1.35.0\n",
      );
    });

    test("an image that is fetched again is the youngest", async () => {
      await using world = await rktWorld(argv);
      await world.rkt("fetch", "busybox.aci", "sleeper.aci");
      await world.rkt("fetch", "busybox.aci");
      const names = (await world.rkt("image", "list", "--fields=name", "--no-legend")).stdout;
      expect(names).toBe("example.com/sleeper:1.35.0\nexample.com/busybox:1.35.0\n");
      const reverse = await world.rkt(
        "image",
        "list",
        "--fields=name",
        "--no-legend",
        "--sort=name",
        "--order=desc",
      );
      expect(reverse.stdout).toBe(names);
    });

    test("cat-manifest by id, start of an id and name, pretty or not", async () => {
      await using world = await rktWorld(argv);
      await writeAci(`${world.path}/recorded.aci`, { manifest: recordedManifest() });
      const id = await world.fetch("recorded.aci");
      for (const key of [id, id.slice(0, 20), "example.com/busybox"]) {
        const { stdout, exitCode } = await world.rkt("image", "cat-manifest", "--pretty-print=false", key);
        expect({ stdout, exitCode }).toEqual({ stdout: `${recordedManifest()}\n`, exitCode: 0 });
      }
      expect(normalized(await world.rkt("image", "cat-manifest", id))).toEqual(recorded("10-fly/052"));
    });

    test.each([
      ["an unknown id", "10-fly/056", ["image", "cat-manifest", "sha512-0000"]],
      ["an unknown name", "10-fly/057", ["image", "cat-manifest", "example.com/none"]],
      ["no id and no name", "10-fly/058", ["image", "cat-manifest", "sha512-"]],
      ["rm of an unknown id, which is no failure", "10-fly/222", ["image", "rm", "sha512-afec53855e9208a6"]],
      ["rm of an unknown name, which is no failure", "10-fly/224", ["image", "rm", "example.com/none"]],
      ["rm of something malformed, which is no failure", "10-fly/227", ["image", "rm", "!!"]],
    ])("%s", async (_what, name, args) => {
      await using world = await rktWorld(argv);
      await world.rkt("fetch", "busybox.aci");
      expect(normalized(await world.rkt(...args))).toEqual(recorded(name));
    });

    test("rm by id, by name, and of several of which one is unknown", async () => {
      await using world = await rktWorld(argv);
      const id = await world.fetch("busybox.aci");
      expect(normalized(await world.rkt("image", "rm", id))).toEqual(recorded("10-fly/221"));
      await world.rkt("fetch", "sleeper.aci");
      expect(normalized(await world.rkt("image", "rm", "example.com/sleeper"))).toEqual(
        recorded("10-fly/223"),
      );
      await world.rkt("fetch", "busybox.aci");
      expect(normalized(await world.rkt("image", "rm", id, "sha512-00"))).toEqual(recorded("10-fly/225"));
      expect(readdirSync(`${world.path}/rkt/cas/trees`)).toEqual([]);
    });

    test("gc takes unused images after their grace period, and none that a pod was made of", async () => {
      await using world = await rktWorld(argv);
      await world.rkt("fetch", "sleeper.aci");
      await world.prepare({ web: "true" });
      expect(await world.rkt("image", "gc")).toEqual({ stdout: "", stderr: "", exitCode: 0 });
      const { stdout, stderr } = normalized(await world.rkt("image", "gc", "--grace-period=0s"));
      expect(stdout).toBe('successfully removed aci for image: "sha512-ID64"\n');
      expect(stderr).toBe("gc: 1 image(s) successfully removed\n");
      expect((await world.rkt("image", "list", "--fields=name", "--no-legend")).stdout).toBe(
        "example.com/busybox:1.35.0\n",
      );
    });
  });
}
