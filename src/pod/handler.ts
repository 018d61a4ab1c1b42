// What a probe or a hook does, in Kubernetes' own words, with every default filled in and every named port looked up.

export type Handler = ExecHandler | HttpGetHandler | TcpSocketHandler;
export type ProbeHandler = Handler | GrpcHandler;
export type HookHandler = Handler | SleepHandler;

export interface ExecHandler {
  readonly kind: "exec";
  /** Run without a shell, inside the container. */
  readonly command: readonly string[];
}

export interface HttpGetHandler {
  readonly kind: "httpGet";
  readonly scheme: "HTTP" | "HTTPS";
  /** Empty: the pod's address. */
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  /** A name may be there several times. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export interface TcpSocketHandler {
  readonly kind: "tcpSocket";
  /** Empty: the pod's address. */
  readonly host: string;
  readonly port: number;
}

/** grpc.health.v1.Health/Check at the pod's address. */
export interface GrpcHandler {
  readonly kind: "grpc";
  readonly port: number;
  /** Empty: the whole server. */
  readonly service: string;
}

export interface SleepHandler {
  readonly kind: "sleep";
  readonly seconds: number;
}

export type ProbeKind = "startup" | "liveness" | "readiness";

export interface Probe {
  readonly handler: ProbeHandler;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** Undefined: the pod's. */
  readonly terminationGracePeriodSeconds: number | undefined;
}
