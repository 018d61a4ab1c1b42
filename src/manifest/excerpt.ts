// The lines of a rejected manifest around what is wrong with it, to be shown beside the problems.
// Invariant: nothing of a file that may hold a Secret: what is not known to be a Pod or a ConfigMap is taken for one.

import { isMap, isScalar, isSeq } from "yaml";
import type { ManifestLine } from "../pod/desired.ts";
import type { Problem } from "../pod/problem.ts";
import { YamlSource } from "./yaml-source.ts";

const linesAround = 2;
const linesMax = 60;
const lineLengthMax = 200;

export function excerptOf(text: string, problems: readonly Problem[]): readonly ManifestLine[] {
  // The limit is of the whole file; its documents may each be below it.
  if (problems.some(({ code }) => code === "TooLarge") || mayHoldSecret(text)) return [];
  const near = (line: number) => problems.some((problem) => Math.abs(problem.line - line) <= linesAround);
  return text
    .split("\n")
    .map((content, index) => ({ line: index + 1, text: content.slice(0, lineLengthMax) }))
    .filter(({ line }) => near(line))
    .slice(0, linesMax);
}

/** One inside of a text, or one that the parser took for a part of what is before it. */
const secretWithin = /\bkind\b\W*secret|\bstringData\b/i;

function mayHoldSecret(text: string): boolean {
  // Apart, so that a quotation or bracket that is not closed hides no document after it.
  const documents = text.split(/^(?:---|\.\.\.)(?=\s|$)/m).filter((part) => !isEmpty(part));
  return secretWithin.test(text) || documents.length === 0 || !documents.every(isKnown);
}

function isEmpty(document: string): boolean {
  return document.split("\n").every((line) => /^\s*(#|$)/.test(line));
}

/** Also when the rest of it is no YAML. */
function isKnown(document: string): boolean {
  const { roots } = new YamlSource(document);
  return roots.length === 1 && roots.every(isPodOrConfigMap);
}

function isPodOrConfigMap(node: unknown): boolean {
  if (!isMap(node)) return false;
  const keys = node.items.map(({ key }) => (isScalar(key) ? String(key.value) : ""));
  // Two objects without a `---` between them: a key comes twice, or one has grown over the lines between.
  if (new Set(keys).size < keys.length || keys.some((key) => !/^\S+$/.test(key))) return false;
  const kind = node.get("kind");
  if (kind !== "List") return kind === "Pod" || kind === "ConfigMap";
  const items = node.get("items");
  return isSeq(items) && items.items.every(isPodOrConfigMap);
}
