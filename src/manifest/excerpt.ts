// The lines of a rejected manifest around what is wrong with it, to be shown beside the problems. Pure.
// Invariant: nothing of a file that may hold a Secret.

import type { ManifestLine } from "../pod/desired.ts";
import type { Problem } from "../pod/problem.ts";

const linesAround = 2;
const linesMax = 60;
const lineLengthMax = 200;

/** Also of text that is no YAML and in which only the word tells. */
const secretKind = /\bkind["']?\s*:\s*["']?Secret(List)?\b|\bstringData\b|^\s*\?/m;

export function excerptOf(text: string, problems: readonly Problem[]): readonly ManifestLine[] {
  // A name for the kind would escape the pattern, be it written with escapes, a tag or an anchor.
  if (secretKind.test(text) || /\bkind["']?\s*:\s*["']?[^\w"'\s]|\\/.test(text)) return [];
  const near = (line: number) => problems.some((problem) => Math.abs(problem.line - line) <= linesAround);
  return text
    .split("\n")
    .map((content, index) => ({ line: index + 1, text: content.slice(0, lineLengthMax) }))
    .filter(({ line }) => near(line))
    .slice(0, linesMax);
}
