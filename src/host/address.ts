// The address that this machine is known by.

import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";

/**
 * That of the default route. Others may be those of pod networks; without one (yet) it is
 * the loopback one.
 */
export function hostAddress(): string {
  const routes = readFileSync("/proc/net/route", "latin1").split("\n").slice(1); // proc_net(5): Iface Destination …
  const link = routes
    .map((line) => line.split("\t"))
    .find(([, destination]) => destination === "00000000")?.[0];
  const addresses = networkInterfaces()[link ?? ""] ?? [];
  return addresses.find(({ family }) => family === "IPv4")?.address ?? "127.0.0.1";
}
