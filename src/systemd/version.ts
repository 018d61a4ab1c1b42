// Whether systemd is new enough.

/** The oldest systemd that gantry works with. */
const systemdMinimum = 219;

/** The oldest that the built-in engine works with. */
export const engineSystemdMinimum = 247;

/** Since when it gives a unit process ids of its own (`PrivatePIDs=`). */
export const ownPidsSince = 257;

/** The major version of the Manager's `Version` property, which distributions extend: `252.39-1~deb12u2`. */
export function systemdMajor(version: string): number | undefined {
  const digits = /^\d+/.exec(version)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

/** Why the pods that the built-in engine runs under this systemd share the machine's process ids, one line; undefined if they don't. */
export function sharedPids(version: string): string | undefined {
  const major = systemdMajor(version);
  if (major === undefined || major >= ownPidsSince) return undefined;
  return `systemd ${major} gives a pod no process ids of its own (${ownPidsSince} does): what runs as root in it is kept from the machine's processes by Landlock alone, where the kernel has that`;
}

/** Why this systemd will not do, one line; undefined if it will. */
export function checkSystemdVersion(version: string, minimum = systemdMinimum): string | undefined {
  const major = systemdMajor(version);
  if (major === undefined) return `systemd version(${version}) is not a version`;
  return major < minimum ? `systemd version(${version}) is too old, requires at least ${minimum}` : undefined;
}
