// Whether what is missing has been deleted: looks at given times, and what is made of each.

import { expect, test } from "bun:test";
import { Absence, type Memory } from "../../src/manifest/absence.ts";
import type { Entry, Listing, Place } from "../../src/manifest/listing.ts";

const home: Place = { device: "1", inode: "10" };
const nowhere: Place = { device: undefined, inode: undefined };
const ready: Memory = { place: home, isReady: true };

/** `ab`: the files a and b are there. */
function directory(names: string, place: Place = home): Listing {
  const entries = [...names].map((name): [string, Entry] => [
    `/m/${name}`,
    { kind: "file", identity: name, size: 1 },
  ]);
  return { kind: "directory", entries: new Map(entries), place };
}

const missing: Listing = { kind: "missing", entries: new Map(), place: nowhere };
const unreadable: Listing = { kind: "unreadable", reason: "EACCES" };
const onlyReadme: Listing = {
  kind: "directory",
  entries: new Map([["/m/README", { kind: "skipped", reason: "no" }]]),
  place: home,
};
const elsewhere = { device: "2", inode: "10" };
const madeAgain = { device: "1", inode: "11" };

interface Case {
  readonly memory?: Memory;
  /** `abc` unless told. */
  readonly accepted?: string;
  readonly looks: readonly (readonly [atMs: number, Listing])[];
  /** Of each look, its kind, and what its reason says. */
  readonly verdicts: readonly string[];
  readonly after?: Memory;
}

const notReady = (text: string) => `notReady: ${text}`;
const filling = (text: string) => `filling: ${text}`;

