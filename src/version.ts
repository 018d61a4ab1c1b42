// The version, compiled in by build.ts; `dev` when run from the source.

declare const GANTRY_VERSION: string | undefined;
declare const GANTRY_COMMIT: string | undefined;

export const version = typeof GANTRY_VERSION === "string" ? GANTRY_VERSION : "dev";

/** `gantry 0.1.0 (commit 0123456789ab, bun 1.4.5)`. */
export function versionText(): string {
  const commit = typeof GANTRY_COMMIT === "string" ? GANTRY_COMMIT : "unknown";
  return `gantry ${version} (commit ${commit}, bun ${Bun.version})`;
}
