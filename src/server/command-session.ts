// A command on one side, a WebSocket with channels on the other.
// Invariant: neither is faster than the other; when the client goes the command ends, and when the command has ended the client has all
// that it wrote, and then how it ended.

import type { RunningCommand } from "../pod/container-command.ts";
import { channelParts, channels, exitStatus, Resizes } from "./channels.ts";
import type { WebSocketConnection } from "./web-socket.ts";

export interface SessionStreams {
  readonly input: boolean;
  readonly output: boolean;
  readonly errors: boolean;
}

/** Resolves once all is over. */
export async function connectCommand(
  socket: WebSocketConnection,
  command: RunningCommand,
  streams: SessionStreams,
): Promise<void> {
  void socket.closed.then(() => command.kill());
  const reading = passInput(socket, command, streams.input);
  // Tells the client that it is there, as the kubelet does, on the first channel that it listens to.
  const { output, errors, status } = channels;
  await socket.send(Uint8Array.of(streams.output ? output : streams.errors ? errors : status));
  await Promise.all([
    pass(command.output, streams.output, (bytes) => socket.send(Uint8Array.of(output), bytes)),
    pass(command.errors, streams.errors, (bytes) => socket.send(Uint8Array.of(errors), bytes)),
  ]);
  await socket.send(Uint8Array.of(status), Buffer.from(exitStatus(await command.exitCode)));
  socket.close();
  await reading;
}

async function pass(
  stream: AsyncIterable<Uint8Array>,
  isWanted: boolean,
  send: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  for await (const bytes of stream) if (isWanted) await send(bytes);
}

async function passInput(
  socket: WebSocketConnection,
  command: RunningCommand,
  isWanted: boolean,
): Promise<void> {
  const resizes = new Resizes();
  for await (const { channel, bytes } of channelParts(socket.messages())) {
    if (channel === channels.input && isWanted) await command.write(bytes);
    else if (channel === channels.close && bytes[0] === channels.input && isWanted) command.endInput();
    else if (channel === channels.resize) {
      const size = resizes.add(bytes);
      if (size) command.resize(size.columns, size.rows);
    }
  }
}
