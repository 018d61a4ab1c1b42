// What `enter` starts is as the app is.

import { expect, test } from "bun:test";
import { lines, runningPod, scripts } from "./running-pod.ts";

const sleeper = "trap 'exit 3' TERM; while :; do sleep 0.05; done";

test("what is entered has the app's user, capabilities, cgroup and default signals", async () => {
  const isolators = [
    { name: "os/linux/no-new-privileges", value: true },
    { name: "os/linux/capabilities-retain-set", value: { set: ["CAP_KILL"] } },
  ];
  const change = { user: "web", group: "web", supplementaryGIDs: [102], workingDirectory: "/tmp", isolators };
  await using pod = await runningPod(scripts({ web: `cat /proc/self/cgroup; echo up; ${sleeper}` }, change));
  const own = await lines(pod, "web", "up");
  const { stdout } = await pod.world.rkt(
    "enter",
    pod.uuid,
    "/bin/sh",
    "-c",
    "id -u; id -G; pwd; grep -E '^(CapEff|CapBnd|NoNewPrivs|SigIgn)' /proc/self/status; cat /proc/self/cgroup",
  );
  const [uid, groups, directory, ignored, effective, bounding, noNew, ...cgroups] = stdout
    .trimEnd()
    .split("\n");
  expect([uid, groups, directory]).toEqual(["100", "101 102", "/tmp"]);
  expect([ignored, effective, bounding, noNew]).toEqual([
    "SigIgn:\t0000000000000000",
    "CapEff:\t0000000000000000",
    "CapBnd:\t0000000000000020",
    "NoNewPrivs:\t1",
  ]);
  expect([...cgroups, "up"]).toEqual([...own]); // as seen from the same place
});

test("regression: what is entered had the caller's umask, limits and place in the queue of the OOM killer", async () => {
  const limited = "umask 027; ulimit -n 100; ulimit -S -n 90; echo 300 >/proc/self/oom_score_adj; echo up";
  await using pod = await runningPod(scripts({ web: `${limited}; ${sleeper}` }));
  await lines(pod, "web", "up");
  const show = "umask; ulimit -S -n; ulimit -H -n; cat /proc/self/oom_score_adj";
  const { stdout } = await pod.world.rkt("enter", pod.uuid, "/bin/sh", "-c", show);
  expect(stdout.trimEnd().split("\n")).toEqual(["0027", "90", "100", "300"]);
});
