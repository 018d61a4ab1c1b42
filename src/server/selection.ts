// Which objects a request is about: `labelSelector` and `fieldSelector`, as the API server takes them.

import { parseFieldSelector, parseLabelSelector } from "../pod/selector.ts";
import type { ServerContext } from "./connection.ts";
import { RequestError } from "./request-error.ts";

interface Labelled {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
}

/** Undefined: all. Throws RequestError. */
export function selection({ req }: ServerContext): ((object: Labelled) => boolean) | undefined {
  const labels = req.query("labelSelector") || undefined;
  const fields = req.query("fieldSelector") || undefined;
  if (labels === undefined && fields === undefined) return undefined;
  const hasLabels = labels === undefined ? () => true : parseLabelSelector(labels);
  const hasFields = fields === undefined ? () => true : parseFieldSelector(fields);
  if (hasLabels === undefined) throw malformed("labelSelector", labels);
  if (hasFields === undefined) throw malformed("fieldSelector", fields);
  return (object) => hasLabels(object.metadata?.labels ?? {}) && hasFields(object);
}

function malformed(name: string, text: string | undefined): RequestError {
  return new RequestError(400, `${name}: ${JSON.stringify(text)} is no selector`);
}
