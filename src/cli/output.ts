// What the commands print.
// Invariant: what was printed has been written before the process ends; process.stdout alone would drop it where a pipe is full.

import { errorChain, hasErrorCode } from "../host/error.ts";
import { printable } from "../pod/printable.ts";
import { CommandFailure, OutputClosed } from "./failure.ts";

/** Resolves once it is written, and so no faster than the reader takes it. Throws OutputClosed. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (text.length > 0) await write(process.stdout, text);
}

/** One line on standard error. */
export async function tell(line: string): Promise<void> {
  await write(process.stderr, `${onOneLine(line)}\n`);
}

/** What others wrote, as it may stand in a line of ours. */
export function onOneLine(text: string): string {
  return printable(text.replaceAll(/\s*[\n\t]\s*/g, " "));
}

function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Without a listener the error would be thrown where nobody can catch it.
  if (stream.listenerCount("error") === 0) stream.on("error", () => undefined);
  stream.write(text, (error) => {
    if (!error) resolve();
    else if (hasErrorCode(error, "EPIPE")) reject(new OutputClosed());
    else reject(new CommandFailure(`Cannot write what is to be printed: ${errorChain(error)}`));
  });
  return promise;
}

export type Color = "red" | "green" | "yellow" | "dim" | "bold";

const codes: Readonly<Record<Color, string>> = { red: "31", green: "32", yellow: "33", dim: "2", bold: "1" };

/** Colours are for terminals, and for people who have not said no (no-color.org). */
function isColored(): boolean {
  return process.stdout.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}

export function paint(text: string, color: Color | undefined): string {
  return color === undefined || !isColored() ? text : `\x1b[${codes[color]}m${text}\x1b[0m`;
}
