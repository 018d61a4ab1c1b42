// A manifest with something wrong: in its letters, or in what they say.

import { isJsonObject, type Json } from "../../src/pod/json.ts";

/** mulberry32: the same numbers for the same seed, everywhere. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to less than `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}

const pieces =
  "\n|  |- |: |*a|&a |<<: |{|}|[|]|>\n|!!|!x |---\n|null|~|__proto__: 1\n|constructor: 1\n|\t|\0|'|\"|%|#|,|\ufeff|\ud800|é|0|-1|08|0x1|1e3|99999999999999999999|yes".split(
    "|",
  );

const values: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 53,
  "",
  " ",
  "a",
  "..",
  "../..",
  "/",
  "1Gi",
  "1e99",
  "-5m",
  "$(A)",
  "A".repeat(300),
  "a/".repeat(3000),
  "metadata.labels['a']",
  "\u0000",
  "\n",
  "ü",
  [],
  {},
  [[]],
  [null],
  [{}],
  { name: "a" },
  { __proto__x: 1 },
];

/** One to three changes; `donors` are manifests to take parts from. */
export function mutate(text: string, random: Random, donors: readonly string[]): string {
  const changes = 1 + random.below(3);
  if (random.below(2) === 0) return mutateLetters(text, random, changes);
  const documents = parse(text);
  if (documents === undefined) return mutateLetters(text, random, changes);
  const donor = parse(random.pick(donors)) ?? documents;
  let mutated: Json = documents;
  for (let change = 0; change < changes; change++) mutated = mutateValue(mutated, random, donor);
  const written = Array.isArray(mutated) ? mutated : [mutated];
  return written.map((document) => JSON.stringify(document)).join("\n---\n");
}

/** Undefined also for what holds itself. */
function parse(text: string): Json | undefined {
  try {
    const parsed = JSON.parse(JSON.stringify(Bun.YAML.parse(text)) ?? "null") as Json;
    return /^---$/m.test(text) && Array.isArray(parsed) ? parsed : [parsed];
  } catch {
    return undefined;
  }
}

function mutateLetters(text: string, random: Random, changes: number): string {
  let mutated = text;
  for (let change = 0; change < changes; change++) {
    const at = random.below(mutated.length + 1);
    const removed = random.below(3) === 0 ? random.below(40) : random.below(3);
    mutated = mutated.slice(0, at) + random.pick(pieces) + mutated.slice(at + removed);
  }
  return mutated;
}

/** Goes down at random, and changes what it comes to. */
function mutateValue(value: Json, random: Random, donor: Json): Json {
  const isLeaf = !Array.isArray(value) && !isJsonObject(value);
  if (isLeaf || random.below(6) === 0)
    return random.below(3) === 0 ? part(donor, random) : random.pick(values);
  const entries: [string, Json][] = Object.entries(value);
  const at = random.below(entries.length + 1);
  const entry = entries[at];
  if (entry === undefined)
    entries.push([random.pick(["name", "x", "items", "__proto__"]), random.pick(values)]);
  else if (random.below(8) === 0) entries.splice(at, 1, [`${entry[0]}s`, entry[1]]);
  else if (random.below(9) === 0) entries.splice(at, 1);
  else entries[at] = [entry[0], mutateValue(entry[1], random, donor)];
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function part(value: Json, random: Random): Json {
  const inner = Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : [];
  return inner.length === 0 || random.below(4) === 0 ? value : part(random.pick(inner), random);
}
