// The forms that Kubernetes gives to names and other text, in its rules and its wording (pkg/util/validation v1.5, which is
// what the rkt runtime's users saw; what later versions or rkt add is marked).

import { isIP } from "node:net";
import { allCapabilities } from "../pod/capabilities.ts";
import { nearestName } from "./nearest-name.ts";
import type { Format } from "./row.ts";

const labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`;
const qualifiedPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/** A name of one part: containers, volumes, namespaces. */
export const dnsLabel = all(atMost(63), matching(labelPattern, "my-name", "123-abc"));

/** A name of several parts with dots between them: pods. */
export const dnsSubdomain = all(atMost(253), matching(subdomainPattern, "example.com"));

/** An environment variable that every shell can read. */
export const environmentName = matching("[A-Za-z_][A-Za-z0-9_]*", "my_name", "MY_NAME", "MyName");

export const labelValue = all(atMost(63), matching(`(${qualifiedPattern})?`, "MyValue", "my_value", "12345"));

const nameOfKey = all(
  (name) => (name === "" ? "must be non-empty" : undefined),
  atMost(63),
  matching(qualifiedPattern, "MyName", "my.name", "123-abc"),
);

/** `name` or `example.com/name`. */
export const labelKey: Format = (key) => {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const prefixProblem = prefix === "" ? "must be non-empty" : dnsSubdomain(prefix ?? "a");
  if (prefixProblem !== undefined) return `prefix part ${prefixProblem}`;
  const problem = nameOfKey(key.slice(slash + 1));
  return problem === undefined ? undefined : `name part ${problem}`;
};

/** As a label's, in any case. */
export const annotationKey: Format = (key) => labelKey(key.toLowerCase());

/** RFC 6335, lower case. */
export const portName: Format = all(
  atMost(15),
  failing(/[^-a-z0-9]/, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
  // Kubernetes' wording; what it asks for is a letter.
  (name) => (/[a-z]/.test(name) ? undefined : "must contain at least one letter or number (a-z, 0-9)"),
  failing(/--/, "must not contain consecutive hyphens"),
  failing(/^-|-$/, "must not begin or end with a hyphen"),
);

/** Kubernetes ≥ 1.13; rkt and the kubelet of its time took any text and failed later. */
export const ipAddress: Format = (address) =>
  isIP(address) === 0 ? "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)" : undefined;

/** A key of a ConfigMap or Secret: it becomes a file's name. */
export const configKey: Format = all(
  atMost(253),
  matching("[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name"),
  (key) => (key === "." ? "must not be '.'" : undefined),
  failing(/^\.\./, "must not start with '..'"),
);

/** Standard, with padding; line breaks are skipped. */
export const base64: Format = (text) => {
  const digits = text.replaceAll(/[\r\n]/g, "");
  return digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits) ? undefined : "must be base64";
};

/** With or without `CAP_`. */
export const capability: Format = (name) => {
  const known = ["ALL", ...allCapabilities, ...allCapabilities.map((full) => full.slice("CAP_".length))];
  if (known.includes(name)) return undefined;
  const near = nearestName(name, known);
  return `no such capability${near === undefined ? "" : `, did you mean ${near}?`}`;
};

/** Of an HTTP request. */
export const headerName: Format = matching("[-A-Za-z0-9]+", "X-Header-Name");

/** What can be sent; Kubernetes fails later. */
export const headerValue: Format = failing(
  /[^\t\x20-\x7e\x80-\xff]/,
  "must not contain control characters, or what is not in Latin-1",
);

/** With its query. */
export const urlPath: Format = failing(/[\x00-\x1f\x7f]/, "must not contain control characters");

/** What a probe or hook connects to; anything else could make another URL of it. */
export const hostName: Format = (host) =>
  isIP(host) !== 0 || /^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$/.test(host)
    ? undefined
    : "must be a host's name or an IP address";

/** A suffix of names to look up; a dot at its end, or alone, is the root. */
export const searchDomain: Format = (name) =>
  name === "." ? undefined : dnsSubdomain(name.replace(/\.$/, ""));

/** Kubernetes ≥ 1.30. */
export const noOuterSpace: Format = (value) =>
  value.trim() === value ? undefined : "must not have leading or trailing whitespace";

/** Kubernetes ≥ 1.8, for host paths; `..` in a path of the container would be resolved on the host here. */
export const noParentSteps: Format = (path) =>
  path.split("/").includes("..") ? "must not contain '..'" : undefined;

export const relativePath: Format = failing(/^\//, "must be a relative path");

/** Of a projected file. `..data` and what else begins so is the volume's own; the last rule is ours: Kubernetes fails later. */
export const filePath: Format = all(
  atMost(4095), // PATH_MAX without its NUL
  relativePath,
  noParentSteps,
  failing(/^\.\./, "must not start with '..'"),
  failing(/(^|\/)\.?(\/|$)/, "must name a file"),
);

export const absolutePath: Format = (path) => (path.startsWith("/") ? undefined : "must be an absolute path");

/** rkt's app names (appc's ACName) are stricter than Kubernetes' container names, and nobody should see two names for one thing. */
export const noDoubleDash: Format = failing(/--/, "must not contain consecutive hyphens");

/** The uid is a directory's and a slice's name, so that it cannot be any text, which Kubernetes would take. */
export const uidFormat = all(
  atMost(63),
  matching("[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?", "my-name", "123-abc"),
);

function all(...formats: readonly Format[]): Format {
  return (value) => {
    for (const format of formats) {
      const problem = format(value);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
}

function atMost(length: number): Format {
  return (value) => (value.length > length ? `must be no more than ${length} characters` : undefined);
}

function matching(pattern: string, ...examples: readonly string[]): Format {
  const expression = new RegExp(`^(?:${pattern})$`);
  const eg = examples.map((example) => `'${example}'`).join(" or ");
  return (value) => (expression.test(value) ? undefined : `must match the regex ${pattern} (e.g. ${eg})`);
}

function failing(pattern: RegExp, problem: string): Format {
  return (value) => (pattern.test(value) ? problem : undefined);
}
