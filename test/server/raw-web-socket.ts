// A WebSocket with channels, by a raw client.

import type { Socket } from "node:net";
import { type RawClient, rawClient } from "./at-socket.ts";
import { clientFrame, serverFrames, upgradeHead } from "./client-frame.ts";

export class RawWebSocket {
  readonly #client: RawClient;

  constructor(address: string, path: string, ...upgrade: string[]) {
    this.#client = rawClient(address, upgradeHead(path, ...upgrade));
  }

  get socket(): Socket {
    return this.#client.socket;
  }

  get closed(): Promise<number> {
    return this.#client.closed;
  }

  /** All that has come, as latin1. */
  get raw(): string {
    return this.#client.text();
  }

  /** The messages that have come so far, by their first byte. */
  get messages(): { channel: number; bytes: Buffer }[] {
    const raw = Buffer.from(this.raw, "latin1");
    return serverFrames(raw.subarray(raw.indexOf("\r\n\r\n") + 4))
      .filter(({ opcode }) => opcode === 2)
      .map(({ payload }) => ({ channel: payload[0] ?? -1, bytes: payload.subarray(1) }));
  }

  textOn(channel: number): string {
    const bytes = this.messages
      .filter((message) => message.channel === channel)
      .map((message) => message.bytes);
    return Buffer.concat(bytes).toString();
  }

  send(channel: number, text: string | Uint8Array = ""): void {
    this.socket.write(clientFrame(2, Buffer.concat([Buffer.of(channel), Buffer.from(text)])));
  }
}
