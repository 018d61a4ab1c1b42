// Which version of each file counts: the new one, or the one accepted before. Pure.
// Invariants: no two accepted files hold the same name, uid or port of the machine, whatever they held before; no accepted Pod waits for
// itself, not by way of others either.

import { type PodKey, podKeyOf } from "../pod/names.ts";
import type { Problem } from "../pod/problem.ts";
import { annotation } from "./annotations.ts";
import { type Claim, type Content, claimsOf, doClaimsClash, topicOf } from "./content.ts";
import { circleOf } from "./start-order.ts";
import type { PlacedClaim, PlacedContent } from "./validate-file.ts";

export interface Acceptance {
  /** By path; a file without an entry has nothing running. */
  readonly accepted: ReadonlyMap<string, Content>;
  /** By path of those that are not accepted because of another. */
  readonly conflicts: ReadonlyMap<string, readonly Problem[]>;
}

/**
 * `files` are all that are there, with what they hold, undefined for one that has no good version now; `before` is what was accepted.
 */
export function acceptFiles(
  files: ReadonlyMap<string, PlacedContent | undefined>,
  before: ReadonlyMap<string, Content>,
): Acceptance {
  const candidates = new Map(
    [...files].flatMap(([path, made]) => (made === undefined ? [] : [[path, made]])),
  );
  const conflicts = new Map<string, readonly Problem[]>();
  const written = ownersOf(
    [...candidates].map(([path, { claims }]) => [path, claims.map(({ claim }) => claim)]),
  );
  for (const [path, { claims }] of candidates) {
    const problems = conflictsOf(path, claims, written);
    if (problems.length > 0) conflicts.set(path, problems);
  }
  // A refused file goes on as it was, which may take a name from another: at most one round for each file.
  for (let isDone = false; !isDone; ) {
    isDone = true;
    const kept = [...before].filter(
      ([path]) => files.has(path) && (conflicts.has(path) || !candidates.has(path)),
    );
    const owners = ownersOf(kept.map(([path, content]) => [path, claimsOf(content)]));
    for (const [path, { claims }] of candidates) {
      if (conflicts.has(path)) continue;
      const problems = conflictsOf(path, claims, owners, "the last accepted version of ");
      if (problems.length === 0) continue;
      conflicts.set(path, problems);
      isDone = false;
    }
    for (const [path, problems] of circlesOf(candidates, conflicts, kept)) {
      conflicts.set(path, problems);
      isDone = false;
    }
  }
  const accepted = [...files.keys()].flatMap((path): [string, Content][] => {
    const content = conflicts.has(path) ? undefined : candidates.get(path)?.content;
    const kept = content ?? before.get(path);
    return kept === undefined ? [] : [[path, kept]];
  });
  return { accepted: new Map(accepted), conflicts };
}

/** By path, of the candidates that have no conflict yet. */
function circlesOf(
  candidates: ReadonlyMap<string, PlacedContent>,
  conflicts: ReadonlyMap<string, unknown>,
  kept: readonly (readonly [string, Content])[],
): ReadonlyMap<string, readonly Problem[]> {
  const open = [...candidates].filter(([path]) => !conflicts.has(path));
  const pods = [...open.map(([, { content }]) => content), ...kept.map(([, content]) => content)].flatMap(
    (content) => content.pods,
  );
  const order = new Map(pods.map((pod) => [podKeyOf(pod), pod.life.after]));
  const circles = open.map(([path, { waits }]): [string, readonly Problem[]] => [
    path,
    waits.flatMap(({ pod, place }) => circleProblem(circleOf(pod, order), { file: path, ...place })),
  ]);
  return new Map(circles.filter(([, problems]) => problems.length > 0));
}

function circleProblem(
  circle: readonly PodKey[] | undefined,
  place: Pick<Problem, "file" | "line" | "column">,
): readonly Problem[] {
  if (circle === undefined) return [];
  const message = `waits for itself: ${circle.join(" after ")}`;
  const hint = "what runs keeps running; let one of them not wait";
  return [{ code: "Conflict", ...place, field: `metadata.annotations[${annotation.after}]`, message, hint }];
}

interface Owner {
  readonly path: string;
  readonly claim: Claim;
}

/** By topic. */
type Owners = ReadonlyMap<string, readonly Owner[]>;

function ownersOf(files: readonly (readonly [string, readonly Claim[]])[]): Owners {
  const owners = new Map<string, Owner[]>();
  for (const [path, claims] of files) {
    for (const claim of claims) {
      const topic = topicOf(claim);
      const others = owners.get(topic);
      if (others === undefined) owners.set(topic, [{ path, claim }]);
      else others.push({ path, claim });
    }
  }
  return owners;
}

/** One for each object at most: who has another's name has its ports as well. */
function conflictsOf(
  path: string,
  claims: readonly PlacedClaim[],
  owners: Owners,
  where = "",
): readonly Problem[] {
  const problems = new Map<number, Problem>();
  for (const { document, claim, place } of claims) {
    if (problems.has(document)) continue;
    const others = owners
      .get(topicOf(claim))
      ?.filter((other) => other.path !== path && doClaimsClash(claim, other.claim));
    if (others === undefined || others.length === 0) continue;
    const paths = [...new Set(others.map((other) => other.path))].join(", ");
    const message = `${claim.text} is also in ${where}${paths}`;
    const hint = "what runs keeps running; remove or change one of them";
    const { field } = claim;
    problems.set(document, { code: "Conflict", file: path, ...place, field, message, hint });
  }
  return [...problems.values()];
}
