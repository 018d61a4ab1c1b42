// The shapes of the answers, as JSON Schema, each by its name in the description.

import { count, flag, listOf, mapOf, object, openObject, type Schema, text, time } from "./json-schema.ts";
import { kubernetesSchemas } from "./kubernetes-schemas.ts";
import { usageSchemas } from "./usage-schemas.ts";

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
  ...kubernetesSchemas,
  ...usageSchemas,
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
  CommandResult: object(
    {
      exitCode: count,
      stdout: text,
      stderr: text,
      stdoutTruncated: { const: true },
      stderrTruncated: { const: true },
    },
    ["stdoutTruncated", "stderrTruncated"],
  ),
  LogRecord: object(
    {
      timestamp: time,
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
  Description: object({
    openapi: { const: "3.1.0" },
    info: object({ title: text, version: text, description: text }),
    security: listOf(mapOf(listOf(text))),
    paths: mapOf(mapOf(openObject({ summary: text, responses: mapOf({ type: "object" }) }))),
    components: object({ schemas: mapOf({ type: "object" }), securitySchemes: mapOf({ type: "object" }) }),
  }),
} as const satisfies Readonly<Record<string, Schema>>;

export type SchemaName = keyof typeof schemas;
