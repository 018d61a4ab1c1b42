import { expect, test } from "bun:test";
import { MessageType } from "dbus-next/lib/constants.js";
import { marshallMessage } from "dbus-next/lib/marshall-compat.js";
import { Message } from "dbus-next/lib/message-type.js";
import { messageLength, parseSignalHeader } from "../../src/systemd/message-frame.ts";

const signal = {
  path: "/org/freedesktop/systemd1/unit/gantry_2d1",
  interface: "org.freedesktop.DBus.Properties",
  member: "PropertiesChanged",
  sender: ":1.7",
  signature: "sas",
};

function bytesOf(fields: object): Buffer {
  const [bytes] = marshallMessage(
    new Message({ serial: 1, ...fields } as ConstructorParameters<typeof Message>[0]),
  );
  return bytes;
}

test("a signal tells where it comes from, and where it ends", () => {
  const bytes = bytesOf({ ...signal, type: MessageType.SIGNAL, body: ["a", ["b", "cc"]] });
  expect(messageLength(bytes)).toBe(bytes.length);
  expect(parseSignalHeader(Buffer.concat([bytes, bytes]))).toEqual(signal);
});

test("a message without a body, and one that is no signal", () => {
  const call = bytesOf({ path: "/", interface: "a.b", member: "C", destination: "d.e" });
  expect(messageLength(call)).toBe(call.length);
  expect(parseSignalHeader(call)).toBeUndefined();
});

test.each([
  ["another byte order", (bytes: Buffer) => bytes.writeUInt8(0x78, 0)],
  ["a field of many types", (bytes: Buffer) => bytes.writeUInt8(9, 17)],
  ["a field that is longer than the header", (bytes: Buffer) => bytes.writeUInt32LE(100_000, 20)],
])("what is no message throws: %s", (_what, spoil) => {
  const bytes = bytesOf({ ...signal, type: MessageType.SIGNAL, body: ["a", ["b"]] });
  spoil(bytes);
  expect(() => parseSignalHeader(bytes)).toThrow(RangeError);
});
