// Decoded ConfigMap and Secret documents become what pods are served from. Invariant: what a Secret holds is in no message.

import type { ConfigMap, Secret } from "../pod/config-objects.ts";
import { fieldPath } from "./decode-node.ts";
import type { ConfigMapManifest, SecretManifest } from "./object-schema.ts";
import type { Report } from "./report.ts";

/** Kubernetes' limit. A file is no longer than that either, but aliases can repeat what is in it. */
const objectBytesMax = 1024 * 1024;

/** What Kubernetes asks of the types that it knows. */
const keysOfType: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};
const jsonKeys = [".dockercfg", ".dockerconfigjson"];

export function convertConfigMap(manifest: ConfigMapManifest, field: string, report: Report): ConfigMap {
  const { metadata, data = {}, binaryData = {} } = manifest;
  for (const key of Object.keys(binaryData).filter((name) => Object.hasOwn(data, name))) {
    const message = `Invalid value: ${JSON.stringify(key)}: duplicate of key present in data`;
    report.add({ code: "Duplicate", field: fieldPath(field, "binaryData"), message });
  }
  const bytes = bytesOf([...inUtf8(data), ...inBase64(binaryData)], fieldPath(field, "data"), report);
  return { namespace: metadata.namespace, name: metadata.name, data: bytes };
}

export function convertSecret(manifest: SecretManifest, field: string, report: Report): Secret {
  const { metadata, type, data = {}, stringData = {} } = manifest;
  const dataField = fieldPath(field, "data");
  const bytes = bytesOf([...inBase64(data), ...inUtf8(stringData)], dataField, report);
  const keys = Object.hasOwn(keysOfType, type) ? (keysOfType[type] ?? []) : [];
  for (const key of keys) {
    const value = bytes.get(key);
    const place = `${dataField}[${key}]`;
    if (value === undefined) report.add({ code: "Required", field: place, message: "Required value" });
    else if (jsonKeys.includes(key) && !isJson(value)) {
      report.add({ code: "Invalid", field: place, message: "Invalid value: (not shown): must be JSON" });
    }
  }
  return { namespace: metadata.namespace, name: metadata.name, type, data: bytes };
}

interface Entry {
  readonly key: string;
  readonly text: string;
  readonly encoding: "utf8" | "base64";
}

function inUtf8(data: Readonly<Record<string, string>>): Entry[] {
  return Object.entries(data).map(([key, text]) => ({ key, text, encoding: "utf8" }));
}

/** What is not base64 has been reported. */
function inBase64(data: Readonly<Record<string, string>>): Entry[] {
  return Object.entries(data).map(([key, text]) => ({ key, text, encoding: "base64" }));
}

/** A later key wins. Gives up before it has made more than what is allowed. */
function bytesOf(entries: readonly Entry[], field: string, report: Report): ReadonlyMap<string, Uint8Array> {
  const bytes = new Map<string, Uint8Array>();
  let total = 0;
  for (const { key, text, encoding } of entries) {
    total += Buffer.byteLength(text, encoding);
    if (total > objectBytesMax) {
      report.add({ code: "TooLarge", field, message: `Too long: must have at most ${objectBytesMax} bytes` });
      break;
    }
    bytes.set(key, Uint8Array.from(Buffer.from(text, encoding)));
  }
  return bytes;
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}
