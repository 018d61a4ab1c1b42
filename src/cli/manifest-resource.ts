// Manifest files as `gantry get manifests` lists them: what became of each.

import type { ManifestFile } from "../pod/desired.ts";
import { formatProblem } from "../pod/problem.ts";
import type { Resource } from "./resource.ts";
import type { Cell } from "./table.ts";

/** The answer of GET /manifests. */
export interface Manifests {
  readonly path: string;
  readonly unreadable?: string;
  /** Pods that run on though their manifests are missing. */
  readonly held?: readonly string[];
  readonly files: readonly ManifestFile[];
}

export const manifestResource: Resource<ManifestFile> = {
  names: ["manifests", "manifest"],
  isNamespaced: false,
  async list(client) {
    const whole = await client.json<Manifests>("/manifests");
    return { whole, items: whole.files };
  },
  withItems: (whole, files) => ({ ...whole, files }),
  nameOf: ({ path }) => path,
  namespaceOf: () => undefined,
  isNamed: ({ path }, name) => path === name || path.endsWith(`/${name}`),
  labelsOf: () => ({}),
  notes(whole) {
    const { unreadable, held = [] } = whole as Manifests;
    return [
      ...(unreadable === undefined ? [] : [unreadable]),
      ...(held.length === 0 ? [] : [`kept though their manifests are missing: ${held.join(", ")}`]),
    ];
  },
  head: () => ["FILE", "STATE", "PODS", "WHY"],
  row: (file) => [file.path, stateOf(file), podsOf(file), whyOf(file)],
};

function stateOf({ state }: ManifestFile): Cell {
  return { text: state, color: state === "rejected" ? "red" : state === "skipped" ? "dim" : "green" };
}

function podsOf(file: ManifestFile): string {
  return file.state === "accepted" ? file.pods.join(",") : "";
}

function whyOf(file: ManifestFile): string {
  switch (file.state) {
    case "accepted":
      return "";
    case "rejected": {
      const [first] = file.problems;
      const more = file.problems.length > 1 ? ` (and ${file.problems.length - 1} more)` : "";
      return first ? formatProblem(first).slice(file.path.length).replace(/^:/, "") + more : "";
    }
    case "skipped":
      return file.reason;
    default:
      return file satisfies never;
  }
}
