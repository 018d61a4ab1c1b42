// Kubernetes' channels upon a WebSocket: the first byte of a message says which of several streams the rest belongs to.

import type { MessagePart } from "./web-socket.ts";

/** The newer is the older with an end of the input. */
export const channelProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

export const channels = { input: 0, output: 1, errors: 2, status: 3, resize: 4, close: 255 } as const;

export interface ChannelPart {
  readonly channel: number;
  readonly bytes: Buffer;
}

export async function* channelParts(
  messages: AsyncIterable<MessagePart>,
): AsyncGenerator<ChannelPart, void, undefined> {
  let channel: number | undefined;
  for await (const { isStart, bytes } of messages) {
    const isAtStart = isStart || channel === undefined;
    if (isAtStart) channel = bytes[0];
    if (channel !== undefined) yield { channel, bytes: isAtStart ? bytes.subarray(1) : bytes };
  }
}

/** A metav1.Status as the kubelet ends a command with. */
export function exitStatus(exitCode: number): string {
  if (exitCode === 0) return JSON.stringify({ metadata: {}, status: "Success" });
  return JSON.stringify({
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  });
}

/** `{"Width":80,"Height":24}`s out of a stream of them. */
export class Resizes {
  #text = "";

  /** The last size in what has come; undefined: none. */
  add(bytes: Buffer): { readonly columns: number; readonly rows: number } | undefined {
    this.#text += bytes.toString("latin1");
    const whole = this.#text.match(/\{[^{}]*\}/g)?.at(-1);
    this.#text = this.#text.slice(this.#text.lastIndexOf("}") + 1).slice(-longestSize);
    const columns = Number(/"Width":\s*(\d{1,5})\b/i.exec(whole ?? "")?.[1]);
    const rows = Number(/"Height":\s*(\d{1,5})\b/i.exec(whole ?? "")?.[1]);
    return isSize(columns) && isSize(rows) ? { columns, rows } : undefined;
  }
}

const longestSize = 100;

/** What a terminal can have: an unsigned short. */
function isSize(count: number): boolean {
  return count > 0 && count <= 0xffff;
}
