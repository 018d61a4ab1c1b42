// The parts of dbus-next that bus.ts uses, which come without types.

declare module "dbus-next/lib/message.js" {
  /** Fields of the header, and a body in the codec's own form. */
  export interface RawMessage {
    type: number;
    path?: string;
    interface?: string;
    member?: string;
    errorName?: string;
    replySerial?: number;
    sender?: string;
    signature?: string;
    body?: unknown[];
  }
  export interface MessageSource {
    on(event: "readable", listener: () => void): void;
    read(bytes: number): Buffer | null;
  }
  /** Reads all messages that are there each time that "readable" is emitted, and throws for what is none. */
  export function unmarshalMessages(source: MessageSource, onMessage: (message: RawMessage) => void): void;
}

declare module "dbus-next/lib/marshall-compat.js" {
  import type { RawMessage } from "dbus-next/lib/message.js";
  import type { Message } from "dbus-next/lib/message-type.js";
  export function marshallMessage(message: Message): [data: Buffer, fds: unknown[]];
  /** Turns the body into plain values, in place: variants stay Variant, 64-bit numbers are bigint. */
  export function messageToJsFmt(message: RawMessage): RawMessage & { signature: string; body: unknown[] };
}

declare module "dbus-next/lib/message-type.js" {
  export { Message } from "dbus-next";
}

declare module "dbus-next/lib/variant.js" {
  export { Variant } from "dbus-next";
}

declare module "dbus-next/lib/constants.js" {
  export const MessageType: { readonly METHOD_RETURN: 2; readonly ERROR: 3; readonly SIGNAL: 4 };
}
