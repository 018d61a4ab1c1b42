// Which version of each file counts: the new one, or the one accepted before. Pure.
// Invariant: no two accepted files hold the same name or uid, whatever they held before.

import type { Pod } from "../pod/pod.ts";
import type { Problem } from "../pod/problem.ts";
import { claimsOf, type PlacedPod } from "./validate-file.ts";

export interface Acceptance {
  /** By path; a file without an entry has nothing running. */
  readonly accepted: ReadonlyMap<string, readonly Pod[]>;
  /** By path of those that are not accepted because of another. */
  readonly conflicts: ReadonlyMap<string, readonly Problem[]>;
}

/**
 * `files` are all that are there, with their Pods, undefined for one that has no good version now; `before` is what was accepted.
 */
export function acceptFiles(
  files: ReadonlyMap<string, readonly PlacedPod[] | undefined>,
  before: ReadonlyMap<string, readonly Pod[]>,
): Acceptance {
  const candidates = new Map(
    [...files].flatMap(([path, pods]) => (pods === undefined ? [] : [[path, pods]])),
  );
  const conflicts = new Map<string, readonly Problem[]>();
  const written = ownersOf([...candidates].map(([path, pods]) => [path, pods.map(({ pod }) => pod)]));
  for (const [path, pods] of candidates) {
    const problems = conflictsOf(path, pods, written);
    if (problems.length > 0) conflicts.set(path, problems);
  }
  // A refused file goes on as it was, which may take a name from another: at most one round for each file.
  for (let isDone = false; !isDone; ) {
    isDone = true;
    const kept = [...before].filter(
      ([path]) => files.has(path) && (conflicts.has(path) || !candidates.has(path)),
    );
    const owners = ownersOf(kept);
    for (const [path, pods] of candidates) {
      if (conflicts.has(path)) continue;
      const problems = conflictsOf(path, pods, owners, "the last accepted version of ");
      if (problems.length === 0) continue;
      conflicts.set(path, problems);
      isDone = false;
    }
  }
  const accepted = [...files.keys()].flatMap((path): [string, readonly Pod[]][] => {
    const pods = conflicts.has(path) ? undefined : candidates.get(path)?.map(({ pod }) => pod);
    const kept = pods ?? before.get(path);
    return kept === undefined ? [] : [[path, kept]];
  });
  return { accepted: new Map(accepted), conflicts };
}

type Owners = ReadonlyMap<string, readonly string[]>;

/** The paths that hold each name and uid. */
function ownersOf(files: readonly (readonly [string, readonly Pod[]])[]): Owners {
  const owners = new Map<string, string[]>();
  for (const [path, pods] of files) {
    for (const claim of pods.flatMap(claimsOf)) {
      const paths = owners.get(claim);
      if (paths === undefined) owners.set(claim, [path]);
      else paths.push(path);
    }
  }
  return owners;
}

function conflictsOf(
  path: string,
  pods: readonly PlacedPod[],
  owners: Owners,
  where = "",
): readonly Problem[] {
  return pods.flatMap(({ pod, place }) => {
    for (const claim of claimsOf(pod)) {
      const others = owners.get(claim)?.filter((other) => other !== path) ?? [];
      if (others.length === 0) continue;
      const message = `${claim} is also in ${where}${others.join(", ")}`;
      const hint = "what runs keeps running; remove or rename one of them";
      return [{ code: "Conflict" as const, file: path, ...place, field: "metadata.name", message, hint }];
    }
    return [];
  });
}
