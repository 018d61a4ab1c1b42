// What rkt could not do. Branch on the fields; the text of rkt's stderr is read here and nowhere else.

import { CommandError } from "../host/command.ts";

const notFound =
  /no matches found for|no image IDs found|cannot find aci satisfying|image was not found in the store/;
const busy = /device or resource busy|is currently running/;
/** Go's words for a network or a server that fails. */
const unreachable =
  /no such host|connection refused|connection reset|broken pipe|network is unreachable|no route to host|server misbehaving|failure in name resolution|(?:i\/o|handshake) timeout|timeout awaiting|\(timeout\)|Client\.Timeout|deadline exceeded|(?:unexpected |: )EOF|HTTP (?:status )?code: (?:429|5\d\d)/;
/** An answer that says no, whatever else is in the text, as the image's name. */
const refused = /HTTP (?:status )?code: 4(?!29)\d\d/;
const diskFull = /no space left on device|disk quota exceeded/i;

export class RktError extends Error {
  override readonly name = "RktError";
  /** As in `rkt cannot …`: `list pods`. */
  readonly operation: string;
  /** No such pod, or no such image in the store. */
  readonly isNotFound: boolean;
  /** It may work later: the pod runs, or something of it is still in use. */
  readonly isBusy: boolean;
  readonly isTimeout: boolean;
  /** A server could not be reached, or not answer just now: what it would say is not known. */
  readonly isUnreachable: boolean;
  readonly isDiskFull: boolean;
  /** It ended of its own accord, with an error: it has been asked, and not merely out of reach. */
  readonly isRefusal: boolean;
  /** rkt itself crashed (a Go panic). */
  readonly isPanic: boolean;
  /** The last lines that rkt printed there; empty if none. */
  readonly stderrTail: string;

  constructor(operation: string, cause: unknown) {
    super(`rkt cannot ${operation}`, { cause });
    const command = cause instanceof CommandError ? cause : undefined;
    const stderr = command?.stderr ?? "";
    this.operation = operation;
    this.isNotFound = notFound.test(stderr);
    this.isBusy = busy.test(stderr);
    this.isTimeout = command?.isTimeout ?? false;
    this.isUnreachable = unreachable.test(stderr) && !refused.test(stderr);
    this.isDiskFull = diskFull.test(stderr);
    this.isRefusal = command?.exitCode !== undefined;
    this.isPanic = command?.exitCode === 2 && /^panic: /m.test(stderr);
    this.stderrTail = stderr.trimEnd().split("\n").slice(-5).join("\n").slice(-1000);
  }
}
