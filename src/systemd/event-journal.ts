// Events in the journal, as entries with fields of their own (systemd.journal-fields(7)): written, and read back by the next agent.
// Invariants: what is written is always one entry, whatever is in its values; what is read back was written by an agent of this unit
// and state directory, not by a pod, be it root and have it the journal's socket.

import { readFile } from "node:fs/promises";
import { runCommand } from "../host/command.ts";
import { sendDatagram } from "../host/libc.ts";
import type { CountedEvent, EventObject, EventReason } from "../pod/event.ts";
import { type PodUid, podKey } from "../pod/names.ts";

/** What all events have in common: `journalctl MESSAGE_ID=…` shows them. */
export const eventMessageId = "3de63ed7d74b4016a1da59b3c5ba553d";

const journalSocket = "/run/systemd/journal/socket";
const entriesMax = 2000;
const readTimeoutMs = 30_000;
const capSysAdmin = 21n;

type Fields = Readonly<Record<string, string>>;

export class EventJournal {
  readonly #stateDir: string;

  /** `stateDir` tells the agents of one machine apart. */
  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** Never throws and never waits: where journald is not, or does not keep up, an event is not kept. */
  write(event: CountedEvent): void {
    try {
      sendDatagram(
        journalSocket,
        serializeEntry({ ...eventFields(event), GANTRY_STATE_DIR: this.#stateDir }),
      );
    } catch {
      // Shown it is all the same.
    }
  }

  /** The latest, oldest first. Throws CommandError. */
  async read(signal: AbortSignal): Promise<readonly CountedEvent[]> {
    const unit = unitOfCgroup(await readFile("/proc/self/cgroup", "utf8"));
    const own = effectiveCapabilities(await readFile("/proc/self/status", "utf8"));
    if (unit === undefined) return []; // nothing could be told from what others wrote
    const { stdout } = await runCommand(
      [
        ...["journalctl", "--output=json", "--all", "--quiet", "--no-pager", `--lines=${entriesMax}`],
        ...[`MESSAGE_ID=${eventMessageId}`, `GANTRY_STATE_DIR=${this.#stateDir}`],
        ...[`_SYSTEMD_UNIT=${unit}`, "_UID=0", "_TRANSPORT=journal"],
      ],
      { timeoutMs: readTimeoutMs, signal },
    );
    const lines = stdout.split("\n").filter((line) => line !== "");
    return lines.flatMap((line) => parseEvent(JSON.parse(line) as Record<string, unknown>, own) ?? []);
  }
}

/** journald's native protocol, each value with its length: what is in it ends no field. */
export function serializeEntry(fields: Fields): Uint8Array {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => {
      const bytes = Buffer.from(value);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.length));
      return [Buffer.from(`${name}\n`), length, bytes, Buffer.from("\n")];
    }),
  );
}

function eventFields({ object, type, reason, message, count, firstMs }: CountedEvent): Fields {
  const subject = subjectOf(object);
  return {
    MESSAGE: `${subject}${message}`,
    MESSAGE_ID: eventMessageId,
    PRIORITY: type === "Warning" ? "4" : "6",
    SYSLOG_IDENTIFIER: "gantry",
    GANTRY_EVENT_REASON: reason,
    GANTRY_EVENT_TYPE: type,
    GANTRY_EVENT_COUNT: String(count),
    GANTRY_EVENT_FIRST_MS: String(firstMs),
    ...(object.kind === "Pod" && podFields(object)),
  };
}

function podFields({ key, uid, container }: Extract<EventObject, { kind: "Pod" }>): Fields {
  const [namespace = "", name = ""] = key.split("/");
  return {
    GANTRY_POD_UID: uid,
    GANTRY_POD_NAMESPACE: namespace,
    GANTRY_POD_NAME: name,
    ...(container !== undefined && { GANTRY_CONTAINER: container }),
  };
}

function subjectOf(object: EventObject): string {
  if (object.kind === "Node") return "";
  return object.container === undefined ? `${object.key}: ` : `${object.key}: ${object.container}: `;
}

/** Undefined for an entry that is none of ours. `own`: our effective capabilities. */
export function parseEvent(entry: Readonly<Record<string, unknown>>, own: bigint): CountedEvent | undefined {
  const text = (name: string) => (typeof entry[name] === "string" ? entry[name] : undefined);
  // Journald takes unit and user from the kernel's word on who sent it, which only CAP_SYS_ADMIN could bend. Still, a real rkt's `enter`
  // leaves what it starts in our unit, with a container's capabilities: an agent has all, or those that its unit leaves it.
  const capabilities = BigInt(`0x${text("_CAP_EFFECTIVE") ?? "0"}`);
  if (((capabilities >> capSysAdmin) & 1n) === 0n && capabilities !== own) return undefined;
  const uid = text("GANTRY_POD_UID");
  const key = podKey(text("GANTRY_POD_NAMESPACE") ?? "", text("GANTRY_POD_NAME") ?? "");
  const object: EventObject =
    uid === undefined
      ? { kind: "Node" }
      : { kind: "Pod", key, uid: uid as PodUid, container: text("GANTRY_CONTAINER") };
  const message = text("MESSAGE");
  const type = text("GANTRY_EVENT_TYPE");
  const reason = text("GANTRY_EVENT_REASON");
  const count = Number(text("GANTRY_EVENT_COUNT"));
  const firstMs = Number(text("GANTRY_EVENT_FIRST_MS"));
  const lastMs = Math.floor(Number(text("__REALTIME_TIMESTAMP")) / 1000);
  const subject = subjectOf(object);
  if (!message?.startsWith(subject) || (type !== "Normal" && type !== "Warning") || reason === undefined)
    return undefined;
  if (![count, firstMs, lastMs].every(Number.isSafeInteger)) return undefined;
  return {
    object,
    type,
    reason: reason as EventReason, // an agent's word, if perhaps an older one's
    message: message.slice(subject.length),
    count,
    firstMs,
    lastMs,
  };
}

function effectiveCapabilities(status: string): bigint {
  return BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
}

/** The unit of a process by its `/proc/PID/cgroup`, as journald makes it out (sd_pid_get_unit(3)); undefined: none. */
export function unitOfCgroup(text: string): string | undefined {
  const paths = text.split("\n").map((line) => /^\d+:(name=systemd)?:(\/.+)$/.exec(line)?.[2] ?? "");
  const parts = paths.find((path) => path !== "")?.split("/") ?? [];
  return parts.find((part) => /\.(service|scope)$/.test(part));
}
