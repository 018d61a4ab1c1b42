// Rules of references, and of the "one of these" that they stand in.

import { parseQuantity } from "../pod/quantity.ts";
import { quote } from "./decode-scalar.ts";
import { nearestName } from "./nearest-name.ts";
import type { Report } from "./report.ts";
import type { PodManifest } from "./schema.ts";

interface Place {
  readonly field: string;
  readonly report: Report;
}

/** Exactly one of `names` has to be given. */
export function reportChoices(
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
  { field, report }: Place,
): void {
  const count = names.filter((name) => given[name] !== undefined).length;
  if (count === 1) return;
  const quoted = names.map((name) => `\`${name}\``);
  const list = `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
  const problem =
    count === 0 ? `must specify one of: ${list}` : "may not have more than one field specified at a time";
  report.add({ code: "Invalid", field, message: `Invalid value: "": ${problem}` });
}

interface ResourceField {
  readonly containerName?: string;
  readonly resource: string;
  readonly divisor?: string;
}

const divisors = {
  cpu: ["1m", "1"],
  memory: ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
};

export function validateResourceField(
  { containerName, resource, divisor = "0" }: ResourceField,
  { spec, field, report }: Place & { readonly spec: PodManifest["spec"] },
): void {
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  if (containerName !== undefined && !names.includes(containerName)) {
    const near = nearestName(containerName, names);
    report.add({
      code: "Invalid",
      field: `${field}.containerName`,
      message: `Not found: ${quote(containerName)}`,
      ...(near === undefined ? {} : { hint: `did you mean "${near}"?` }),
    });
  }
  const kind = resource.endsWith(".cpu") ? "cpu" : "memory";
  const isAllowed = ["0", ...divisors[kind]].some((allowed) => isSameQuantity(allowed, divisor));
  if (resource === "" || isAllowed) return;
  const listed = `${divisors[kind].slice(0, -1).join(", ")} and ${divisors[kind].at(-1)}`;
  const message = `Invalid value: ${quote(divisor)}: only divisor's values ${listed} are supported with the ${kind} resource`;
  report.add({ code: "Invalid", field: `${field}.divisor`, message });
}

function isSameQuantity(a: string, b: string): boolean {
  const [first, second] = [parseQuantity(a), parseQuantity(b)];
  return first.problem === undefined && second.problem === undefined && first.milli === second.milli;
}
