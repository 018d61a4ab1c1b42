// `rkt prepare`: a pod manifest, or images to make one of, becomes a pod that can be run.
// Invariant: nothing is made for what is refused, and the UUID is printed only once the pod is there.

import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import type { AppcApp, AppcPodManifest, AppcRuntimeApp, AppcVolume } from "../rkt/appc.ts";
import { appcVersion } from "../rkt/appc.ts";
import { checkName, checkPodManifest, parseJson } from "./appc-check.ts";
import type { Command, Context } from "./command.ts";
import { EngineError, withFileErrors } from "./engine-error.ts";
import { fetchImage } from "./fetch.ts";
import { ImageStore, type StoredImage } from "./image-store.ts";
import { PodStore } from "./pod-store.ts";

export const prepare: Command = {
  name: "prepare",
  synopsis: "[IMAGE… | --pod-manifest=FILE]",
  needsRoot: true,
  flags: {
    "no-overlay": "boolean", // accepted: an overlay is used all the same
    "no-store": "boolean",
    "pod-manifest": "string",
    "pull-policy": "string",
    quiet: "boolean",
    "stage1-from-dir": "string", // accepted: this engine has no stage1
    "stage1-hash": "string",
    "stage1-name": "string",
    "stage1-path": "string",
    "stage1-url": "string",
    "store-only": "boolean",
    volume: "strings",
  },
  run: async (context) => {
    const store = new ImageStore(context.dir);
    const pods = new PodStore(context.dir);
    const manifest = await withStage0Prefix(context, () => choosePodManifest(store, context));
    // No image goes away between the check and the pod's being there.
    using _trees = store.lockTrees("shared");
    const images = findImages(manifest, store);
    const complete = withImageApps(manifest, images);
    const { pod, lock } = pods.create();
    using _lock = lock;
    for (const name of ["apps", "status", "volumes"]) mkdirSync(`${pod.path}/${name}`, { mode: 0o755 });
    writeDurably(`${pod.path}/pod`, JSON.stringify(complete));
    for (const { id } of images) store.touch(id);
    pods.move(pod, "prepared");
    context.print(`${pod.uuid}\n`);
    return 0;
  },
};

async function choosePodManifest(store: ImageStore, context: Context): Promise<AppcPodManifest> {
  const file = context.flags.text("pod-manifest");
  if (file === undefined) {
    if (context.args.length === 0)
      throw new EngineError("must provide at least one image or specify the pod manifest");
    return manifestOfImages(await fetchImages(store, context), context);
  }
  if (context.args.length > 0 || context.flags.has("volume"))
    throw new EngineError("conflicting flags set with --pod-manifest (see --help)");
  return checkPodManifest(parseJson(withFileErrors("", () => readFileSync(file, "utf8"))));
}

async function fetchImages(store: ImageStore, context: Context): Promise<readonly StoredImage[]> {
  const images: StoredImage[] = [];
  try {
    for (const argument of context.args) images.push(await fetchImage(argument, store, context, "new"));
  } catch (error) {
    if (error instanceof EngineError && error.message.startsWith("no image IDs found"))
      throw new EngineError(`error finding images: ${error.message}`, { cause: error });
    throw error;
  }
  return images;
}

/** An app for each image, run as the image says. */
function manifestOfImages(images: readonly StoredImage[], { flags }: Context): AppcPodManifest {
  const apps: AppcRuntimeApp[] = images.map(({ id, manifest }) => {
    if (!manifest.app) throw new EngineError(`image ${manifest.name} has no app section`);
    const app: AppcApp = manifest.app;
    const name = (manifest.name.split("/").at(-1) ?? "").replaceAll(/[^a-z0-9]+/g, "-");
    return {
      name,
      image: { name: manifest.name, id, ...(manifest.labels ? { labels: manifest.labels } : {}) },
      app,
    };
  });
  return checkPodManifest(
    JSON.parse(
      JSON.stringify({
        acVersion: appcVersion,
        acKind: "PodManifest",
        apps,
        volumes: flags.texts("volume").map(parseVolume),
        isolators: null,
        annotations: null,
        ports: null,
      } satisfies AppcPodManifest),
    ),
  );
}

/** `data,kind=host,source=/srv/data,readOnly=true`. */
function parseVolume(text: string): AppcVolume {
  const [name = "", ...pairs] = text.split(",");
  checkName(name);
  const values = new Map(pairs.map((pair) => [pair.split("=")[0], pair.slice(pair.indexOf("=") + 1)]));
  const kind = values.get("kind");
  if (kind !== "host" && kind !== "empty")
    throw new EngineError(`unrecognized volume kind: ${JSON.stringify(kind)}`);
  const source = values.get("source");
  return {
    name,
    kind,
    ...(source === undefined ? {} : { source }),
    readOnly: values.get("readOnly") === "true",
    recursive: values.get("recursive") !== "false",
  };
}

function findImages(manifest: AppcPodManifest, store: ImageStore): readonly StoredImage[] {
  return (manifest.apps ?? []).map(({ image }) => {
    try {
      return store.findById(image.id);
    } catch (error) {
      throw new EngineError(`error setting up stage0: ${(error as Error).message}`, { cause: error });
    }
  });
}

/** An app without an `app` section runs as its image says. rkt leaves it so, and then panics on every list. */
function withImageApps(manifest: AppcPodManifest, images: readonly StoredImage[]): AppcPodManifest {
  const apps = (manifest.apps ?? []).map((app, index) => {
    const image = images[index];
    if (app.app) return app;
    if (!image?.manifest.app)
      throw new EngineError(`error setting up stage0: image of app "${app.name}" has no app section`);
    return { ...app, app: image.manifest.app };
  });
  return { ...manifest, apps };
}

/** rkt blames what is wrong with a manifest on its stage0. */
async function withStage0Prefix<T>({ flags }: Context, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const isOurs = error instanceof EngineError && !error.message.startsWith("conflicting");
    const isManifest =
      flags.has("pod-manifest") ||
      (error instanceof EngineError && error.message.startsWith("error: multiple"));
    if (!isOurs || !isManifest) throw error;
    throw new EngineError(`error setting up stage0: ${error.message}`, { cause: error });
  }
}

/** On the disk before the pod is called prepared. */
function writeDurably(path: string, text: string): void {
  const fd = openSync(path, "wx", 0o640);
  try {
    writeFileSync(fd, text); // all of it, or an error
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
