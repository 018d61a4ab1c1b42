// Pod manifests as a person would write them.

export interface ManifestOptions {
  readonly image: string;
  /** What `sh -c` runs, by container; one container named `main` unless told. */
  readonly scripts?: Readonly<Record<string, string>>;
  readonly restartPolicy?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly gracePeriod?: number;
}

/** Writes a line, then one each second, and ends at once when told. */
export const talker =
  'trap "exit 0" TERM; echo hello from $HOSTNAME; i=0; while :; do i=$((i+1)); echo tick $i; sleep 1 & wait $!; done';

export function manifest(name: string, options: ManifestOptions): string {
  const scripts = options.scripts ?? { main: talker };
  const labels = Object.entries(options.labels ?? {}).map(([key, value]) => `    ${key}: ${value}\n`);
  const containers = Object.entries(scripts).map(
    ([container, script]) => `
    - name: ${container}
      image: ${options.image}
      command: [/bin/sh, -c, ${JSON.stringify(script)}]
      env:
        - name: GREETING
          value: hello`,
  );
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
${labels.length > 0 ? `  labels:\n${labels.join("")}` : ""}spec:
  hostNetwork: true
  terminationGracePeriodSeconds: ${options.gracePeriod ?? 2}
  restartPolicy: ${options.restartPolicy ?? "Always"}
  containers:${containers.join("")}
`;
}
