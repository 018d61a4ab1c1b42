// A configuration file becomes values, each with its place, or problems, each with its place.

import { decodeNode } from "../manifest/decode-node.ts";
import { Report } from "../manifest/report.ts";
import { optional, type Rows, type Struct, struct } from "../manifest/row.ts";
import { isJsonObject, type Json } from "../pod/json.ts";
import { formatProblem } from "../pod/problem.ts";
import type { Value } from "./setting.ts";
import { allSettings } from "./settings.ts";

export interface Given {
  readonly value: Value;
  /** `/etc/gantry/config.yaml:3:7`, `GANTRY_STATE_DIR`, `--state-dir`. */
  readonly from: string;
}

export interface DecodedFile {
  /** By key. */
  readonly given: ReadonlyMap<string, Given>;
  /** One line each. */
  readonly problems: readonly string[];
}

export function decodeConfigFile(path: string, text: string): DecodedFile {
  const report = new Report(path, text);
  const given = new Map<string, Given>();
  const [root, second] = report.source.roots;
  if (second) report.add({ code: "Invalid", field: "", message: "more than one document", offset: 0 });
  if (root && report.problems.length === 0) {
    const written = decodeNode(schema, root, "", report) ?? {};
    for (const { key } of allSettings) {
      const value = valueAt(written, key.split("."));
      if (value === undefined) continue;
      const { line, column } = report.placeOf(key);
      given.set(key, { value: value as Value, from: `${path}:${line}:${column}` }); // it has the row's shape
    }
  }
  return { given, problems: report.problems.map(formatProblem) };
}

const schema = schemaOf(allSettings.map(({ key, shape }) => ({ names: key.split("."), shape })));

interface Leaf {
  readonly names: readonly string[];
  readonly shape: (typeof allSettings)[number]["shape"];
}

function schemaOf(leaves: readonly Leaf[]): Struct {
  const rows: Rows = Object.fromEntries(
    [...Map.groupBy(leaves, ({ names: [first = ""] }) => first)].map(([name, ofName]) => {
      const inner = ofName.map(({ names, shape }) => ({ names: names.slice(1), shape }));
      const [only] = inner;
      return [name, optional(only?.names.length === 0 ? only.shape : schemaOf(inner))];
    }),
  );
  return struct(rows);
}

function valueAt(written: Json, names: readonly string[]): Json | undefined {
  let at: Json | undefined = written;
  for (const name of names) at = isJsonObject(at) ? at[name] : undefined;
  return at;
}
