// What `gantry get` needs to know of a kind of thing.

import type { AgentClient } from "./agent-client.ts";
import type { Row } from "./table.ts";

export interface Resource<T extends object = object> {
  /** As typed; the first one is also shown, in `-o name` and messages. */
  readonly names: readonly string[];
  readonly isNamespaced: boolean;
  /** Where its changes are told; undefined: nowhere. */
  readonly watchPath?: "/pods" | "/events";
  /** What the agent answers, and the things in it. */
  list(client: AgentClient): Promise<{ readonly whole: object; readonly items: readonly T[] }>;
  /** The whole answer with only some of its things. */
  withItems(whole: object, items: readonly T[]): object;
  nameOf(item: T): string;
  namespaceOf(item: T): string | undefined;
  /** Whether a person means it by this name. */
  isNamed(item: T, name: string): boolean;
  labelsOf(item: T): Readonly<Record<string, string>>;
  /** What else the answer says, a line each. */
  notes?(whole: object): readonly string[];
  head(columns: Columns): readonly string[];
  row(item: T, columns: Columns): Row;
}

export interface Columns {
  readonly isWide: boolean;
  readonly nowMs: number;
}

/** As kubectl writes that there is nothing to tell. */
export const unknown = "<unknown>";
export const none = "<none>";
