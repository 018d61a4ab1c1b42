// GET /manifests: each file with what became of it. POST /manifests/confirm-delete: what is missing is meant to be.
// Invariant: only who may do everything can have anything deleted; the others have been refused at the door (connection.ts).

import { Hono } from "hono";
import type { ManifestFile } from "../pod/desired.ts";
import type { PodKey } from "../pod/names.ts";
import { formatProblem } from "../pod/problem.ts";
import type { ServerEnv } from "./connection.ts";
import { RequestError } from "./request-error.ts";
import { jsonResponse } from "./response.ts";

export interface ManifestsView {
  /** The directory or file that is watched. */
  readonly path: string;
  files(): readonly ManifestFile[];
  /** Why `path` is not ready; undefined when it is. Then `files()` are the last known. */
  readonly unreadable: string | undefined;
  /** Pods that confirmDelete() would delete: their files are missing, and nobody knows yet whether on purpose. */
  readonly held: readonly PodKey[];
  /** Resolves when they are not wanted any more; what they run is stopped after that. */
  confirmDelete(): Promise<
    { readonly deleted: readonly PodKey[] } | { readonly refusal: string } // why nobody can tell what is meant
  >;
}

export function manifestRoutes({ manifests }: { manifests: ManifestsView }): Hono<ServerEnv> {
  return new Hono<ServerEnv>()
    .get("/manifests", () => {
      const { path, unreadable, held } = manifests;
      return jsonResponse({ path, unreadable, held, files: manifests.files().map(withText) });
    })
    .post("/manifests/confirm-delete", async () => {
      const outcome = await manifests.confirmDelete();
      if ("refusal" in outcome) throw new RequestError(409, `Nothing is deleted: ${outcome.refusal}`);
      return jsonResponse(outcome);
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
