// WebSocket frames as a client writes and reads them: by hand, so that the server is held to the RFC and not to itself.

export function clientFrame(
  opcode: number,
  payload: Uint8Array | string,
  { isFinal = true, mask = [1, 2, 3, 4] }: { isFinal?: boolean; mask?: readonly number[] } = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const head = [(isFinal ? 0x80 : 0) | opcode];
  if (bytes.length < 126) head.push(0x80 | bytes.length);
  else if (bytes.length < 65_536) head.push(0x80 | 126, bytes.length >> 8, bytes.length & 0xff);
  else {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(bytes.length));
    head.push(0x80 | 127, ...length);
  }
  const masked = bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([Buffer.from([...head, ...mask]), masked]);
}

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** All whole frames in what a server has sent. */
export function serverFrames(bytes: Buffer): ServerFrame[] {
  const frames: ServerFrame[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const [first = 0, short = 0] = bytes.subarray(at);
    const extra = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (at + 2 + extra > bytes.length) break;
    const length =
      extra === 8 ? Number(bytes.readBigUInt64BE(at + 2)) : extra === 2 ? bytes.readUInt16BE(at + 2) : short;
    const start = at + 2 + extra;
    if (start + length > bytes.length) break;
    frames.push({ opcode: first & 0x0f, payload: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return frames;
}

export const upgradeHead = (path: string, protocol = "v5.channel.k8s.io", method = "GET") =>
  [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Sec-WebSocket-Protocol: ${protocol}`,
    "",
    "",
  ].join("\r\n");
