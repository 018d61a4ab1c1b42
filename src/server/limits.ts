// How much one client, or all of them, may take of the agent.

export interface Limits {
  /** Of each listener. As many again are let in to be told so; more are cut at once. */
  readonly connections: number;
  /** Of each listener: what stays open without an end of its own, logs, streams of changes, commands. */
  readonly followers: number;
  readonly headerBytes: number;
  /** Of what is no command's standard input. */
  readonly bodyBytes: number;
  /** For the whole header, however it trickles in. */
  readonly headerMs: number;
  /** For the whole body, however it trickles in. */
  readonly bodyMs: number;
  /** Without a byte in either direction. */
  readonly silenceMs: number;
}

export const defaultLimits: Limits = {
  connections: 2048,
  followers: 1536,
  headerBytes: 16 * 1024,
  bodyBytes: 64 * 1024,
  headerMs: 10_000,
  bodyMs: 30_000,
  silenceMs: 60_000,
};
