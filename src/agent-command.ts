// `gantry agent`: the configuration, the log and the signals around the agent; its end becomes an exit code.

import { runAgent } from "./agent.ts";
import { ConfigError } from "./config/config-error.ts";
import { LiveConfig } from "./config/live-config.ts";
import type { ConfigInput } from "./config/read-config.ts";
import { systemClock } from "./host/clock.ts";
import { errorChain, hasErrorCode } from "./host/error.ts";
import { createLog } from "./host/log.ts";
import { isConfined } from "./host/outside.ts";

/** Resolves with the exit code. */
export async function runAgentCommand(
  flags: ConfigInput["flags"],
  self: readonly [program: string, ...args: string[]],
): Promise<number> {
  let config: LiveConfig;
  try {
    config = await LiveConfig.read({ flags, environment: process.env });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) process.stderr.write(`gantry agent: ${problem}\n`);
    return 2;
  }
  const log = createLog({
    write: (line) => process.stderr.write(line),
    isJournal: process.env.JOURNAL_STREAM !== undefined,
    get isDebug() {
      return config.current.debug;
    },
    wallMs: systemClock.wallMs,
  });
  const ended = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => ended.abort());
  try {
    await runAgent(config, { self, log, signal: ended.signal });
    return 0;
  } catch (error) {
    if (ended.signal.aborted) return 0;
    log.error("Cannot run", { error: errorChain(error), ...(isForbiddenByUnit(error) && { hint }) });
    return 1;
  }
}

const hint = "the unit was written for other directories or ports: run gantry install --now again";

/** The installed unit lets it write, and open ports, as the configuration said then. */
function isForbiddenByUnit(error: unknown): boolean {
  if (!isConfined()) return false;
  for (let at = error; at instanceof Error; at = at.cause)
    if (hasErrorCode(at, "EROFS", "EACCES")) return true;
  return false;
}
