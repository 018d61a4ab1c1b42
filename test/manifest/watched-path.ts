// Watches a path in a user namespace of its own, where a limit of inotify takes nothing from anybody else: `unshare --user --map-root-user --pid
// --fork --mount-proc bun watched-path.ts PATH`. A line of its input is `look`, or a limit as in `max_inotify_watches 0`.

import { writeFileSync } from "node:fs";
import { PathWatch } from "../../src/manifest/path-watch.ts";
import { silent } from "./watched-directory.ts";

const say = (text: string) => console.log(text);
using watch = new PathWatch(process.argv[2] ?? "", () => say("hint"), { ...silent, info: say, warn: say });
for await (const line of console) {
  const [limit, value] = line.split(" ");
  if (value === undefined) await watch.arm();
  else writeFileSync(`/proc/sys/user/${limit}`, value);
  say("done");
}
