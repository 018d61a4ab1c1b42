// What a process that has become idle does not need in memory any more.

import { readFileSync } from "node:fs";
import type { Timers } from "./clock.ts";
import { check, libc } from "./libc.ts";

const MADV_DONTNEED = 4;

/** Without a call for so long. */
const idleMs = 10_000;
/** Bun shrinks its heap later, and collects garbage once more some time after; until then it needs its code. */
const shrunkMs = 15_000;

/**
 * Gives back what a burst of work leaves behind, unless canceled by then: garbage, the heap's free pages (Bun keeps them: 20 MiB after
 * 50 pods), and the pages of this program that were read at the start and are read again from the page cache if ever needed
 * (30 MiB). Takes 20 to 40 ms. The result cancels it.
 */
export function trimMemoryWhenIdle(timers: Timers): () => void {
  let cancel = timers.after(idleMs, () => {
    Bun.gc(true);
    Bun.shrink();
    cancel = timers.after(shrunkMs, dropOwnPages);
  });
  return () => cancel();
}

function dropOwnPages(): void {
  for (const { start, end } of cleanMappings(readFileSync("/proc/self/smaps", "latin1"), process.execPath))
    check("madvise", libc().madvise(start, end - start, MADV_DONTNEED));
}

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
}

/** Of `file`, read only: what was written before that (RELRO) is not in the file, and would be lost. */
export function cleanMappings(smaps: string, file: string): readonly Mapping[] {
  return smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).flatMap((mapping) => {
    const [, start, end, path] = /^(\w+)-(\w+) r-[x-]p \w+ \S+ \d+ +(.*)$/m.exec(mapping) ?? [];
    if (path !== file || !/^Anonymous: +0 kB$/m.test(mapping)) return [];
    return [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`) }];
  });
}
