// systemd, over the system bus: units and their jobs, and a hint whenever something of ours has changed.
// Invariant: it stays connected by itself, and whoever listens is told to look again after every gap in which signals may be lost.

import { faultPoint } from "../host/fault-point.ts";
import type { Log } from "../host/log.ts";
import type { UnitName } from "../pod/names.ts";
import { type BusCall, type BusConnection, type BusSignal, type CallOptions, variantValue } from "./bus.ts";
import { BusLink } from "./bus-link.ts";
import { Job, type JobOptions } from "./job.ts";
import { SystemdError } from "./systemd-error.ts";
import { unitOfPath, unitPath, unitPathPrefix } from "./unit-path.ts";

export interface SystemdOptions {
  /** D-Bus address of the system bus, what DBUS_SYSTEM_BUS_ADDRESS says. */
  readonly address?: string | undefined;
  readonly log: Log;
}

/** A unit that systemd has loaded. */
export interface UnitState {
  readonly name: UnitName;
  readonly description: string;
  /** `loaded`, `not-found`, `bad-setting`, `error`, `masked` … */
  readonly loadState: string;
  /** `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating` … */
  readonly activeState: string;
  readonly subState: string;
  /** 0: none is queued or running. */
  readonly jobId: number;
}

const defaultAddress = "unix:path=/run/dbus/system_bus_socket";
/** Every unit of ours begins so (pod/names.ts). */
const ourPathPrefix = `${unitPathPrefix}gantry_2d`;
/** systemd answers in milliseconds, but for the time that it reloads, when it answers nobody. */
const callTimeoutMs = 30_000;
const SIGKILL = 9;

const systemd1 = "org.freedesktop.systemd1";
const manager = {
  destination: systemd1,
  path: "/org/freedesktop/systemd1",
  interface: `${systemd1}.Manager`,
};
const propertiesInterface = "org.freedesktop.DBus.Properties";

const matchRules = [
  ...["JobRemoved", "UnitFilesChanged"].map(
    (member) => `type='signal',sender='${systemd1}',interface='${systemd1}.Manager',member='${member}'`,
  ),
  // All units': a rule can name one path or a whole tree, and paths of ours are no tree of their own.
  `type='signal',sender='${systemd1}',interface='${propertiesInterface}',member='PropertiesChanged',` +
    `path_namespace='${unitPathPrefix.slice(0, -1)}',arg0='${systemd1}.Unit'`,
  // systemd takes its name anew when it re-executes itself.
  `type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='${systemd1}'`,
];

export class Systemd implements AsyncDisposable {
  readonly #link: BusLink;
  readonly #listeners = new Set<(unit: UnitName | undefined) => void>();
  readonly #jobs = new Set<Job>();

