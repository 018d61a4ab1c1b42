// The agent's own log: a line on stderr for each event, with journald's priority prefix where journald reads it (sd-daemon(3)).

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly write: (line: string) => void;
  /** stderr is journald's: prefix priorities, leave the time to it. */
  readonly isJournal: boolean;
  /** Asked for each line, so that it may be a getter. */
  readonly isDebug: boolean;
  readonly wallMs: () => number;
}

export function createLog(options: LogOptions): Log {
  const line =
    (priority: number, label: string) =>
    (message: string, fields: LogFields = {}) => {
      const start = options.isJournal
        ? `<${priority}>`
        : `${new Date(options.wallMs()).toISOString()} ${label} `;
      options.write(`${start}${[message, ...Object.entries(fields).flatMap(formatField)].join(" ")}\n`);
    };
  const debug = line(7, "debug");
  return {
    debug(message, fields) {
      if (options.isDebug) debug(message, fields);
    },
    info: line(6, "info"),
    warn: line(4, "warn"),
    error: line(3, "error"),
  };
}

function formatField([key, value]: [string, LogFields[string]]): string[] {
  if (value === undefined) return [];
  const text = String(value);
  return [`${key}=${/^[\w./:@,+-]+$/.test(text) ? text : JSON.stringify(text)}`];
}
