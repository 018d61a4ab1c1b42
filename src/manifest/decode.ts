// Text becomes Kubernetes objects: documents, lists and kinds. Invariant: a document of another kind is a Problem, never ignored.

import { isMap, isScalar, isSeq, type Node, type YAMLMap } from "yaml";
import { isJsonObject, type JsonObject } from "../pod/json.ts";
import { decodeNode, fieldPath, reportUnknownField } from "./decode-node.ts";
import { quote } from "./decode-scalar.ts";
import { fillDefaults } from "./defaults.ts";
import {
  type ConfigMapManifest,
  configMapSchema,
  type SecretManifest,
  secretSchema,
} from "./object-schema.ts";
import type { Report } from "./report.ts";
import { type PodManifest, podSchema } from "./schema.ts";
import { entriesOf } from "./yaml-entries.ts";
import { offsetOf } from "./yaml-source.ts";

interface Decoded {
  /** 0-based, in the order of the file; items of a List count one each. */
  readonly document: number;
  /** What the names of its fields begin with: empty, or `items[0]` in a List. */
  readonly field: string;
  /** Without defaults: what the user wrote. */
  readonly written: JsonObject;
}

export type DecodedObject =
  | DecodedPod
  | (Decoded & { readonly kind: "ConfigMap"; readonly manifest: ConfigMapManifest })
  | (Decoded & { readonly kind: "Secret"; readonly manifest: SecretManifest });

export type DecodedPod = Decoded & { readonly kind: "Pod"; readonly manifest: PodManifest };

const schemas = { Pod: podSchema, ConfigMap: configMapSchema, Secret: secretSchema };
type Kind = keyof typeof schemas;

/** Of each kind of list, what an item is that does not say so itself. */
const listKinds: Readonly<Record<string, Kind | undefined>> = {
  List: undefined,
  PodList: "Pod",
  ConfigMapList: "ConfigMap",
  SecretList: "Secret",
};

/** The objects of a file, one by one: what the report says of a place holds until the next is asked for. */
export function* decodeObjects(report: Report): Generator<DecodedObject> {
  const { source } = report;
  if (source.problems.length > 0) return;
  let document = 0;
  for (const root of source.roots) {
    report.startDocument();
    for (const { kind, node, field } of objectNodes(root, "", report)) {
      const written = decodeNode(schemas[kind], node, field, report);
      if (!isJsonObject(written)) continue;
      // The types of the schemas' rows are what decodeNode and fillDefaults do at run time.
      const manifest = fillDefaults(schemas[kind], written);
      yield { kind, document, field, written, manifest } as unknown as DecodedObject;
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

interface ObjectNode {
  readonly kind: Kind;
  readonly node: YAMLMap;
  readonly field: string;
}

/** `itemKind` is that of an item of a list which needs not say so. */
function* objectNodes(written: Node, field: string, report: Report, itemKind?: Kind): Generator<ObjectNode> {
  report.remember(field, offsetOf(written));
  const node = report.source.resolve(written);
  if (!isMap(node)) {
    report.add({ code: "NotAPod", field, message: "must be a Kubernetes object, a mapping with a kind" });
    return;
  }
  const apiVersion = textOf(node, "apiVersion", field, report);
  const kind = textOf(node, "kind", field, report);
  if (itemKind !== undefined && apiVersion === undefined && kind === undefined) {
    yield { kind: itemKind, node, field };
  } else if (apiVersion === undefined || kind === undefined) {
    for (const [name, value] of Object.entries({ apiVersion, kind })) {
      if (value !== undefined) continue;
      report.add({ code: "Required", field: fieldPath(field, name), message: "Required value" });
    }
  } else if (apiVersion === "v1" && Object.hasOwn(schemas, kind)) yield { kind: kind as Kind, node, field };
  else if (apiVersion === "v1" && Object.hasOwn(listKinds, kind)) {
    yield* itemNodes(node, field, report, listKinds[kind]);
  } else {
    const at = fieldPath(field, Object.hasOwn(schemas, kind) ? "apiVersion" : "kind");
    const message = `no kind ${quote(kind)} is registered for version ${quote(apiVersion)}`;
    report.add({ code: "NotAPod", field: at, message, hint: "gantry runs v1 Pods" });
  }
}

const listFields = ["apiVersion", "kind", "metadata", "items"];

function* itemNodes(
  list: YAMLMap,
  field: string,
  report: Report,
  itemKind: Kind | undefined,
): Generator<ObjectNode> {
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
      yield* objectNodes(item, `${at.field}[${index}]`, report, itemKind);
    }
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
