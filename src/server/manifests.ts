// GET /manifests: each file with what became of it.

import { Hono } from "hono";
import type { ManifestFile } from "../pod/desired.ts";
import { formatProblem } from "../pod/problem.ts";
import type { ServerEnv } from "./connection.ts";
import { jsonResponse } from "./response.ts";

export interface ManifestsView {
  /** The directory or file that is watched. */
  readonly path: string;
  files(): readonly ManifestFile[];
  /** Why `path` could not be read; undefined when it was. Then `files()` are the last known. */
  readonly unreadable: string | undefined;
}

export function manifestRoutes({ manifests }: { manifests: ManifestsView }): Hono<ServerEnv> {
  return new Hono<ServerEnv>().get("/manifests", () => {
    const { path, unreadable } = manifests;
    return jsonResponse({ path, unreadable, files: manifests.files().map(withText) });
  });
}

/** Adds to each problem its one line, so that nobody has to put it together from the parts. */
function withText(file: ManifestFile): object {
  if (file.state !== "rejected") return file;
  return {
    ...file,
    problems: file.problems.map((problem) => ({ ...problem, text: formatProblem(problem) })),
  };
}
