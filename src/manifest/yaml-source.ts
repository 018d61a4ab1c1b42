// YAML (and so JSON) as nodes with places. Only this file and decode-node.ts know the yaml package.
// Invariant: what is handed out has no syntax errors, is nested at most `depthMax` deep, and its aliases lead somewhere and never in a circle.

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from "yaml";

export interface Place {
  /** 1-based. */
  readonly line: number;
  readonly column: number;
}

export interface SourceProblem {
  readonly code: "Syntax" | "TooLarge";
  readonly offset: number;
  readonly message: string;
}

/** The schema is 8 deep, lists and documents included. */
const depthMax = 64;
/** Words and signs. A Pod has some hundreds; 100,000 take up to 1 s to parse when they are made to. */
const lexemesMax = 100_000;
/** Nodes looked at in one file: what a file can hold, but not what aliases can make of it. */
const visitsMax = 200_000;
/** Letters looked at in one file, each node some three times: the same. */
const lettersMax = 4 * 1024 * 1024;

export class YamlSource {
  /** The documents that are not empty. */
  readonly roots: readonly ParsedNode[];
  readonly problems: readonly SourceProblem[];
  readonly #lines = new LineCounter();
  readonly #targets = new Map<Alias, Node>();
  #visits = 0;
  #letters = 0;

  constructor(text: string) {
    // The lexer marks a scalar and then gives it: no letter makes more than two. Most files need not be counted.
    const isTooLong =
      text.length > lexemesMax / 2 && new Lexer().lex(text).drop(lexemesMax).next().done === false;
    const parsed = isTooLong ? [] : parse(text, this.#lines);
    const kinds = [...text.matchAll(/\bkind\b\W*(\w*)/gi)];
    const mayBeSecret =
      /\bSecret/.test(text) ||
      kinds.length < parsed.length ||
      kinds.some(([, kind]) => !/^(Pod|ConfigMap|List)$/.test(kind ?? ""));
    const problems: SourceProblem[] = parsed.flatMap(({ errors, warnings }) =>
      [...errors, ...warnings].map((error) => toProblem(error, mayBeSecret)),
    );
    if (isTooLong)
      problems.push({ code: "TooLarge", offset: 0, message: `more than ${lexemesMax} words and signs` });
    this.roots = parsed.flatMap(({ contents }) => (isNothing(contents) ? [] : [contents]));
    if (problems.length === 0) {
      for (const root of this.roots) survey(root, { targets: this.#targets, problems, mayBeSecret });
    }
    this.problems = problems;
  }

  place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** Whether the file, which then has not been read in full, repeats too much by aliases. */
  get isExhausted(): boolean {
    return this.#visits > visitsMax || this.#letters > lettersMax;
  }

  /** The node itself, or the one that an alias stands for; undefined when the file asks for too much work. */
  resolve(node: Node): Node | undefined {
    this.#visits += 1;
    const target = isAlias(node) ? this.#targets.get(node) : node;
    if (isScalar(target)) this.#letters += target.source?.length ?? 0;
    return this.isExhausted ? undefined : target;
  }
}

export function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function parse(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, {
    lineCounter,
    // The package's own check takes quadratic time (5 s for 30,000 keys); yaml-entries.ts makes it.
    uniqueKeys: false,
    stringKeys: true,
    resolveKnownTags: false,
    // Pretty ones cost time quadratic in their number: 93 s for 1 MiB of `&a &a`.
    prettyErrors: false,
  });
  return "empty" in documents ? [] : documents;
}

/** Where the text may be a Secret's, its messages end before what they quote of it. */
function toProblem({ pos, message }: Document.Parsed["errors"][number], mayBeSecret: boolean): SourceProblem {
  const isDeep = message.startsWith("Maximum call stack"); // the parser is recursive, and catches that itself
  const told = mayBeSecret ? message.replace(/(?:: | sequence ).*$/s, "") : message;
  return { code: "Syntax", offset: pos[0], message: isDeep ? "nested too deeply" : told };
}

interface Survey {
  readonly targets: Map<Alias, Node>;
  readonly problems: SourceProblem[];
  readonly mayBeSecret: boolean;
}

/** Finds what each alias stands for. */
function survey(root: Node, { targets, problems, mayBeSecret }: Survey): void {
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();
  const visit = (node: unknown, depth: number): void => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target !== undefined && !open.has(target)) targets.set(node, target);
      else {
        const why = target === undefined ? "has no anchor before it" : "is inside of what it stands for";
        const name = mayBeSecret ? "(not shown)" : `*${node.source}`;
        problems.push({ code: "Syntax", offset: offsetOf(node), message: `alias ${name} ${why}` });
      }
      return;
    }
    if (isMap(node) || isSeq(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (depth > depthMax) {
        problems.push({ code: "Syntax", offset: offsetOf(node), message: "nested too deeply" });
        return;
      }
      open.add(node);
      for (const item of node.items) {
        if (isMap(node)) visit((item as { value: unknown }).value, depth + 1);
        else visit(item, depth + 1);
      }
      open.delete(node);
    } else if (isScalarWithAnchor(node)) anchors.set(node.anchor, node);
  };
  visit(root, 0);
}

/** Nothing, or nothing but comments, between two `---`. */
function isNothing(contents: ParsedNode | null): contents is null {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function isScalarWithAnchor(node: unknown): node is Node & { readonly anchor: string } {
  return typeof node === "object" && node !== null && "anchor" in node && typeof node.anchor === "string";
}
