// The shapes of the answers, as JSON Schema. Kubernetes' own objects are only named here: they are described where they come from.

export type Schema = { readonly [keyword: string]: unknown };

const text: Schema = { type: "string" };
const count: Schema = { type: "integer", minimum: 0 };
const flag: Schema = { type: "boolean" };
const listOf = (items: Schema): Schema => ({ type: "array", items });

/** All that there may be; those in `optional` may be missing. */
function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required, additionalProperties: false };
}

/** Of the API v1: https://kubernetes.io/docs/reference/kubernetes-api/ */
function kubernetes(kind: string, parts: readonly string[]): Schema {
  const properties = {
    kind: { const: kind },
    apiVersion: { const: "v1" },
    metadata: { type: "object" },
    ...Object.fromEntries(parts.map((part) => [part, { type: part === "items" ? "array" : "object" }])),
  };
  return { type: "object", properties, required: ["kind", "apiVersion"] };
}

const problemOfManifest = object({
  code: text,
  file: text,
  line: count,
  column: count,
  field: text,
  message: text,
  hint: text,
  text,
});

const manifestFile: Schema = {
  oneOf: [
    object({ path: text, state: { const: "accepted" }, pods: listOf(text) }),
    object({
      path: text,
      state: { const: "rejected" },
      problems: listOf(problemOfManifest),
      excerpt: listOf(object({ line: count, text })),
    }),
    object({ path: text, state: { const: "skipped" }, reason: text }),
  ],
};

const explainedStep = object(
  {
    pod: text,
    reason: text,
    message: text,
    hint: text,
    sinceMs: { type: "number" },
    nextTryMs: { type: "number" },
    log: object({ container: text, previous: flag }),
    logLines: listOf(text),
  },
  ["sinceMs", "nextTryMs", "log", "logLines"],
);

const image = object({
  id: text,
  names: listOf(text),
  sizeBytes: count,
  importedAt: text,
  lastUsedAt: text,
  isOurs: flag,
  usedBy: listOf(text),
});

const plannedPod = object(
  {
    namespace: text,
    name: text,
    change: { enum: ["start", "replace", "update", "keep", "wait", "remove"] },
    why: text,
    problem: text,
    unknown: listOf(text),
    stages: listOf(object({ stage: text, unit: text, appc: { type: "object" } })),
  },
  ["problem"],
);

/** By the names that they have in the description. */
export const schemas = {
  Problem: object({
    type: { const: "about:blank" },
    title: text,
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: text,
    requestId: { type: "string", format: "uuid" },
  }),
  Pod: kubernetes("Pod", ["spec", "status"]),
  PodList: kubernetes("PodList", ["items"]),
  EventList: kubernetes("EventList", ["items"]),
  Node: kubernetes("Node", ["spec", "status"]),
  Explanation: object({
    namespace: text,
    name: text,
    isReady: flag,
    summary: text,
    steps: listOf(explainedStep),
  }),
  Manifests: object({ path: text, unreadable: text, held: listOf(text), files: listOf(manifestFile) }, [
    "unreadable",
  ]),
  Deleted: object({ deleted: listOf(text) }),
  Images: object({ items: listOf(image) }),
  PlanQuestion: object({ files: listOf(object({ name: text, text }, ["text"])), isDetailed: flag }, [
    "files",
    "isDetailed",
  ]),
  Plan: object(
    {
      unreadable: text,
      files: listOf(object({ path: text, problems: listOf(text), pods: listOf(plannedPod) })),
    },
    ["unreadable"],
  ),
  CommandResult: object({ exitCode: count, stdout: text, stderr: text }),
  LogRecord: object(
    {
      timestamp: { type: "string", format: "date-time" },
      container: text,
      message: text,
      priority: count,
      pid: count,
      revision: text,
      cursor: text,
      isNotice: { const: true },
    },
    ["pid", "isNotice"],
  ),
  Object: { type: "object" },
} as const satisfies Readonly<Record<string, Schema>>;

export type SchemaName = keyof typeof schemas;
