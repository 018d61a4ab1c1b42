import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { serializeEntry } from "../../src/systemd/event-journal.ts";
import { ExportReader, type JournalEntry } from "../../src/systemd/export-format.ts";

const base = { __CURSOR: "c", __REALTIME_TIMESTAMP: "1795671098538179" };
const entry: JournalEntry = {
  message: "",
  realtimeUs: 1_795_671_098_538_179,
  cursor: "c",
  unit: "",
  pid: undefined,
  priority: 6,
  transport: "",
  isPartial: false,
};

function text(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.from(
    `${Object.entries(fields)
      .map(([name, value]) => `${name}=${value}\n`)
      .join("")}\n`,
  );
}

function read(...chunks: readonly Uint8Array[]): JournalEntry[] {
  const reader = new ExportReader();
  return chunks.flatMap((chunk) => reader.read(chunk));
}

describe("an entry", () => {
  const cases: [what: string, fields: Record<string, string>, expected: Partial<JournalEntry>][] = [
    ["with nothing but its place", {}, {}],
    [
      "a line",
      { MESSAGE: "a=b", _PID: "7", PRIORITY: "3", _TRANSPORT: "stdout" },
      { message: "a=b", pid: 7, priority: 3, transport: "stdout" },
    ],
    ["a part of a line", { _LINE_BREAK: "line-max" }, { isPartial: true }],
    ["the last line of a stream without an end", { _LINE_BREAK: "eof" }, { isPartial: false }],
    ["of a unit", { _SYSTEMD_UNIT: "a.service", OBJECT_SYSTEMD_UNIT: "b.service" }, { unit: "a.service" }],
    [
      "of journald, about a unit",
      { _SYSTEMD_UNIT: "a.service", OBJECT_SYSTEMD_UNIT: "b.service", _TRANSPORT: "driver" },
      { unit: "b.service", transport: "driver" },
    ],
    ["a field that nobody asked for", { SYSLOG_PID: "9" }, {}],
  ];
  test.each(cases)("%s", (_what, fields, expected) => {
    expect(read(text({ ...base, ...fields }))).toEqual([{ ...entry, ...expected }]);
  });

  test("of fields that come several times the first counts", () => {
    const twice = Buffer.concat([Buffer.from("MESSAGE=one\n"), text({ ...base, MESSAGE: "two" })]);
    expect(read(twice)).toEqual([{ ...entry, message: "one" }]);
  });

  test("what is no UTF-8 is replaced", () => {
    const fields = Buffer.from(serializeEntry({ MESSAGE: "x" }));
    fields[fields.length - 2] = 0xff;
    expect(read(Buffer.concat([fields, text(base)]))[0]?.message).toBe("\ufffd");
  });
});

test("however it is cut into chunks, all of it comes out", () => {
  const message = fc.string({ unit: "grapheme", maxLength: 50 }).map((value) => `${value}\nMESSAGE=x\n\n`);
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.nat(60)), (messages, cuts) => {
      let rest = Buffer.concat(
        messages.flatMap((value, at) => [
          serializeEntry({ MESSAGE: value }),
          text({ ...base, __CURSOR: String(at) }),
        ]),
      );
      const chunks = cuts.map((cut) => {
        const chunk = rest.subarray(0, cut);
        rest = rest.subarray(cut);
        return chunk;
      });
      const entries = read(...chunks, rest);
      expect(entries.map(({ message: got, cursor }) => [got, cursor])).toEqual(
        messages.map((value, at) => [value, String(at)]),
      );
    }),
  );
});
