// `gantry rkt` with images of a real registry, and of layouts and archives as skopeo writes them.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { busyboxEntries } from "../../busybox.ts";
import { type RktWorld, rktWorld } from "../../contract/rkt-command-line-world.ts";
import { run } from "../../e2e/machine.ts";
import { type OciImage, writeOciLayout } from "../../oci-layout.ts";
import { type Registry, startRegistry } from "../../registry.ts";
import { waitUntil } from "../../wait-until.ts";
import { digestsOf } from "./hostile-registry.ts";

const argv = [process.execPath, `${import.meta.dir}/../../../src/main.ts`, "rkt"];

interface Pulling extends AsyncDisposable {
  readonly world: RktWorld;
  readonly registry: Registry;
  readonly layout: string;
}

/** A world, and a registry that has these images as `test/TAG:1`. */
async function pulling(
  images: readonly OciImage[],
  options: { readonly users?: Readonly<Record<string, string>>; readonly format?: "oci" | "v2s2" } = {},
): Promise<Pulling> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await rktWorld(argv));
  const layout = `${world.path}/layout`;
  await writeOciLayout(layout, images);
  const registry = stack.use(await startRegistry(options.users ? { users: options.users } : {}));
  for (const { tag } of images) await registry.push(layout, tag, `test/${tag}:1`, options);
  const all = stack.move();
  return { world, registry, layout, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const store = (world: RktWorld, part: string) => readdirSync(`${world.path}/rkt/cas/${part}`);

/** What a pod of one app of an image writes. */
async function outputOf(world: RktWorld, id: string, app: object): Promise<string> {
  const uuid = await world.prepareManifest({ apps: [{ name: "app", image: { id }, app }] });
  return (await world.startUntil(uuid, "end")).stdout();
}

describe("docker://", () => {
  test("a tag is fetched, found again by policy, named as rkt names it, and removed", async () => {
    await using all = await pulling([{ tag: "app", config: { Cmd: ["/bin/true"] } }]);
    const { world, registry } = all;
    const image = `docker://${registry.address}/test/app:1`;
    const never = await world.rkt("fetch", "--pull-policy=never", image);
    expect([never.exitCode, never.stderr]).toEqual([
      254,
      `fetch: unable to fetch docker image from URL "${image}": either image was not found in the store or store was disabled and fetching from remote yielded nothing or it was disabled\n`,
    ]);
    const id = await world.fetch(image);
    const name = `${registry.address.replace(":", "_")}/test/app:1`;
    expect((await world.rkt("image", "list", "--no-legend", "--fields=name")).stdout).toBe(`${name}\n`);
    await registry[Symbol.asyncDispose]();
    for (const policy of ["new", "never"])
      expect((await world.rkt("fetch", "--full", `--pull-policy=${policy}`, image)).stdout.trim()).toBe(id);
    const { exitCode, stderr } = await world.rkt("fetch", image);
    expect([exitCode, stderr]).toEqual([
      254,
      `fetch: cannot pull ${registry.address}/test/app:1: Get "http://${registry.address}/v2/test/app/manifests/1": connection refused\n`,
    ]);
    expect((await world.rkt("prepare", "--quiet", image)).exitCode).toBe(0);
    expect((await world.rkt("image", "rm", name)).stdout).toBe(
      `successfully removed aci for image: "${id}"\n`,
    );
    expect((await world.rkt("fetch", "--pull-policy=never", image)).exitCode).toBe(254);
  });

  test("a digest pins an image, alone or beside a tag", async () => {
    await using all = await pulling([{ tag: "app" }]);
    const { world, registry, layout } = all;
    const { manifest } = digestsOf(layout);
    const byDigest = `docker://${registry.address}/test/app@${manifest}`;
    const id = await world.fetch(byDigest);
    expect((await world.rkt("fetch", "--full", "--pull-policy=never", byDigest)).stdout.trim()).toBe(id);
    expect(await world.fetch(`docker://${registry.address}/test/app:gone@${manifest}`)).toStartWith(
      "sha512-",
    );
    const { stderr } = await world.rkt(
      "fetch",
      `docker://${registry.address}/test/app@sha256:${"0".repeat(64)}`,
    );
    expect(stderr).toContain("not found (HTTP status code: 404");
    expect(store(world, "layers")).toHaveLength(1);
  });

  test.each(["oci", "v2s2"] as const)(
    "of several machines' images this one's is taken (%s)",
    async (format) => {
      await using all = await pulling(
        [
          { tag: "many", architectures: ["s390x", "arm64", "amd64"] },
          { tag: "foreign", architectures: ["s390x", "ppc64le"] },
        ],
        { format },
      );
      const { world, registry } = all;
      const id = await world.fetch(`docker://${registry.address}/test/many:1`);
      const app = { exec: ["/bin/sh", "-c", "cat /etc/arch; echo; echo end"], user: "0", group: "0" };
      const architecture = process.arch === "arm64" ? "arm64" : "amd64";
      expect(await outputOf(world, id, app)).toBe(`${architecture}\nend\n`);
      const { stderr } = await world.rkt("fetch", `docker://${registry.address}/test/foreign:1`);
      expect(stderr).toEndWith(`no image for linux/${architecture}, only for linux/s390x, linux/ppc64le\n`);
    },
  );

  test("user and password come from auth.d of the configuration, and are in no output", async () => {
    await using all = await pulling([{ tag: "app" }], { users: { me: "secret" } });
    const { world, registry } = all;
    const image = `docker://${registry.address}/test/app:1`;
    const attempt = async (password?: string) => {
      const config = `${world.path}/config`;
      mkdirSync(`${config}/auth.d`, { recursive: true });
      const auth = { rktKind: "dockerAuth", rktVersion: "v1", registries: [registry.address] };
      if (password !== undefined)
        await Bun.write(
          `${config}/auth.d/x.json`,
          JSON.stringify({ ...auth, credentials: { user: "me", password } }),
        );
      return world.rkt("--debug", `--user-config=${config}`, "fetch", image);
    };
    expect((await attempt()).stderr).toContain("wants credentials");
    const wrong = await attempt("hush");
    expect(wrong.stderr).toContain('refuses the credentials of user "me"');
    expect(wrong.stderr).not.toContain("hush");
    const right = await attempt("secret");
    expect([right.exitCode, right.stderr.includes("secret")]).toEqual([0, false]);
  });

  test("the image's config is what an app is run by", async () => {
    const config = {
      Entrypoint: ["/bin/sh", "-c"],
      Cmd: ["id; pwd; echo $GREETING; echo end"],
      Env: ["PATH=/bin", "GREETING=old", "GREETING=grüß Gott = $HOME", "broken"],
      User: "web",
      WorkingDir: "etc",
      ExposedPorts: { "8080/tcp": {}, "53/udp": {}, "1-2/tcp": {} },
      Volumes: { "/data/a b": {}, "/data/a_b": {} },
      Labels: { x: "y" },
    };
    await using all = await pulling([{ tag: "app", config }]);
    const { world, registry, layout } = all;
    const id = await world.fetch(`docker://${registry.address}/test/app:1`);
    const manifest = JSON.parse((await world.rkt("image", "cat-manifest", id)).stdout);
    const digests = digestsOf(layout);
    expect(manifest).toEqual({
      acKind: "ImageManifest",
      acVersion: "0.8.11",
      name: `${registry.address.replace(":", "_")}/test/app`,
      labels: [
        { name: "version", value: "1" },
        { name: "os", value: "linux" },
        { name: "arch", value: process.arch === "arm64" ? "aarch64" : "amd64" },
      ],
      app: {
        exec: ["/bin/sh", "-c", "id; pwd; echo $GREETING; echo end"],
        user: "web",
        group: "101",
        workingDirectory: "/etc",
        environment: [
          { name: "PATH", value: "/bin" },
          { name: "GREETING", value: "grüß Gott = $HOME" },
        ],
        mountPoints: [
          { name: "volume-data-a-b", path: "/data/a b" },
          { name: "volume-data-a-b-1", path: "/data/a_b" },
        ],
        ports: [
          { name: "53-udp", protocol: "udp", port: 53 },
          { name: "8080-tcp", protocol: "tcp", port: 8080 },
        ],
      },
      annotations: [
        { name: "appc.io/docker/originalname", value: `${registry.address}/test/app:1` },
        { name: "appc.io/docker/registryurl", value: registry.address },
        { name: "appc.io/docker/repository", value: "test/app" },
        { name: "appc.io/docker/tag", value: "1" },
        { name: "appc.io/docker/imageid", value: digests.config },
        { name: "appc.io/docker/manifesthash", value: digests.manifest },
        { name: "appc.io/docker/entrypoint", value: '["/bin/sh","-c"]' },
        { name: "appc.io/docker/cmd", value: '["id; pwd; echo $GREETING; echo end"]' },
      ],
    });
    expect(await outputOf(world, id, manifest.app)).toBe(
      "uid=100(web) gid=101(web)\n/etc\ngrüß Gott = $HOME\nend\n",
    );
  });

  test("a malformed reference", async () => {
    await using world = await rktWorld(argv);
    const { stderr, exitCode } = await world.rkt("fetch", "docker://Bad:Ref:x");
    expect([exitCode, stderr]).toEqual([
      254,
      'fetch: parse "docker://Bad:Ref:x": couldn\'t parse image name: invalid reference format\n',
    ]);
  });
});

describe("the store", () => {
  test("images share layers; one goes with the last image and the last pod that have it", async () => {
    const base = { entries: await busyboxEntries() };
    const own = (name: string) => ({ entries: [{ name, content: name }] });
    await using all = await pulling([
      { tag: "a", layers: [base, own("a")] },
      { tag: "b", layers: [base, own("b")] },
    ]);
    const { world, registry } = all;
    const a = await world.fetch(`docker://${registry.address}/test/a:1`);
    const b = await world.fetch(`docker://${registry.address}/test/b:1`);
    expect(store(world, "layers")).toHaveLength(3);
    const app = { exec: ["/bin/sh", "-c", "ls /a; echo end; exec sleep 1000"], user: "0", group: "0" };
    const uuid = await world.prepareManifest({ apps: [{ name: "app", image: { id: a }, app }] });
    const pod = await world.startUntil(uuid, "end");
    await world.rkt("image", "rm", a);
    expect(store(world, "layers")).toHaveLength(3);
    expect(await pod.stdout()).toBe("/a\nend\n");
    await world.rkt("stop", "--force", uuid);
    await pod.exited;
    await world.rkt("rm", uuid);
    await world.rkt("gc");
    expect(store(world, "layers")).toHaveLength(2);
    await world.rkt("image", "rm", b);
    for (const part of ["images", "layers", "stacks", "trees", "tmp"]) expect(store(world, part)).toEqual([]);
    await world.rkt("gc");
    expect(store(world, "references")).toEqual([]);
  });

  test("two fetches of one image at once, and a gc beside them", async () => {
    await using all = await pulling([{ tag: "app" }]);
    const { world, registry } = all;
    const image = `docker://${registry.address}/test/app:1`;
    const calls = ["fetch", "fetch", "gc", "fetch"].map((command) =>
      world.spawn(command, ...(command === "fetch" ? ["--full", image] : [])).finish(),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    expect(new Set(answers.map(({ stdout }) => stdout).filter((text) => text !== "")).size).toBe(1);
    expect(store(world, "layers")).toHaveLength(1);
    expect(store(world, "tmp")).toEqual([]);
  });

  test("kill -9 in the middle leaves what gc removes, and nothing that the next fetch trips over", async () => {
    const large = {
      entries: [{ name: "zeros", content: Buffer.alloc(64 * 1024 * 1024) }],
      compression: "none" as const,
    };
    await using all = await pulling([{ tag: "app", layers: [{ entries: await busyboxEntries() }, large] }]);
    const { world, registry } = all;
    const image = `docker://${registry.address}/test/app:1`;
    const fetching = world.spawn("fetch", image);
    await waitUntil("something to be unpacked", async () => {
      const cas = `${world.path}/rkt/cas/tmp`;
      return (
        existsSync(cas) &&
        readdirSync(cas, { recursive: true }).some((name) => String(name).endsWith("zeros"))
      );
    });
    fetching.kill("SIGKILL");
    await fetching.exited;
    expect(store(world, "images")).toEqual([]);
    expect(store(world, "layers")).toEqual([]);
    expect((await world.rkt("fetch", image)).exitCode).toBe(0);
    expect(store(world, "tmp")).toHaveLength(1);
    await world.rkt("gc");
    expect(store(world, "tmp")).toEqual([]);
    expect(store(world, "layers")).toHaveLength(2);
  });

  test("how far it is is told on standard error, at most once a second", async () => {
    await using all = await pulling([{ tag: "app" }]);
    const { world, registry } = all;
    const { stderr } = await world.rkt("fetch", `docker://${registry.address}/test/app:1`);
    expect(stderr).toMatch(/^(fetch: PROGRESS \d+ \d+\n){1,2}$/);
    expect((await world.rkt("fetch", `docker://${registry.address}/test/app:1`)).stderr).toBe("");
  });
});

describe("files that skopeo writes", () => {
  const transports = ["oci", "oci-archive", "docker-archive"] as const;
  test.each(transports)("%s", async (transport) => {
    await using world = await rktWorld(argv);
    await writeOciLayout(`${world.path}/made`, [
      {
        tag: "one",
        layers: [{ entries: await busyboxEntries() }, { entries: [{ name: "etc/.wh.group", content: "" }] }],
      },
    ]);
    const file = `${transport}:${world.path}/saved`;
    const name = transport === "docker-archive" ? "example.com/app:7" : "7";
    await run(
      "skopeo",
      "--insecure-policy",
      "copy",
      "--quiet",
      `oci:${world.path}/made:one`,
      `${file}:${name}`,
    );
    const id = await world.fetch(`${file}:${name}`);
    expect(await world.fetch(file)).toBe(id);
    const listed = (await world.rkt("image", "list", "--no-legend", "--fields=name")).stdout;
    expect(listed).toBe(transport === "docker-archive" ? "example.com/app:7\n" : "saved:7\n");
    const app = { exec: ["/bin/sh", "-c", "ls /etc; echo end"], user: "0", group: "0" };
    expect(await outputOf(world, id, app)).not.toContain("group");
    const { stderr } = await world.rkt("fetch", `${file}:none`);
    expect(stderr).toBe(`fetch: cannot read ${world.path}/saved: no image "none"; there are: ${name}\n`);
  });

  test("one that is not there, one that is none, and one that nobody vouches for", async () => {
    await using world = await rktWorld(argv);
    await Bun.write(`${world.path}/junk`, "junk");
    const error = async (name: string) =>
      (await world.rkt("fetch", name)).stderr.replaceAll(world.path, "DIR");
    expect(await error("oci:none")).toBe(
      "fetch: cannot read DIR/none: stat DIR/none: no such file or directory\n",
    );
    expect(await error("oci:rkt")).toBe(
      "fetch: cannot read DIR/rkt: index.json: no such file or directory\n",
    );
    expect(await error("docker-archive:junk")).toBe(
      "fetch: cannot read DIR/junk: DIR/junk: not an archive: neither a tar archive nor one packed by gzip or xz\n",
    );
    expect((await world.rktAs(0, "fetch", "oci:rkt")).stderr).toContain("try --insecure-options=image");
  });
});

test("a volume of the image's that the pod fills with nothing has what the image has there, and can be written", async () => {
  const entries = [
    ...(await busyboxEntries()),
    { name: "data", type: "directory" as const, mode: 0o700, uid: 100, gid: 101 },
    { name: "data/seed", content: "seed\n", uid: 100, gid: 101 },
    { name: "out", type: "symlink" as const, linkname: "/../../tmp" },
  ];
  const config = { User: "web", Volumes: { "/data": {}, "/new": {}, "/out/there": {} } };
  await using all = await pulling([{ tag: "app", layers: [{ entries }], config }]);
  const { world, registry } = all;
  const id = await world.fetch(`docker://${registry.address}/test/app:1`);
  const { app } = JSON.parse((await world.rkt("image", "cat-manifest", id)).stdout);
  const script =
    "cat /data/seed; echo new >/data/seed && cat /data/seed; ls -d /new /tmp/there; echo x >/x; echo end";
  const apps = [
    { name: "app", image: { id }, readOnlyRootFS: true, app: { ...app, exec: ["/bin/sh", "-c", script] } },
  ];
  for (const _again of [1, 2]) {
    const pod = await world.startUntil(await world.prepareManifest({ apps }), "end");
    expect(await pod.stdout()).toBe("seed\nnew\n/new\n/tmp/there\nend\n");
    expect((await pod.finish()).stderr).toContain("can't create /x: Read-only file system");
  }
});
