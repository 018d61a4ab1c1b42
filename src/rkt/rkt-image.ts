// An image in rkt's store, read from `image list --format=json` and `fetch --full`. Pure.

import { type ImageId, isImageId } from "../pod/names.ts";
import { nanosecondsToMs, objectList, parseRktJson, string } from "./rkt-json.ts";
import { RktOutputError } from "./rkt-output-error.ts";

export interface RktImage {
  readonly id: ImageId;
  /** appc's name, without the version: `quay.io_443/coreos/etcd`. */
  readonly name: string;
  /** Its `version` label: a docker image's tag; empty if it has none. */
  readonly version: string;
  readonly importedAtMs: number;
  readonly lastUsedAtMs: number;
  readonly sizeBytes: number;
}

/** The output of `image list --format=json`. */
export function parseImageList(text: string): readonly RktImage[] {
  return objectList(parseRktJson(text), "the list of images").map((json) => {
    const fullName = string(json.name, "image name");
    const [name = "", ...version] = fullName.split(":"); // an appc name has no colon
    return {
      id: toImageId(string(json.id, "image id")),
      name,
      version: version.join(":"),
      importedAtMs: nanosecondsToMs(json.import_time) ?? 0,
      lastUsedAtMs: nanosecondsToMs(json.last_used_time) ?? 0,
      sizeBytes: Number(json.size ?? 0),
    };
  });
}

/** The output of `fetch --full` of one image: its id is the last line. */
export function parseFetchedId(text: string): ImageId {
  return toImageId(text.trimEnd().split("\n").at(-1) ?? "");
}

export interface FetchProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A line on stderr of the engine's `fetch`, which rkt has none for where stderr is no terminal. */
export function parseFetchProgress(line: string): FetchProgress | undefined {
  const [, done, total] = /^fetch: PROGRESS (\d+) (\d+)$/.exec(line) ?? [];
  return done === undefined ? undefined : { doneBytes: Number(done), totalBytes: Number(total) };
}

function toImageId(text: string): ImageId {
  if (isImageId(text)) return text;
  throw new RktOutputError("not a full image id", text);
}
