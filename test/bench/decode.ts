// How long 1,000 manifests take from text to Pod, and whether twice as many take twice as long.

import { validateFile } from "../../src/manifest/validate-file.ts";
import type { Figure } from "./figure.ts";

const options = { nodeName: "bench", seenAtMs: () => 0 };

export function manifestFigures(): readonly Figure[] {
  return [
    {
      what: "1,000 manifests -> pods; floor: 500 of them",
      unit: "ms",
      samples: [1000, 1000, 1000].map(decodeManifestsMs),
      floor: [decodeManifestsMs(500)],
      target: { atMost: 2000 },
    },
  ];
}

/** Of the size of a real one, each different. */
function manifest(index: number): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: web-${index}
  labels: {app: web, instance: "${index}"}
spec:
  securityContext: {runAsUser: 1000, fsGroup: 1000}
  containers:
    - name: server
      image: registry.example.com/shop/web:${index}.0
      command: [/usr/bin/server, --listen, ":8080"]
      args: ["--name=$(POD_NAME)", "--workers=4"]
      env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: DATABASE, value: "postgres://db.example.com/shop"}
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
      ports: [{name: http, containerPort: 8080, hostPort: ${10_000 + index}}]
      resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      volumeMounts:
        - {name: data, mountPath: /var/lib/web}
        - {name: config, mountPath: /etc/web, readOnly: true}
  volumes:
    - {name: data, hostPath: {path: /srv/web-${index}, type: DirectoryOrCreate}}
    - {name: config, configMap: {name: web}}
`;
}

/** Milliseconds for `count` manifests, one file each: decoded, validated and converted. */
function decodeManifestsMs(count: number): number {
  const texts = Array.from({ length: count }, (_, index) => manifest(index));
  const before = performance.now();
  for (const [index, text] of texts.entries()) {
    const { problems } = validateFile(`/etc/gantry/manifests/web-${index}.yaml`, text, options);
    if (problems.length > 0) throw new Error(`the bench's own manifest is bad: ${JSON.stringify(problems)}`);
  }
  return performance.now() - before;
}