test.each<[string, Case]>([
  ["all is there", { looks: [[0, directory("abc")]], verdicts: ["ready"], after: ready }],
  ["one of three is deleted", { looks: [[0, directory("bc")]], verdicts: ["ready"], after: ready }],
  ["two of three at once", { looks: [[0, directory("c")]], verdicts: ["ready"] }],
  ["the only one", { accepted: "a", looks: [[0, directory("")]], verdicts: ["ready"] }],
  [
    "both of two: emptied",
    {
      accepted: "ab",
      looks: [[0, directory("")]],
      verdicts: [notReady("holds no manifest any more and lacks 2 manifests (a, b)")],
      after: { place: home, isReady: false },
    },
  ],
  [
    "what is no manifest does not make it less empty",
    { looks: [[0, onlyReadme]], verdicts: [notReady("lacks 3 manifests (a, b, c)")] },
  ],
  [
    "long lists are cut",
    {
      accepted: "abcde",
      looks: [[0, directory("")]],
      verdicts: [notReady("lacks 5 manifests (a, b, c, 2 more)")],
    },
  ],
  ["replaced by others", { looks: [[0, directory("de")]], verdicts: ["ready"] }],
  [
    "emptied, and filled again one by one",
    {
      looks: [
        [0, directory("")],
        [60_000, directory("a")],
        [89_999, directory("a")],
        [90_000, directory("ab")],
        [91_000, directory("abc")],
        [92_000, directory("ab")],
      ],
      verdicts: [
        notReady("lacks 3 manifests"),
        filling("still lacks 2 manifests (b, c)"),
        filling("still lacks 2 manifests (b, c)"),
        filling("still lacks a manifest (c)"),
        "ready",
        "ready",
      ],
    },
  ],
  [
    "emptied, and one is back: the others are missed after 30 s without a change",
    {
      looks: [
        [0, directory("")],
        [1000, directory("a")],
        [30_999, directory("a")],
        [31_000, directory("a")],
        [31_250, directory("a")],
      ],
      verdicts: [notReady("lacks"), filling("lacks"), filling("lacks"), "ready", "ready"],
      after: ready,
    },
  ],
  [
    "not there, and back with less",
    {
      looks: [
        [0, missing],
        [1, directory("", madeAgain)],
        [2, directory("a", madeAgain)],
      ],
      verdicts: [
        notReady("is not there. Nothing is deleted"),
        notReady("holds no manifest"),
        filling("still lacks 2 manifests (b, c)"),
      ],
      after: { place: home, isReady: false },
    },
  ],
  [
    "away twice: the time begins again",
    {
      looks: [
        [0, missing],
        [1, directory("a")],
        [29_000, missing],
        [29_001, directory("a")],
        [40_000, directory("a")],
      ],
      verdicts: [
        notReady("not there"),
        filling("lacks"),
        notReady("not there"),
        filling("lacks"),
        filling("lacks"),
      ],
    },
  ],
  [
    "made again where nobody saw it",
    { looks: [[0, directory("a", madeAgain)]], verdicts: [filling("still lacks 2 manifests")] },
  ],
  [
    "made again, whole",
    {
      looks: [[0, directory("abc", madeAgain)]],
      verdicts: ["ready"],
      after: { place: madeAgain, isReady: true },
    },
  ],
  [
    "the only file's directory made again, empty",
    { accepted: "a", looks: [[0, directory("", madeAgain)]], verdicts: [notReady("lacks a manifest (a)")] },
  ],
  [
    "a link may lead elsewhere",
    { looks: [[0, directory("a", { device: "1", inode: undefined })]], verdicts: ["ready"] },
  ],
  [
    "unmounted, however long, and mounted again",
    {
      looks: [
        [0, directory("a", elsewhere)],
        [100_000, directory("a", elsewhere)],
        [100_001, directory("abc")],
      ],
      verdicts: [
        notReady(
          "is on another file system than before and lacks 2 manifests (b, c): is something not mounted?",
        ),
        notReady("another file system"),
        "ready",
      ],
      after: ready,
    },
  ],
  [
    "a single file's file system is not there",
    { accepted: "a", looks: [[0, directory("", elsewhere)]], verdicts: [notReady("another file system")] },
  ],
  [
    "moved to another file system, whole",
    {
      looks: [
        [0, directory("abc", elsewhere)],
        [1, directory("ab", elsewhere)],
      ],
      verdicts: ["ready", "ready"],
      after: { place: elsewhere, isReady: true },
    },
  ],
  [
    "cannot be read: not ready, and neither after it",
    {
      looks: [
        [0, unreadable],
        [1, directory("ab")],
      ],
      verdicts: [
        notReady("cannot be read: EACCES. Nothing is deleted until it can be"),
        filling("lacks a manifest (c)"),
      ],
    },
  ],
  [
    "the agent before this one saw it go",
    {
      memory: { place: home, isReady: false },
      looks: [[0, directory("ab")]],
      verdicts: [filling("still lacks a manifest (c)")],
    },
  ],
  [
    "nothing known and nothing accepted",
    {
      memory: { place: undefined, isReady: true },
      accepted: "",
      looks: [
        [0, missing],
        [1, directory("")],
      ],
      verdicts: [notReady("is not there"), "ready"],
      after: ready,
    },
  ],
])("%s", (_, { memory = ready, accepted = "abc", looks, verdicts, after }) => {
  const absence = new Absence("/m", memory);
  const known = new Map([...accepted].map((name) => [`/m/${name}`, name]));
  const found = looks.map(([nowMs, listing]) => {
    const verdict = absence.look(listing, { accepted: known, nowMs });
    return verdict.kind === "ready" ? verdict.kind : `${verdict.kind}: ${verdict.reason}`;
  });
  expect(found).toEqual(verdicts.map((text) => (text === "ready" ? text : containing(text))));
  if (after !== undefined) expect(absence.memory).toEqual(after);
});

/** Its kind at the beginning, its text anywhere. */
function containing(text: string): string {
  const [kind = "", ...rest] = text.split(": ");
  const part = rest.join(": ").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return expect.stringMatching(new RegExp(`^${kind}: .*${part}`)) as unknown as string;
}

test("what is confirmed is missed from then on, wherever that is; what goes later is another matter", () => {
  const accepted = new Map([..."abc"].map((name) => [`/m/${name}`, name]));
  const absence = new Absence("/m", ready);
  const look = (listing: Listing) => absence.look(listing, { accepted, nowMs: 0 }).kind;
  expect(look(directory("c", elsewhere))).toBe("notReady");
  expect(absence.confirm(directory("c", elsewhere), accepted)).toBeUndefined();
  expect(absence.memory).toEqual({ place: elsewhere, isReady: true });
  expect(look(directory("c", elsewhere))).toBe("ready");
  expect(look(missing)).toBe("notReady");
  expect(absence.confirm(missing, accepted)).toBeUndefined();
  expect(look(missing)).toBe("ready");
  expect(look(directory("", home))).toBe("ready");
});

test("what cannot be read cannot be confirmed", () => {
  expect(new Absence("/m", ready).confirm(unreadable, new Map())).toBe("/m cannot be read: EACCES");
});
