// A D-Bus daemon that loses signals or tells something else: a socket in front of the real one, which changes what comes from it.

import { createConnection, createServer } from "node:net";
import { fixedHeaderLength, messageLength, parseSignalHeader } from "../../src/systemd/message-frame.ts";

export interface BusChange {
  /** Signals of that member never arrive. */
  readonly lost?: string;
  /** What is told instead of what, at equal length. */
  readonly instead?: readonly [from: string, to: string];
}

/** Listens on `path` until disposed of. `lost` counts the signals that were. */
export async function busProxy(path: string, { lost, instead: [from, to] = ["", ""] }: BusChange) {
  const told = { lost: 0 };
  const server = createServer((client) => {
    const daemon = createConnection("/run/dbus/system_bus_socket");
    let pending = Buffer.alloc(0);
    client.on("data", (chunk) => daemon.write(chunk));
    daemon.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      for (
        let length = firstLength(pending);
        length > 0 && length <= pending.length;
        length = firstLength(pending)
      ) {
        const message = pending.subarray(0, length);
        pending = pending.subarray(length);
        if (isMessage(message) && lost !== undefined && parseSignalHeader(message)?.member === lost)
          told.lost++;
        else {
          const at = from === "" ? -1 : message.indexOf(from);
          if (at >= 0) message.write(to, at);
          client.write(message);
        }
      }
    });
    const end = () => [client, daemon].forEach((socket) => void socket.destroy());
    for (const socket of [client, daemon]) socket.on("close", end).on("error", end);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    get lost() {
      return told.lost;
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

/** What comes first is lines, in capitals. */
function isMessage(bytes: Buffer): boolean {
  return bytes[0] === "l".charCodeAt(0);
}

/** Of the first line or message; 0 where that cannot be told yet. */
function firstLength(bytes: Buffer): number {
  if (!isMessage(bytes)) return bytes.indexOf("\n") + 1;
  return bytes.length < fixedHeaderLength ? 0 : messageLength(bytes);
}
