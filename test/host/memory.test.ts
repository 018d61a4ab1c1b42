// Which of its own pages a process may drop.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { cleanMappings } from "../../src/host/memory.ts";

/** Shortened to what counts; the last of the first three is what the dynamic linker has written to and then made read-only. */
const smaps = `00200000-01a39000 r--p 00000000 fe:00 2181631                            /opt/my programs/gantry
Rss:                7140 kB
Anonymous:             0 kB
01a40000-0684a000 r-xp 01838000 fe:00 2181631                            /opt/my programs/gantry
Rss:               24520 kB
Anonymous:             0 kB
0684a000-06867000 r--p 06641000 fe:00 2181631                            /opt/my programs/gantry
Rss:                 116 kB
Anonymous:           116 kB
06867000-07212000 rw-p 0665e000 fe:00 2181631                            /opt/my programs/gantry
Rss:                7620 kB
Anonymous:             0 kB
7fe9002f8000-7fe90044e000 r-xp 00026000 00:53 339380                     /usr/lib/x86_64-linux-gnu/libc.so.6
Rss:                1240 kB
Anonymous:             0 kB
7fff00000000-7fff00010000 r-xp 00000000 00:00 0
Anonymous:             0 kB
`;

test("only what the file holds as it is", () => {
  expect(cleanMappings(smaps, "/opt/my programs/gantry")).toEqual([
    { start: 0x200000n, end: 0x1a39000n },
    { start: 0x1a40000n, end: 0x684a000n },
  ]);
});

test("what the kernel really writes is understood", () => {
  expect(cleanMappings(readFileSync("/proc/self/smaps", "latin1"), process.execPath)).not.toEqual([]);
});
