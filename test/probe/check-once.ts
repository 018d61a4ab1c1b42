// One check against a server of the test's own on the loopback.

import { systemTimers } from "../../src/host/clock.ts";
import type { HttpGetHandler, ProbeHandler } from "../../src/pod/handler.ts";
import type { RktUuid } from "../../src/pod/names.ts";
import { createCheck } from "../../src/probe/check.ts";
import type { CheckResult } from "../../src/probe/check-result.ts";
import type { Enter } from "../../src/probe/exec.ts";

export const uuid = "e3dcc1dd-8349-46c5-9682-6398a1c82e62" as RktUuid;

export interface Once {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly address?: string;
  readonly enter?: Enter;
}

export function checkOnce(handler: ProbeHandler, once: Once = {}): Promise<CheckResult> {
  const { timeoutMs = 10_000, signal = new AbortController().signal, address = "127.0.0.1" } = once;
  const enter = once.enter ?? (() => Promise.reject(new Error("nothing to enter")));
  const check = createCheck({ enter, timers: systemTimers, version: "1.2.3" });
  return check(handler, { uuid, container: "web", address }, { timeoutMs, signal });
}

export function httpGet(port: number, change: Partial<HttpGetHandler> = {}): HttpGetHandler {
  return { kind: "httpGet", scheme: "HTTP", host: "", port, path: "/", headers: [], ...change };
}
