import { describe, expect, test } from "bun:test";
import { createLog, type LogOptions } from "../../src/host/log.ts";

function logged(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = createLog({ write, isJournal: false, isDebug: false, wallMs: () => 0, ...options });
  return { log, lines };
}

describe("createLog", () => {
  test("a line for each event, with time and level", () => {
    const { log, lines } = logged();
    log.info("listening", { address: "http://127.0.0.1:10255", port: 10255 });
    expect(lines).toEqual([
      "1970-01-01T00:00:00.000Z info listening address=http://127.0.0.1:10255 port=10255\n",
    ]);
  });

  test("for the journal, its priority in place of the time", () => {
    const { log, lines } = logged({ isJournal: true, isDebug: true });
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    expect(lines).toEqual(["<7>a\n", "<6>b\n", "<4>c\n", "<3>d\n"]);
  });

  test("no text that comes from outside makes a line of its own", () => {
    const { log, lines } = logged({ isJournal: true });
    log.warn("x", { error: "two\n<3>lines", empty: "", quote: '"', none: undefined, yes: true });
    expect(lines).toEqual(['<4>x error="two\\n<3>lines" empty="" quote="\\"" yes=true\n']);
  });

  test("debug is silent unless told", () => {
    const { log, lines } = logged();
    log.debug("x");
    expect(lines).toEqual([]);
  });
});
