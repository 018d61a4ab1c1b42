// An app's command line: the image's ENTRYPOINT and CMD, the container's command and args. Pure.

import { expand } from "../pod/expansion.ts";
import type { Container } from "../pod/pod.ts";
import type { AppcImageManifest } from "./appc.ts";
import { PodManifestError } from "./pod-manifest-error.ts";

/** What rkt's converter from docker keeps of ENTRYPOINT and CMD, each a JSON list. */
const entrypointAnnotation = "appc.io/docker/entrypoint";
const cmdAnnotation = "appc.io/docker/cmd";

/**
 * kubelet v1.5 rkt.go: `command` replaces both, `args` replaces CMD alone. An image that has no ENTRYPOINT annotation loses
 * its whole exec to `args`, since nothing says which part of that was the CMD.
 */
export function appExec(
  image: AppcImageManifest,
  container: Pick<Container, "command" | "args">,
  variables: ReadonlyMap<string, string>,
): readonly string[] {
  const command = container.command.map((word) => expand(word, variables));
  const args = container.args.map((word) => expand(word, variables));
  if (command.length > 0) return [...command, ...args];
  const entrypoint = annotatedWords(image, entrypointAnnotation);
  const words = [...entrypoint, ...(args.length > 0 ? args : annotatedWords(image, cmdAnnotation))];
  return words.length > 0 ? words : (image.app?.exec ?? []);
}

function annotatedWords(image: AppcImageManifest, annotation: string): readonly string[] {
  const text = image.annotations?.find(({ name }) => name === annotation)?.value;
  if (text === undefined) return [];
  try {
    const words: unknown = JSON.parse(text);
    if (words === null) return [];
    if (Array.isArray(words) && words.every((word) => typeof word === "string")) return words;
  } catch {
    // Said below.
  }
  throw new PodManifestError(`annotation ${annotation} of image ${image.name} is no JSON list of strings`);
}
