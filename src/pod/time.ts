// Time as Kubernetes writes it.

/** RFC 3339 in UTC, to the second; undefined stays so. */
export function rfc3339(wallMs: number): string;
export function rfc3339(wallMs: number | undefined): string | undefined;
export function rfc3339(wallMs: number | undefined): string | undefined {
  return wallMs === undefined ? undefined : `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}
