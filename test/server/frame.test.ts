import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  binaryHeader,
  closeFrame,
  FrameError,
  FrameReader,
  type Piece,
  pongFrame,
} from "../../src/server/frame.ts";
import { clientFrame, serverFrames } from "./client-frame.ts";

function read(...chunks: readonly Uint8Array[]): Piece[] {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => [...reader.read(Buffer.from(chunk))]);
}

/** The messages out of their pieces. */
function messages(pieces: readonly Piece[]): string[] {
  const all: string[] = [];
  for (const piece of pieces) {
    if (piece.kind !== "data") continue;
    if (piece.isStart) all.push("");
    all[all.length - 1] += piece.bytes.toString("latin1");
  }
  return all;
}

test("whatever a client sends, however it is cut into frames and chunks, comes out the same", () => {
  const message = fc.array(fc.uint8Array({ maxLength: 70_000, size: "max" }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 4 }),
      fc.array(fc.nat(5000)),
      fc.boolean(),
      (sent, cuts, hasPings) => {
        const frames = sent.flatMap((parts) =>
          parts.flatMap((part, at) => [
            clientFrame(at === 0 ? 2 : 0, part, {
              isFinal: at === parts.length - 1,
              mask: [7, 255, 0, part.length % 256],
            }),
            ...(hasPings ? [clientFrame(9, "ping")] : []),
          ]),
        );
        let rest = Buffer.concat(frames);
        const chunks = cuts.map((cut) => {
          const chunk = rest.subarray(0, cut);
          rest = rest.subarray(cut);
          return chunk;
        });
        const pieces = read(...chunks, rest);
        expect(messages(pieces)).toEqual(sent.map((parts) => Buffer.concat(parts).toString("latin1")));
        const pings = pieces.filter(({ kind }) => kind === "ping");
        expect(pings).toHaveLength(hasPings ? sent.flat().length : 0);
      },
    ),
    { numRuns: 100 },
  );
});

test("a message of any length is passed on as it comes", () => {
  const head = Buffer.from([0x82, 0xff, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // 16 TiB
  const [piece] = read(head, Buffer.from("first of it"));
  expect(piece).toEqual({ kind: "data", isStart: true, isEnd: false, bytes: Buffer.from("first of it") });
});

describe("is refused:", () => {
  test.each([
    ["a frame that is not masked", Buffer.from([0x82, 1, 65])],
    ["a reserved bit", Buffer.from([0xc2, 0x80, 0, 0, 0, 0])],
    ["an unknown kind", clientFrame(3, "")],
    ["a continuation of nothing", clientFrame(0, "x")],
    [
      "a message within a message",
      Buffer.concat([clientFrame(2, "x", { isFinal: false }), clientFrame(2, "y")]),
    ],
    ["a ping that is too long", clientFrame(9, "x".repeat(126))],
    ["a close in parts", clientFrame(8, "", { isFinal: false })],
    [
      "a length beyond all numbers",
      Buffer.from([0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
    ],
  ])("%s", (_what, bytes) => {
    expect(() => read(bytes)).toThrow(FrameError);
  });
});

test("what the server sends is what a client reads", () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    const payload = Buffer.alloc(length, "x");
    expect(serverFrames(Buffer.concat([binaryHeader(length), payload]))).toEqual([{ opcode: 2, payload }]);
  }
  expect(serverFrames(pongFrame(Buffer.from("hi")))).toEqual([{ opcode: 10, payload: Buffer.from("hi") }]);
  expect(serverFrames(closeFrame(1000))).toEqual([{ opcode: 8, payload: Buffer.of(3, 232) }]);
  expect(serverFrames(closeFrame(1002, "x".repeat(500)))[0]?.payload).toHaveLength(125);
});
