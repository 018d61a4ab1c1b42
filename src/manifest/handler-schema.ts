// Rows of probes and hooks.

import type {
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  HTTPHeader,
  Lifecycle,
  LifecycleHandler,
  Probe,
  SleepAction,
  TCPSocketAction,
} from "kubernetes-types/core/v1.d.ts";
import { headerName, headerValue, hostName, urlPath } from "./format.ts";
import {
  choice,
  defaulted,
  givenInteger,
  integer,
  list,
  never,
  optional,
  port,
  type RowsOf,
  required,
  settings,
  struct,
  text,
} from "./row.ts";

const greatest = 2 ** 31 - 1;
const podAddress = "default: the pod's address";

/** In the order in which Kubernetes looks at them. */
export const probeHandlers = ["exec", "httpGet", "tcpSocket", "grpc"] as const;
export const hookHandlers = ["exec", "httpGet", "tcpSocket", "sleep"] as const;

const exec = struct({
  command: required(list(text()), "run in the container, without a shell"),
} satisfies RowsOf<ExecAction>);

const httpHeader = struct({
  name: required(text(headerName)),
  value: defaulted(text(headerValue), ""),
} satisfies RowsOf<HTTPHeader>);

const anyPort = required(port, "a number, or a name from the container's `ports`");

const httpGet = struct({
  port: anyPort,
  path: defaulted(text(urlPath), "/"),
  scheme: defaulted(choice(["HTTP", "HTTPS"]), "HTTP", "the server's certificate is not checked"),
  host: optional(text(hostName), podAddress),
  httpHeaders: optional(list(httpHeader)),
} satisfies RowsOf<HTTPGetAction>);

const tcpSocket = struct({
  port: anyPort,
  host: optional(text(hostName), podAddress),
} satisfies RowsOf<TCPSocketAction>);

const grpc = struct({
  port: required(integer(1, 65535)),
  service: optional(text(), "default: the whole server"),
} satisfies RowsOf<GRPCAction>);

const sleep = struct({
  seconds: required(integer(0, greatest), "not more than the grace period"),
} satisfies RowsOf<SleepAction>);

export const probe = struct({
  exec: optional(exec),
  httpGet: optional(httpGet),
  tcpSocket: optional(tcpSocket),
  grpc: optional(grpc, "`grpc.health.v1.Health`"),
  initialDelaySeconds: optional(integer(0, greatest)),
  timeoutSeconds: defaulted(integer(1, greatest), 1),
  periodSeconds: defaulted(integer(1, greatest), 10),
  successThreshold: defaulted(integer(1, greatest), 1, "more only of a `readinessProbe`"),
  failureThreshold: defaulted(integer(1, greatest), 3),
  terminationGracePeriodSeconds: optional(
    givenInteger(1, greatest),
    "default: the pod's; not of a `readinessProbe`",
  ),
} satisfies RowsOf<Probe>);

const hook = struct({
  exec: optional(exec),
  httpGet: optional(httpGet),
  tcpSocket: optional(tcpSocket),
  sleep: optional(sleep),
} satisfies RowsOf<LifecycleHandler>);

export const lifecycle = settings({
  postStart: optional(hook),
  preStop: optional(hook, "its time is taken from the grace period"),
  stopSignal: never("pods are stopped by SIGTERM"),
} satisfies RowsOf<Lifecycle & { readonly stopSignal?: string }>); // Kubernetes ≥ 1.33
