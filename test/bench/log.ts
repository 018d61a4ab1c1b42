// How long the log of a million lines takes, beside journalctl alone, and what memory the agent needs for it.

import { readFileSync } from "node:fs";
import { Machine, run, uuidOf } from "../e2e/machine.ts";
import { waitUntil } from "../wait-until.ts";
import { benchPod } from "./bench-pod.ts";
import type { Figure } from "./figure.ts";
import { linesAtMs } from "./journal-line.ts";

const lineCount = 1_000_000;

export async function logFigures(): Promise<readonly Figure[]> {
  await using machine = await Machine.create();
  await machine.startAgent();
  const line = "2026-01-01T00:00:00Z INFO request GET /api/items/4711 answered 200 in 12 ms";
  const script = `yes '${line}' | head -n ${lineCount}; echo the last; exec sleep 100000`;
  await machine.write("log.yaml", benchPod({ name: "log", image: machine.image, script }));
  const isWritten = async () => {
    await Bun.sleep(1000);
    return (await linesAtMs("the last")).length > 0;
  };
  await waitUntil("the last line", isWritten, 180_000);
  const unit = `gantry-${uuidOf(await machine.waitForReady("log"))}-main.service`;
  const url = "http://gantry/pods/default/log-node/logs";
  const curl = `curl --silent --unix-socket ${machine.socket}`;
  const tenth = peakMiB(machine.agentPid);
  await timed(`${curl} '${url}?tailLines=${lineCount / 10}' >/dev/null`);
  const tenthMiB = tenth.end();
  const whole = peakMiB(machine.agentPid);
  const floorMs = await timed(`journalctl -o json _SYSTEMD_UNIT=${unit} | cat >/dev/null`);
  const readMs = await timed(`test $(${curl} ${url} | wc -l) -gt ${lineCount}`);
  return [
    {
      what: `log of ${lineCount.toLocaleString("en")} lines; floor: journalctl -o json`,
      unit: "ms",
      samples: [readMs],
      floor: [floorMs],
      target: { ratioAtMost: 1.3 },
    },
    {
      what: "that: the agent's most memory (PSS) beyond that for a tenth of the lines",
      unit: "MiB",
      samples: [whole.end() - tenthMiB],
      target: { atMost: 5 },
    },
  ];
}

async function timed(command: string): Promise<number> {
  const startedMs = performance.now();
  await run("sh", "-c", command);
  return performance.now() - startedMs;
}

/** The most that the process has until then. */
function peakMiB(pid: number): { end(): number } {
  const pssMiB = () =>
    Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]) / 1024;
  let most = pssMiB();
  const watch = setInterval(() => {
    most = Math.max(most, pssMiB());
  }, 100);
  return {
    end() {
      clearInterval(watch);
      return Math.max(most, pssMiB());
    },
  };
}
