// The part of the composition root that answers: what the parts of the agent know, as the endpoint asks for it, on every address.

import type { AgentNode } from "./agent-node.ts";
import type { LiveConfig } from "./config/live-config.ts";
import { DryRun, type DryRunOptions } from "./dry-run.ts";
import { systemTimers } from "./host/clock.ts";
import type { Outside } from "./host/outside.ts";
import type { ManifestDirectory } from "./manifest/directory.ts";
import type { Reconciler } from "./reconcile/reconciler.ts";
import { ContainerCommands } from "./runtime/container-commands.ts";
import type { FetchedImages } from "./runtime/fetched-images.ts";
import { PodLogs } from "./runtime/pod-logs.ts";
import { PodPorts } from "./runtime/pod-ports.ts";
import { createApp } from "./server/app.ts";
import type { HealthCheck } from "./server/health.ts";
import { Listeners } from "./server/listeners.ts";
import type { ManifestsView } from "./server/manifests.ts";
import type { EventStore } from "./status/events.ts";
import type { Health } from "./status/health.ts";
import type { StatusStore } from "./status/store.ts";
import type { Systemd } from "./systemd/systemd.ts";
import { version } from "./version.ts";

export interface AgentEndpointParts extends Omit<DryRunOptions, "images"> {
  readonly live: LiveConfig;
  readonly self: readonly [program: string, ...args: string[]];
  readonly rktDir: string;
  /** Gives a program the rights that this process lacks; undefined: it lacks none. */
  readonly outside: Outside | undefined;
  readonly status: StatusStore;
  readonly events: EventStore;
  readonly manifests: ManifestDirectory;
  readonly reconciler: Reconciler;
  readonly systemd: Systemd;
  readonly node: AgentNode;
  readonly fetched: FetchedImages;
  readonly health: Health;
  /** Whether the loop of the reconciler hangs. */
  readonly checkLoop: () => HealthCheck;
}

/** Listens until disposed. Throws ListenError. */
export async function openEndpoint(parts: AgentEndpointParts): Promise<AsyncDisposable> {
  const { live, status, events, node, rkt, rktDir, isBuiltin, self, outside, clock, log } = parts;
  const images = node.imagesView(rkt, parts.fetched);
  const app = createApp({
    status,
    events,
    logs: new PodLogs({ status, isBuiltin }),
    commands: new ContainerCommands({ status, rkt }),
    ports: new PodPorts({ status, isBuiltin, rktDir, self, withRights: outside }),
    manifests: manifestsView(parts),
    plans: new DryRun({ ...parts, images }),
    stats: node.statsView,
    metrics: node.metricsView,
    images,
    health: {
      checks: (endpoint) =>
        endpoint === "readyz" ? readiness(parts, listeners.problem) : [parts.checkLoop()],
    },
    clock,
    timers: systemTimers,
    log,
    version,
  });
  await using stack = new AsyncDisposableStack();
  const listeners = stack.use(new Listeners({ app, tls: live.current.tls, timers: systemTimers, log }));
  await listeners.open(live.current.listen);
  return stack.move();
}

function readiness(
  { health, manifests, systemd, live, clock }: AgentEndpointParts,
  unheard: string | undefined,
): readonly HealthCheck[] {
  health.report("endpoint", unheard, clock.wallMs());
  health.report("manifests", manifests.desired.unreadable, clock.wallMs());
  health.report("systemd", systemd.isConnected ? undefined : "no connection to D-Bus", clock.wallMs());
  return [...health.checks(), { name: "configuration", error: live.problem, isNote: true }];
}

function manifestsView({ manifestPath, manifests }: AgentEndpointParts): ManifestsView {
  return {
    path: manifestPath,
    files: () => manifests.desired.files,
    get unreadable() {
      return manifests.desired.unreadable;
    },
    get held() {
      return manifests.held;
    },
    confirmDelete: () => manifests.confirmDelete(),
  };
}
