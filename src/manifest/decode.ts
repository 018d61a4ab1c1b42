// Text becomes Pod manifests: documents, lists and kinds. Invariant: a document that is no Pod is a Problem, never ignored.

import { isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { isJsonObject, type JsonObject } from "../pod/json.ts";
import { decodeNode, fieldPath, reportUnknownField } from "./decode-node.ts";
import { fillDefaults } from "./defaults.ts";
import type { Report } from "./report.ts";
import { type PodManifest, podSchema } from "./schema.ts";
import { entriesOf } from "./yaml-entries.ts";
import { offsetOf } from "./yaml-source.ts";

export interface DecodedPod {
  /** 0-based, in the order of the file; items of a List count one each. */
  readonly document: number;
  /** What the names of its fields begin with: empty, or `items[0]` in a List. */
  readonly field: string;
  /** Without defaults: what the user wrote. */
  readonly written: JsonObject;
  readonly manifest: PodManifest;
}

/** The Pods of a file, one by one: what the report says of a place holds until the next is asked for. */
export function* decodePods(report: Report): Generator<DecodedPod> {
  const { source } = report;
  if (source.problems.length > 0) return;
  let document = 0;
  for (const root of source.roots) {
    report.startDocument();
    for (const { node, field } of podNodes(root, "", report)) {
      const written = decodeNode(podSchema, node, field, report);
      if (!isJsonObject(written)) continue;
      // The types of the schema's rows are what decodeNode and fillDefaults do at run time.
      const manifest = fillDefaults(podSchema, written) as unknown as PodManifest;
      yield { document, field, written, manifest };
      document += 1;
    }
  }
  if (source.roots.length === 0) {
    report.add({ code: "NotAPod", field: "", message: "the file holds no document", offset: 0 });
  }
  if (source.isExhausted) {
    report.add({ code: "TooLarge", field: "", message: "repeats too much by aliases", offset: 0 });
  }
}

interface PodNode {
  readonly node: YAMLMap;
  readonly field: string;
}

function* podNodes(written: Node, field: string, report: Report, isItem = false): Generator<PodNode> {
  report.remember(field, offsetOf(written));
  const node = report.source.resolve(written);
  if (!isMap(node)) {
    report.add({ code: "NotAPod", field, message: "must be a Kubernetes object, a mapping with a kind" });
    return;
  }
  const apiVersion = textOf(node, "apiVersion", field, report);
  const kind = textOf(node, "kind", field, report);
  // The items of a PodList are Pods without saying so.
  if (isItem && apiVersion === undefined && kind === undefined) yield { node, field };
  else if (apiVersion === undefined || kind === undefined) {
    for (const [name, value] of Object.entries({ apiVersion, kind })) {
      if (value !== undefined) continue;
      report.add({ code: "Required", field: fieldPath(field, name), message: "Required value" });
    }
  } else if (apiVersion === "v1" && kind === "Pod") yield { node, field };
  else if (apiVersion === "v1" && (kind === "List" || kind === "PodList")) {
    yield* itemNodes(node, field, report, kind === "PodList");
  } else reportOtherKind(apiVersion, kind, field, report);
}

const listFields = ["apiVersion", "kind", "metadata", "items"];

function* itemNodes(list: YAMLMap, field: string, report: Report, isPodList: boolean): Generator<PodNode> {
  for (const { key, value, offset } of entriesOf(list, field, report)) {
    const at = { field: fieldPath(field, key), offset, report };
    if (!listFields.includes(key)) reportUnknownField(key, listFields, at);
    if (key !== "items") continue;
    const items = value === null ? undefined : report.source.resolve(value);
    if (!isSeq(items)) {
      report.add({ code: "Invalid", field: at.field, message: "Invalid value: must be a list", offset });
      continue;
    }
    for (const [index, item] of (items.items as Node[]).entries()) {
      yield* podNodes(item, `${at.field}[${index}]`, report, isPodList);
    }
  }
}

function reportOtherKind(apiVersion: string, kind: string, field: string, report: Report): void {
  const at = fieldPath(field, kind === "Pod" ? "apiVersion" : "kind");
  if (apiVersion === "v1" && (kind === "ConfigMap" || kind === "Secret")) {
    report.add({ code: "NotSupported", field: at, message: `kind ${kind} is not supported yet` });
  } else {
    const message = `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`;
    report.add({ code: "NotAPod", field: at, message, hint: "gantry runs v1 Pods" });
  }
}

/** A field of an object whose kind is not yet known. Undefined also where it is no text. */
function textOf(node: YAMLMap, name: string, field: string, report: Report): string | undefined {
  for (const { key, value } of node.items.map(entryOf)) {
    if (key !== name || value === null) continue;
    const target = report.source.resolve(value);
    if (!isScalar(target) || typeof target.value !== "string" || target.value === "") return undefined;
    report.remember(fieldPath(field, name), offsetOf(value));
    return target.value;
  }
  return undefined;
}

function entryOf(pair: YAMLMap["items"][number]): { key: unknown; value: Node | null } {
  return { key: isScalar(pair.key) ? pair.key.value : undefined, value: pair.value as Node | null };
}
