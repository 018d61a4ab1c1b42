// A pod's network: its namespace and what CNI's plugins do to it.
// Invariant: what has been done, or may have been, is on record before it is done, so that a kill at any moment leaves nothing that
// releaseNetwork() does not find.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { hasErrorCode } from "../../host/error.ts";
import { faultPoint } from "../../host/fault-point.ts";
import { isRktUuid, type RktUuid } from "../../pod/names.ts";
import type { AppcPodManifest } from "../../rkt/appc.ts";
import { EngineError } from "../engine-error.ts";
import type { Pod } from "../pod.ts";
import { podState } from "../pod-store.ts";
import { type Attachment, attach, checkAttachment, detach, mapsPorts } from "./attachment.ts";
import { dnsOf, type NetworkDns } from "./cni-result.ts";
import { findNetworks } from "./configured-networks.ts";
import { netInfoFile, podIp, readNetInfo, toNetInfo } from "./net-info.ts";
import { pluginTypes } from "./network-config.ts";
import { createNamespace, findNamespace, removeNamespace } from "./network-namespace.ts";
import { findPlugin, missingPlugin } from "./plugin.ts";
import { portMappings } from "./port-mappings.ts";
import type { RequestedNetworks } from "./requested-networks.ts";

export interface PodNetwork {
  /** The path of its namespace; undefined: the host's. */
  readonly namespace: string | undefined;
  /** Empty if it has none of its own. */
  readonly ip: string;
  readonly dns: NetworkDns | undefined;
}

export interface NetworkOptions {
  readonly requested: RequestedNetworks;
  readonly directories: readonly string[];
  readonly manifest: AppcPodManifest;
}

/** Only for who holds the pod's lock. If it fails, nothing is left of it. */
export async function setUpNetwork(pod: Pod, options: NetworkOptions): Promise<PodNetwork> {
  if (options.requested.kind === "host") return { namespace: undefined, ip: "", dns: undefined };
  try {
    const attachments = planAttachments(options);
    writeRecord(pod, attachments);
    const namespace = await createNamespace(pod.uuid);
    for (const [index, attachment] of attachments.entries()) {
      if (process.env.FAULT_POINTS) faultPoint("attaching");
      const result = await attach(attachment, { containerId: pod.uuid, netns: namespace });
      if (process.env.FAULT_POINTS) faultPoint("attached");
      attachments[index] = { ...attachment, result };
      writeRecord(pod, attachments);
    }
    const networks = attachments.map(toNetInfo);
    replaceFile(`${pod.path}/${netInfoFile}`, JSON.stringify(networks), 0o644);
    return { namespace, ip: podIp(networks), dns: podDns(attachments) };
  } catch (error) {
    // What this leaves is on record.
    await releaseNetwork(pod).catch(() => undefined);
    if (!(error instanceof EngineError)) throw error;
    throw new EngineError(`failed to setup network: ${error.message}`, { cause: error });
  }
}

/** The network of a pod that runs, which sets it up and tears it down. */
export function joinNetwork(pod: Pod, owner: Pod): PodNetwork {
  const namespace = findNamespace(owner.uuid);
  const attachments = readRecord(recordFile(owner));
  if (namespace === undefined || attachments === undefined || podState(owner) !== "running")
    throw new EngineError(`pod "${owner.uuid}" has no network to join: it does not run, or is in the host's`);
  const networks = readNetInfo(owner);
  replaceFile(`${pod.path}/${netInfoFile}`, JSON.stringify(networks), 0o644);
  return { namespace, ip: podIp(networks), dns: podDns(attachments) };
}

function podDns(attachments: readonly Attachment[]): NetworkDns | undefined {
  return attachments.map(({ result = {} }) => dnsOf(result)).find((dns) => dns !== undefined);
}

