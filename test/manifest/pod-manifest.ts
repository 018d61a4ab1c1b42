// Manifests for tests.

import { validateFile } from "../../src/manifest/validate-file.ts";
import type { Pod } from "../../src/pod/pod.ts";

/** The least that is a Pod. */
export function minimalPod(name: string, image = "example.com/app:1.0"): string {
  return `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n  containers:\n    - name: main\n      image: ${image}\n`;
}

export const options = { nodeName: "node1", seenAtMs: () => Date.parse("2024-05-06T07:08:09.123Z") };

export function podFrom(text: string, path = "/m/web.yaml"): Pod {
  const { content, problems } = validateFile(path, text, options);
  const [first] = content.pods;
  if (first === undefined) throw new Error(`no pod: ${JSON.stringify(problems)}`);
  return first;
}