  constructor({ address = defaultAddress, log }: SystemdOptions) {
    this.#link = new BusLink({
      address,
      log,
      setUp: subscribe,
      onSignal: (signal) => this.#receive(signal),
      onGap: () => this.#lookAgain(),
    });
  }

  /** Connects for the first time and stays connected until disposed; `signal` ends only the start. */
  start(signal: AbortSignal): Promise<void> {
    return this.#link.start(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
    for (const job of this.#jobs)
      job.fail(
        new SystemdError("The connection to D-Bus was ended", { isDisconnected: true, unit: job.unit }),
      );
  }

  get isConnected(): boolean {
    return this.#link.isConnected;
  }

  /**
   * Calls `listener` with a unit of ours that has changed, or with undefined when anything may have: the connection was lost or is back,
   * unit files changed. Returns what ends that.
   */
  onChange(listener: (unit: UnitName | undefined) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** systemd's version as the distribution writes it: `252.39-1~deb12u2`. */
  async version(signal: AbortSignal): Promise<string> {
    return String(await this.#property(manager.path, manager.interface, "Version", signal));
  }

  /** The loaded units whose names match a glob pattern: those that run or ran, not all that have a file. */
  async listUnits(patterns: readonly string[], signal: AbortSignal): Promise<readonly UnitState[]> {
    const [rows] = await this.#call(
      {
        member: "ListUnitsByPatterns",
        signature: "asas",
        body: [[], patterns],
        replySignature: "a(ssssssouso)",
      },
      { timeoutMs: callTimeoutMs, signal },
    );
    return (rows as UnitRow[]).map(([name, description, loadState, activeState, subState, , , jobId]) => ({
      name: name as UnitName,
      description,
      loadState,
      activeState,
      subState,
      jobId,
    }));
  }

  /** Some of a unit's properties (org.freedesktop.systemd1(5)); 64-bit numbers are bigint. A unit that is not loaded has them all the same. */
  async unitProperties(
    unit: UnitName,
    interfaceName: "Unit" | "Service",
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const values = names.map(async (name) => [
      name,
      await this.#property(unitPath(unit), `${systemd1}.${interfaceName}`, name, signal),
    ]);
    return Object.fromEntries(await Promise.all(values));
  }

  /** Resolves once the unit has started; SystemdError with `jobResult` if it could not. */
  async startUnit(unit: UnitName, options: JobOptions): Promise<void> {
    await this.#runJob("StartUnit", unit, options);
  }

  /** Resolves once the unit has stopped, at once if it is not loaded. */
  async stopUnit(unit: UnitName, options: JobOptions): Promise<void> {
    await this.#runJob("StopUnit", unit, options).catch(unlessNotLoaded);
  }

  /** Sends SIGKILL to all processes of a unit. */
  async killUnit(unit: UnitName, signal: AbortSignal): Promise<void> {
    await this.#call(
      { member: "KillUnit", signature: "ssi", body: [unit, "all", SIGKILL], replySignature: "" },
      { timeoutMs: callTimeoutMs, signal },
    ).catch(unlessNotLoaded);
  }

  /** Forgets that a unit failed, so that systemd can unload it. */
  async resetFailed(unit: UnitName, signal: AbortSignal): Promise<void> {
    await this.#call(
      { member: "ResetFailedUnit", signature: "s", body: [unit], replySignature: "" },
      { timeoutMs: callTimeoutMs, signal },
    ).catch(unlessNotLoaded);
  }

  async #runJob(member: "StartUnit" | "StopUnit", unit: UnitName, options: JobOptions): Promise<void> {
    const job = new Job(unit, {
      queue: async (callOptions) => {
        const call = { member, signature: "ss", body: [unit, "replace"], replySignature: "o" };
        const [path] = await this.#call(call, callOptions);
        return String(path);
      },
      ask: (path, signal) => this.#resultOfJob(path, member, unit, signal),
    });
    this.#jobs.add(job); // first, as the job may be over as soon as it is queued
    try {
      await job.run(options);
    } finally {
      this.#jobs.delete(job);
    }
  }

  async #resultOfJob(
    path: string,
    member: "StartUnit" | "StopUnit",
    unit: UnitName,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { Job: job, ActiveState } = await this.unitProperties(unit, "Unit", ["Job", "ActiveState"], signal);
    if (Array.isArray(job) && job[1] === path) return undefined;
    if (member === "StartUnit") return ActiveState === "failed" ? "failed" : "done"; // inactive: it was a short one
    return ActiveState === "inactive" || ActiveState === "failed" ? "done" : "canceled";
  }

  async #property(path: string, of: string, name: string, signal: AbortSignal): Promise<unknown> {
    const call = { path, interface: propertiesInterface, member: "Get", signature: "ss", body: [of, name] };
    const [value] = await this.#call({ ...call, replySignature: "v" }, { timeoutMs: callTimeoutMs, signal });
    return variantValue(value);
  }

  async #call(call: Partial<BusCall> & Pick<BusCall, "member" | "replySignature">, options: CallOptions) {
    if (process.env.FAULT_POINTS) faultPoint(`calling ${call.member}`);
    const reply = await this.#link.call({ ...manager, ...call }, options);
    if (process.env.FAULT_POINTS) faultPoint(`called ${call.member}`);
    return reply;
  }

  #receive({ member, path, body }: BusSignal): void {
    switch (member) {
      case "JobRemoved": {
        const [, job, unit, result] = body();
        for (const waiting of this.#jobs)
          if (waiting.unit === unit) waiting.removed(String(job), String(result));
        return;
      }
      case "PropertiesChanged":
        if (path.startsWith(ourPathPrefix)) this.#tell(unitOfPath(path));
        return;
      case "UnitFilesChanged":
        this.#tell(undefined);
        return;
      case "NameOwnerChanged": {
        // What a systemd that has re-executed itself knows of subscriptions depends on its version: start afresh.
        const [, , newOwner] = body();
        if (newOwner !== "") this.#link.reconnect("systemd has joined the bus again");
      }
    }
  }

  #lookAgain(): void {
    for (const job of this.#jobs) job.lookAgain();
    this.#tell(undefined);
  }

  #tell(unit: UnitName | undefined): void {
    for (const listener of this.#listeners) listener(unit);
  }
}

type UnitRow = [
  name: string,
  description: string,
  loadState: string,
  activeState: string,
  subState: string,
  following: string,
  path: string,
  jobId: number,
  jobType: string,
  jobPath: string,
];

async function subscribe(bus: BusConnection, options: CallOptions): Promise<void> {
  await Promise.all(matchRules.map((rule) => bus.addMatch(rule, options)));
  await bus.call({ ...manager, member: "Subscribe", replySignature: "" }, options);
}

function unlessNotLoaded(error: unknown): void {
  if (!(error instanceof SystemdError && error.dbusName === `${systemd1}.NoSuchUnit`)) throw error;
}
