// Why a container says that it ended: a file of ours that is mounted at its terminationMessagePath, or the end of its log.
// Invariant: what a pod has written is read as text of a few kilobytes, never followed as a link nor waited for.

import { randomUUID } from "node:crypto";
import { chmod, constants, mkdir, open, readdir, rm, writeFile } from "node:fs/promises";
import { hasErrorCode } from "../host/error.ts";
import type { PodUid, RktUuid } from "../pod/names.ts";
import type { ObservedApp } from "../pod/observed-pod.ts";
import type { Container } from "../pod/pod.ts";
import { syncJournal } from "../systemd/journal.ts";
import { logOfRevision } from "./app-log.ts";
import type { PodDirectories } from "./pod-directory.ts";
import { readLog } from "./pod-logs.ts";
import type { MessageFiles } from "./revision-record.ts";

/** The kubelet's limits: of a message, of all messages of a pod, of what is taken of a log. */
const messageBytesMax = 4096;
const podBytesMax = 12 * 1024;
const logBytesMax = 2048;
const logLinesMax = 80;
const logTimeoutMs = 10_000;

/** Makes an empty file for each container that wants one, for one attempt; theirs to write, whoever they run as. */
export async function makeMessageFiles(
  uid: PodUid,
  containers: readonly Container[],
  directories: PodDirectories,
): Promise<MessageFiles> {
  const id = randomUUID();
  const used = await directories.messageIds(uid);
  for (const { name, terminationMessagePath } of containers) {
    if (terminationMessagePath === "") continue;
    const directory = directories.container(uid, name);
    await mkdir(directory, { recursive: true, mode: 0o750 });
    // Attempts that ended before there was a revision.
    for (const other of await readdir(directory))
      if (!used.has(other)) await rm(`${directory}/${other}`, { force: true });
    await writeFile(`${directory}/${id}`, "", { flag: "wx" });
    await chmod(`${directory}/${id}`, 0o666);
  }
  const isFallback = ({ terminationMessagePolicy }: Container) =>
    terminationMessagePolicy === "FallbackToLogsOnError";
  return { id, fallbackToLogs: containers.filter(isFallback).map(({ name }) => name) };
}

export interface RevisionMessages {
  readonly uid: PodUid;
  readonly uuid: RktUuid;
  readonly files: MessageFiles | undefined;
}

export class TerminationMessages {
  readonly #directories: PodDirectories;
  readonly #isBuiltin: boolean;
  /** By revision and app: what has ended says no more. */
  readonly #known = new Map<RktUuid, Map<string, string>>();

  constructor(options: { readonly directories: PodDirectories; readonly isBuiltin: boolean }) {
    this.#directories = options.directories;
    this.#isBuiltin = options.isBuiltin;
  }

  forgetAllBut(revisions: ReadonlySet<RktUuid>): void {
    for (const uuid of this.#known.keys()) if (!revisions.has(uuid)) this.#known.delete(uuid);
  }

  /** The apps of a revision, each that has ended with its message; `files` undefined: it has none. */
  async addTo(
    apps: readonly ObservedApp[],
    { uid, uuid, files }: RevisionMessages,
    signal: AbortSignal,
  ): Promise<readonly ObservedApp[]> {
    if (files === undefined || !apps.some(({ state }) => state.kind === "exited")) return apps;
    const known = this.#known.get(uuid) ?? new Map<string, string>();
    this.#known.set(uuid, known);
    const names = apps.map(({ name }) => name);
    const told: ObservedApp[] = [];
    for (const app of apps) {
      if (app.state.kind !== "exited") {
        told.push(app);
        continue;
      }
      const failed = app.state.exitCode !== 0 && files.fallbackToLogs.includes(app.name);
      const message =
        known.get(app.name) ??
        ((await readMessage(`${this.#directories.container(uid, app.name)}/${files.id}`, names.length)) ||
          (failed ? await this.#lastLines({ uuid, app: app.name, apps: names }, signal) : ""));
      if (message !== undefined) known.set(app.name, message);
      told.push({ ...app, state: { ...app.state, message: message ?? "" } });
    }
    return told;
  }

  /** Undefined where the journal could not be read. */
  async #lastLines(
    source: { readonly uuid: RktUuid; readonly app: string; readonly apps: readonly string[] },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(logTimeoutMs)]);
    const lines: string[] = [];
    try {
      await syncJournal(deadline); // what it said last may be on its way still
      const log = logOfRevision(source.uuid, { ...source, isBuiltin: this.#isBuiltin });
      for await (const entries of readLog(log, { tailLines: logLinesMax, signal: deadline }))
        lines.push(...entries.map(({ message }) => `${message}\n`));
    } catch {
      return undefined; // a status without it is better than none
    }
    return Buffer.from(lines.join("")).subarray(-logBytesMax).toString("utf8");
  }
}

async function readMessage(path: string, containers: number): Promise<string> {
  const limit = Math.min(messageBytesMax, Math.floor(podBytesMax / containers));
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) return "";
    const { bytesRead, buffer } = await file.read(Buffer.alloc(limit), 0, limit, 0);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return "";
    return `Error on reading termination log ${path}: ${String((error as Error).message)}`;
  }
}
