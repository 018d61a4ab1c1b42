// flock(2) on a file or directory: says "somebody is at work here", and ends with its owner however that ends.
// Invariant: nobody waits for ever; a lock is tried for a bounded time.

import { closeSync, constants, fstatSync, openSync, statSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";
import { tryLock } from "../host/libc.ts";
import { EngineError } from "./engine-error.ts";

export class Lock implements Disposable {
  readonly fd: number;
  constructor(fd: number) {
    this.fd = fd;
  }
  /** Whether `path` still is what was locked. */
  isOn(path: string): boolean {
    const [there, locked] = [statSync(path, { throwIfNoEntry: false }), fstatSync(this.fd)];
    return there?.ino === locked.ino && there.dev === locked.dev;
  }
  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** Whether somebody holds `path`; also not where there is nothing. */
export function isLocked(path: string): boolean {
  const lock = tryToLock(path, "shared");
  lock?.[Symbol.dispose]();
  return lock === undefined;
}

/**
 * Undefined while somebody else has it. Where there is no such file the answer is a lock as well, on nothing: nobody can hold it.
 */
export function tryToLock(path: string, kind: "shared" | "exclusive"): Lock | undefined {
  let fd: number;
  try {
    // O_NONBLOCK: a pod's lock is a FIFO.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (!hasErrorCode(error, "ENOENT")) throw error;
    fd = openSync("/dev/null", constants.O_RDONLY);
    return new Lock(fd);
  }
  if (tryLock(fd, kind)) return new Lock(fd);
  closeSync(fd);
  return undefined;
}

/** Tries until `timeoutMs`; a lock is held for milliseconds by those who only look, for seconds by those who unpack. */
export function lockWithin(timeoutMs: number, path: string, fd: number, kind: "shared" | "exclusive"): Lock {
  for (const deadline = performance.now() + timeoutMs; ; Bun.sleepSync(5)) {
    if (tryLock(fd, kind)) return new Lock(fd);
    if (performance.now() < deadline) continue;
    closeSync(fd);
    throw new EngineError(`${path} is in use by another process`);
  }
}
