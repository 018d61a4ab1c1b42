// `gantry agent`: the configuration, the log and the signals around the agent; its end becomes an exit code.

import { runAgent } from "./agent.ts";
import { ConfigError } from "./config/config-error.ts";
import { LiveConfig } from "./config/live-config.ts";
import type { ConfigInput } from "./config/read-config.ts";
import { systemClock } from "./host/clock.ts";
import { errorChain } from "./host/error.ts";
import { createLog } from "./host/log.ts";

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
    log.error("Cannot run", { error: errorChain(error) });
    return 1;
  }
}
