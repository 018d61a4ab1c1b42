// What each route takes and answers: the table that the description is made from, and that a test holds every answer to.

import type { Schema } from "./json-schema.ts";
import type { SchemaName } from "./openapi-schemas.ts";

export interface Operation {
  readonly summary: string;
  /** Of the query, by name. */
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** By content type. */
  readonly body?: Contents;
  /** By status; a problem can come with any other. */
  readonly answers: Readonly<Record<number, Contents>>;
}

export interface Parameter {
  readonly description: string;
  readonly schema: Schema;
}

/** By content type: a schema's name; undefined: text or bytes. */
export type Contents = Readonly<Record<string, SchemaName | undefined>>;

const flag = (description: string): Parameter => ({ description, schema: { type: "boolean" } });
const whole = (description: string): Parameter => ({ description, schema: { type: "integer", minimum: 0 } });
const word = (description: string): Parameter => ({ description, schema: { type: "string" } });
const words = (description: string): Parameter => ({
  description,
  schema: { type: "array", items: { type: "string" } },
});

const plainText: Contents = { "text/plain": undefined };
const json = (name: SchemaName): Contents => ({ "application/json": name });
const container = { container: word("The container; where there is only one it need not be named") };

const selectors = {
  labelSelector: word("As kubectl has it: app=web,tier!=cache"),
  fieldSelector: word("As kubectl has it: metadata.namespace=default"),
};
const watching = {
  watch: flag("Streams what changes; so does Accept: text/event-stream"),
  resourceVersion: word("Goes on after that version, as Last-Event-ID does"),
  timeoutSeconds: whole("Ends the stream after that time"),
  sendInitialEvents: flag("Whether what there is comes first"),
  allowWatchBookmarks: flag("Tells of the version also when nothing matches"),
  resourceVersionMatch: word("Understood, and without effect"),
};
/** A stream of a Kubernetes watch is objects of JSON, a line each, so it is described as bytes. */
const watched = (name: SchemaName): Contents => ({
  "application/json": name,
  "text/event-stream": undefined,
});

const pod: Operation = {
  summary: "A pod, as the kubelet answers it",
  parameters: watching,
  answers: { 200: watched("Pod") },
};

const logs: Operation = {
  summary: "What a container wrote",
  parameters: {
    ...container,
    follow: flag("Goes on until the container has ended"),
    previous: flag("Of the run before"),
    allRevisions: flag("Of all runs that the journal knows, as one log"),
    timestamps: flag("Begins each line with its time"),
    tailLines: whole("At most so many of the lines that are there"),
    sinceSeconds: whole("Not what is older"),
    sinceTime: { description: "Not what is older", schema: { type: "string", format: "date-time" } },
    limitBytes: whole("Ends after so many bytes"),
    stream: word("All: output and error are one stream here"),
    insecureSkipTLSVerifyBackend: flag("Understood, and without effect"),
  },
  answers: { 200: { "text/plain": undefined, "application/x-ndjson": "LogRecord" } },
};

const streams = {
  input: flag("Standard input; also named stdin"),
  output: flag("Standard output; also named stdout"),
  error: flag("Standard error; also named stderr"),
  stdin: flag("See input"),
  stdout: flag("See output"),
  stderr: flag("See error"),
  tty: flag("A terminal"),
};

const exec: Operation = {
  summary:
    "A command in a container: as a WebSocket with v5.channel.k8s.io or v4.channel.k8s.io, or by POST with the body as its input",
  parameters: { command: words("The command, once for each word"), ...container, ...streams },
  body: { "application/octet-stream": undefined },
  answers: { 101: {}, 200: { "application/octet-stream": undefined, ...json("CommandResult") } },
};

const attach: Operation = {
  summary: "What a running container writes from now on, as a WebSocket with the channels of exec",
  parameters: { ...container, ...streams },
  answers: { 101: {} },
};

const portForward: Operation = {
  summary: "Ports on the pod's own loopback, as a WebSocket with v4.channel.k8s.io: two channels for each",
  parameters: { port: words("Each port"), ports: words("See port") },
  answers: { 101: {} },
};

const health: Operation = {
  summary: "ok, or what fails, why and for how long",
  parameters: { verbose: flag("Every check") },
  answers: { 200: plainText, 503: plainText },
};

const metrics: Operation = { summary: "For Prometheus", answers: { 200: plainText } };

/** By method and path, as the routes have them. */
export const operations: Readonly<Record<string, Operation>> = {
  "GET /": {
    summary: "The first look: a page for a browser, a table for everybody else",
    answers: { 200: { "text/plain": undefined, "text/html": undefined } },
  },
  "GET /healthz": health,
  "GET /livez": health,
  "GET /readyz": health,
  "GET /pods": {
    summary: "All pods, as the kubelet answers them",
    parameters: { ...selectors, ...watching },
    answers: { 200: watched("PodList") },
  },
  "GET /pods/:namespace/:name": pod,
  "GET /pods/:namespace/:name/explain": {
    summary: "Why a pod is not Ready",
    answers: { 200: { "text/plain": undefined, ...json("Explanation") } },
  },
  "GET /pods/:namespace/:name/logs": logs,
  "GET /containerLogs/:namespace/:name/:container": logs,
  "GET /events": {
    summary: "What happened lately",
    parameters: {
      ...selectors,
      namespace: word("Short for a fieldSelector"),
      "involvedObject.name": word("Short for a fieldSelector"),
      ...watching,
    },
    answers: { 200: watched("EventList") },
  },
  "GET /manifests": {
    summary: "Each file of the manifest directory, with what became of it",
    answers: { 200: json("Manifests") },
  },
  "POST /manifests/confirm-delete": {
    summary: "What is missing from the manifest directory is meant to be",
    answers: { 200: json("Deleted") },
  },
  "POST /plan": {
    summary: "What would become of the pods if manifests said something else; nothing is done",
    body: json("PlanQuestion"),
    answers: { 200: json("Plan") },
  },
  "GET /stats/summary": {
    summary: "What everything uses, as the kubelet tells it",
    answers: { 200: json("Summary") },
  },
  "GET /node": { summary: "The machine and its conditions", answers: { 200: json("Node") } },
  "GET /spec": {
    summary: "The machine, as cadvisor tells it",
    answers: { 200: json("MachineInfo") },
  },
  "GET /runningpods": {
    summary: "The pods that run, whatever the manifests say",
    answers: { 200: json("RunningPodList") },
  },
  "GET /metrics": metrics,
  "GET /metrics/resource": metrics,
  "GET /images": { summary: "The images that are there", answers: { 200: json("Images") } },
  "GET /exec/:namespace/:name/:container": exec,
  "POST /exec/:namespace/:name/:container": exec,
  "GET /pods/:namespace/:name/exec": exec,
  "POST /pods/:namespace/:name/exec": exec,
  "GET /attach/:namespace/:name/:container": attach,
  "POST /attach/:namespace/:name/:container": attach,
  "GET /pods/:namespace/:name/attach": attach,
  "POST /pods/:namespace/:name/attach": attach,
  "GET /portForward/:namespace/:name": portForward,
  "POST /portForward/:namespace/:name": portForward,
  "GET /pods/:namespace/:name/portforward": portForward,
  "POST /pods/:namespace/:name/portforward": portForward,
  "GET /openapi.json": { summary: "This description", answers: { 200: json("Description") } },
};
