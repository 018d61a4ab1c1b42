// Which ports of the machine get in each other's way.

export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  /** Empty: every address. */
  readonly hostIP: string;
  readonly number: number;
}

const everyAddress = ["", "0.0.0.0", "::"];

export function doHostPortsClash(a: HostPort, b: HostPort): boolean {
  if (a.protocol !== b.protocol || a.number !== b.number) return false;
  return a.hostIP === b.hostIP || everyAddress.includes(a.hostIP) || everyAddress.includes(b.hostIP);
}
