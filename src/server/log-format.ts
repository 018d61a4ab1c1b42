// The lines of a log as they are answered: as text, or as records, one JSON object a line. Pure.

import type { LogLine } from "../pod/pod-log.ts";

/** A line with its end. */
export type LogFormat = (line: LogLine) => string;

/** As the container wrote it, control sequences too. */
export const plainText: LogFormat = ({ message }) => `${message}\n`;

/** With the time before it, as the kubelet has it. */
export const textWithTime: LogFormat = ({ message, timestampUs }) =>
  `${formatTime(timestampUs)} ${message}\n`;

/** `application/x-ndjson`. */
export function recordsOf(container: string): LogFormat {
  return ({ message, timestampUs, priority, pid, revision, cursor, isNotice }) => {
    const record = {
      timestamp: formatTime(timestampUs),
      container,
      message,
      priority,
      pid,
      revision,
      cursor,
    };
    return `${JSON.stringify(isNotice ? { ...record, isNotice } : record)}\n`;
  };
}

/** RFC 3339 in UTC with nine digits of the second: always the same width. */
function formatTime(timestampUs: number): string {
  const second = Math.floor(timestampUs / 1_000_000);
  const microseconds = String(timestampUs % 1_000_000).padStart(6, "0");
  return `${new Date(second * 1000).toISOString().slice(0, 19)}.${microseconds}000Z`;
}
