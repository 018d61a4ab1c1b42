// Arguments, global options, users that may not.

import { describe, expect, test } from "bun:test";
import { normalized, type RktArgv, recorded, rktWorld } from "./rkt-command-line-world.ts";

export function describeUsage(argv: RktArgv): void {
  describe("usage", () => {
    test.each([
      ["an unknown command", "00-general/005", ["nosuchcommand"]],
      ["prepare without arguments", "00-general/057", ["prepare"]],
      ["fetch without arguments", "00-general/058", ["fetch"]],
    ])("%s is rkt's error", async (_what, name, args) => {
      await using world = await rktWorld(argv);
      expect(normalized(await world.rkt(...args))).toEqual(recorded(name));
    });

    // The usage text itself is ours; rkt's goes to stdout too.
    test.each([
      ["an unknown flag", "00-general/006", ["list", "--nosuchflag"]],
      ["a bad insecure option", "00-general/007", ["--insecure-options=bogus", "list"]],
      ["a bad format", "00-general/008", ["list", "--format=yaml"]],
      ["a bad field", "10-fly/049", ["image", "list", "--fields=id,bogus"]],
      ["a bad duration", "10-fly/213", ["gc", "--grace-period=tomorrow"]],
      ["status without a pod", "00-general/052", ["status"]],
      ["enter without a pod", "00-general/053", ["enter"]],
      ["rm without a pod", "00-general/054", ["rm"]],
      ["stop without a pod", "00-general/055", ["stop"]],
      ["status of two pods", "10-fly/113", ["status", "a", "b"]],
    ])("%s: usage on stdout, the error on stderr", async (_what, name, args) => {
      await using world = await rktWorld(argv);
      const { stdout, stderr, exitCode } = await world.rkt(...args);
      const { stderr: expected, exitCode: expectedCode } = recorded(name);
      expect({ stderr, exitCode }).toEqual({ stderr: expected, exitCode: expectedCode });
      expect(stdout).toContain(`rkt ${args.find((word) => !word.startsWith("-"))}`);
    });

    test("no command at all exits 2, help 0, both on stdout", async () => {
      await using world = await rktWorld(argv);
      expect(await world.rkt()).toMatchObject({ exitCode: 2, stderr: "" });
      expect(await world.rkt("list", "--help")).toMatchObject({ exitCode: 0, stderr: "" });
    });

    test("version is new enough for whoever parses it", async () => {
      await using world = await rktWorld(argv);
      const { stdout, exitCode } = await world.rkt("version");
      expect(exitCode).toBe(0);
      expect(stdout).toStartWith("rkt Version: 1.30.0\nappc Version: 0.8.11\n");
    });

    test("a global option may stand after the command, and be given without `=`", async () => {
      await using world = await rktWorld(argv);
      const elsewhere = `${world.path}/elsewhere`;
      expect((await world.rkt("list", "--dir", elsewhere, "--debug=true")).exitCode).toBe(0);
      expect(await Bun.$`ls ${elsewhere}`.text()).toContain("pods");
    });

    test("the data directory may come from the local configuration", async () => {
      await using world = await rktWorld(argv);
      const config = { rktKind: "paths", rktVersion: "v1", data: `${world.path}/configured` };
      await Bun.write(`${world.path}/conf/paths.d/paths.json`, JSON.stringify(config));
      const child = Bun.spawn([...argv, `--local-config=${world.path}/conf`, "list"]);
      expect(await child.exited).toBe(0);
      expect(await Bun.$`ls ${world.path}/configured`.text()).toContain("pods");
    });

    test("a data directory that cannot be made", async () => {
      await using world = await rktWorld(argv);
      expect(await world.rkt("--dir=/proc/rkt", "list")).toEqual(recorded("00-general/067"));
      expect(await world.rkt("--dir=/proc/rkt", "fetch", "busybox.aci")).toEqual(recorded("00-general/068"));
    });

    test.each([
      ["prepare", "00-general/078", ["prepare", "busybox.aci"]],
      ["run-prepared", "00-general/079", ["run-prepared", "3b7f27cf-6bdb-42e4-83a5-a03c9368590c"]],
      ["rm", "00-general/083", ["rm", "3b7f27cf-6bdb-42e4-83a5-a03c9368590c"]],
      ["gc", "00-general/084", ["gc"]],
      ["enter", "00-general/085", ["enter", "3b7f27cf-6bdb-42e4-83a5-a03c9368590c"]],
    ])("an unprivileged user may not %s", async (_what, name, args) => {
      await using world = await rktWorld(argv);
      expect(normalized(await world.rktAs(65534, ...args))).toEqual(recorded(name));
    });

    test("an unprivileged user that may not read the data directory is told so", async () => {
      await using world = await rktWorld(argv);
      await world.rkt("list");
      const { stdout, stderr, exitCode } = await world.rktAs(65534, "list");
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 254 });
      expect(stderr).toMatch(/^list: failed to get pod handles: .*permission denied\n$/);
    });
  });
}