function planAttachments({ requested, directories, manifest }: NetworkOptions): Attachment[] {
  const wanted = requested.kind === "networks" ? requested.networks : [];
  const ports = portMappings(manifest);
  const networks = findNetworks(
    wanted.map(({ name }) => name),
    { directories, hasHostPorts: ports.length > 0 },
  );
  const types = networks.flatMap(({ config }) => pluginTypes(config));
  const missing = types.find((type) => findPlugin(type) === undefined);
  if (missing !== undefined) throw missingPlugin(missing);
  // Two networks would fight for one host port.
  const portNetwork = networks.find(({ config }) => mapsPorts(config));
  if (ports.length > 0 && portNetwork === undefined)
    throw new EngineError("the pod has host ports, and none of its networks has a plugin that can map them");
  return networks.map((network, index) => ({
    ...network,
    ifName: `eth${index}`,
    args: wanted[index]?.args ?? "",
    portMappings: network === portNetwork ? ports : [],
  }));
}

/** Only for who holds the pod's lock. Repeatable: what fails stays on record. */
export async function releaseNetwork(pod: Pod): Promise<void> {
  const attachments = readRecord(recordFile(pod));
  if (attachments === undefined) return;
  await release(pod.uuid, attachments);
  rmSync(recordFile(pod), { force: true });
}

/** Of a pod whose directory is gone. */
export async function releaseOrphan(uuid: RktUuid): Promise<void> {
  await release(uuid, readRecord(orphanFile(uuid)) ?? []);
}

export function hasNetwork(pod: Pod): boolean {
  return existsSync(recordFile(pod));
}

/** Throws EngineError if its network is not as it was set up. */
export async function checkNetwork(pod: Pod): Promise<void> {
  const sandbox = { containerId: pod.uuid, netns: findNamespace(pod.uuid) ?? "" };
  for (const attachment of readRecord(recordFile(pod)) ?? []) await checkAttachment(attachment, sandbox);
}

async function release(uuid: RktUuid, attachments: readonly Attachment[]): Promise<void> {
  const sandbox = { containerId: uuid, netns: findNamespace(uuid) ?? "" };
  const complaints: string[] = [];
  for (const attachment of attachments.toReversed()) {
    try {
      await detach(attachment, sandbox);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      complaints.push(error.message);
    }
  }
  if (complaints.length > 0) throw new EngineError(`failed to teardown network: ${complaints.join("; ")}`);
  removeNamespace(uuid);
  for (const suffix of ["", temporary]) rmSync(orphanFile(uuid) + suffix, { force: true });
}

function recordFile(pod: Pod): string {
  return `${pod.path}/network`;
}

/** The same once more, where it is found without the pod's directory: until a reboot, which ends all that is not in that directory. */
const orphanDirectory = "/run/gantry-network/pods";

const temporary = ".tmp";

/** The pods of what is in that directory. */
export function recordedUuids(): readonly RktUuid[] {
  try {
    const names = readdirSync(orphanDirectory).map((name) => name.replace(temporary, ""));
    return [...new Set(names.filter(isRktUuid))];
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return [];
    throw error;
  }
}

function orphanFile(uuid: RktUuid): string {
  return `${orphanDirectory}/${uuid}`;
}

function writeRecord(pod: Pod, attachments: readonly Attachment[]): void {
  for (const file of [orphanFile(pod.uuid), recordFile(pod)]) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    replaceFile(file, JSON.stringify(attachments), 0o600);
  }
}

/** Nobody, such as a `list` meanwhile, reads half of it. After a crash of the machine it may be empty. */
function replaceFile(file: string, text: string, mode: number): void {
  writeFileSync(file + temporary, text, { mode });
  renameSync(file + temporary, file);
}

/** Undefined if there is none. */
function readRecord(file: string): readonly Attachment[] | undefined {
  try {
    const text = readFileSync(file, "utf8");
    return text === "" ? [] : (JSON.parse(text) as Attachment[]); // empty: a crash of the machine, which took the network along
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
