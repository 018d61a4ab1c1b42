// What a network's plugins answer to ADD, in each version of the specification. Pure.

import { isJsonObject, type Json, type JsonObject } from "../../pod/json.ts";

/** An address of the pod's own interface. */
export interface Address {
  readonly ip: string;
  /** How many bits of it are the network's. */
  readonly prefix: number;
}

export interface NetworkDns {
  readonly nameservers: readonly string[];
  readonly domain: string | undefined;
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** IPv4 first. */
export function addressesOf(result: JsonObject): readonly Address[] {
  const interfaces = objects(result.interfaces);
  const isOfPod = ({ interface: index }: JsonObject) =>
    typeof index !== "number" || Boolean(interfaces[index]?.sandbox);
  const listed = objects(result.ips)
    .filter(isOfPod)
    .map(({ address }) => address);
  // Before 0.3.0.
  const older = [result.ip4, result.ip6].map((entry) => (isJsonObject(entry) ? entry.ip : undefined));
  const addresses = [...listed, ...older].flatMap((cidr) => {
    const [ip, prefix] = typeof cidr === "string" ? cidr.split("/") : [];
    return ip === undefined ? [] : [{ ip, prefix: Number(prefix ?? (ip.includes(":") ? 128 : 32)) }];
  });
  return [...addresses.filter(isIPv4), ...addresses.filter((address) => !isIPv4(address))];
}

/** `255.255.255.0`; empty for IPv6, which has none. */
export function netmask(address: Address): string {
  if (!isIPv4(address)) return "";
  const bits = Array.from({ length: 32 }, (_none, index) => (index < address.prefix ? 1 : 0));
  return [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8).join(""), 2)).join(".");
}

/** Undefined where it names no server. */
export function dnsOf({ dns }: JsonObject): NetworkDns | undefined {
  if (!isJsonObject(dns)) return undefined;
  const nameservers = strings(dns.nameservers);
  const domain = typeof dns.domain === "string" && dns.domain !== "" ? dns.domain : undefined;
  return nameservers.length === 0
    ? undefined
    : { nameservers, domain, search: strings(dns.search), options: strings(dns.options) };
}

function isIPv4({ ip }: Address): boolean {
  return !ip.includes(":");
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function strings(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
