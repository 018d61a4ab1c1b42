// Kubernetes' rules of one volume that look at more than one field, in its wording; two files for one path are ours to refuse,
// where Kubernetes lets the later one win.

import { quote } from "./decode-scalar.ts";
import { filePath } from "./format.ts";
import type { Report } from "./report.ts";
import type { PodManifest } from "./schema.ts";
import { reportChoices, validateResourceField } from "./validate-reference.ts";
import { volumeSources } from "./volume-schema.ts";

interface VolumePlace {
  readonly spec: PodManifest["spec"];
  /** Where the volume, or a part of it, stands. */
  readonly field: string;
  readonly report: Report;
}

const projections = ["secret", "configMap", "downwardAPI"] as const;

type Volume = NonNullable<PodManifest["spec"]["volumes"]>[number];
type DownwardFiles = NonNullable<NonNullable<Volume["downwardAPI"]>["items"]>;

export function validateVolume(volume: Volume, place: VolumePlace): void {
  const { field, report } = place;
  const given = volumeSources.filter((source) => volume[source] !== undefined);
  for (const source of given.slice(1)) {
    const message = "Forbidden: may not specify more than 1 volume type";
    report.add({ code: "Invalid", field: `${field}.${source}`, message });
  }
  const paths = new Paths(report);
  for (const source of ["configMap", "secret"] as const) {
    paths.addAll(volume[source]?.items, `${field}.${source}`);
  }
  validateDownward(volume.downwardAPI?.items, { ...place, field: `${field}.downwardAPI` });
  paths.addAll(volume.downwardAPI?.items, `${field}.downwardAPI`);
  volume.projected?.sources?.forEach((source, index) => {
    const at = `${field}.projected.sources[${index}]`;
    reportChoices(source, projections, { field: at, report });
    validateDownward(source.downwardAPI?.items, { ...place, field: `${at}.downwardAPI` });
    for (const name of projections) {
      paths.addAll(source[name]?.items, `${at}.${name}`);
    }
  });
}

function validateDownward(items: DownwardFiles | undefined, { spec, field, report }: VolumePlace): void {
  items?.forEach((item, index) => {
    const at = `${field}.items[${index}]`;
    const { fieldRef, resourceFieldRef } = item;
    if (fieldRef === undefined && resourceFieldRef === undefined) {
      const message = "Required value: one of fieldRef and resourceFieldRef is required";
      report.add({ code: "Required", field: at, message });
    }
    if (resourceFieldRef === undefined) return;
    if (fieldRef !== undefined) {
      const problem = "fieldRef and resourceFieldRef can not be specified simultaneously";
      report.add({ code: "Invalid", field: at, message: `Invalid value: "resource": ${problem}` });
    }
    const refField = `${at}.resourceFieldRef`;
    if (resourceFieldRef.containerName === undefined) {
      report.add({ code: "Required", field: `${refField}.containerName`, message: "Required value" });
    }
    validateResourceField(resourceFieldRef, { spec, field: refField, report });
  });
}

/** The files of one volume: no two have one path, and none is a directory of another. */
class Paths {
  readonly #report: Report;
  readonly #files = new Set<string>();
  readonly #directories = new Set<string>();

  constructor(report: Report) {
    this.#report = report;
  }

  addAll(items: readonly { readonly path: string }[] | undefined, field: string): void {
    items?.forEach(({ path }, index) => {
      if (filePath(path) !== undefined) return; // has been reported
      const directories = ancestorsOf(path);
      if (
        this.#files.has(path) ||
        this.#directories.has(path) ||
        directories.some((directory) => this.#files.has(directory))
      ) {
        const message = `Invalid value: ${quote(path)}: conflicting duplicate paths`;
        this.#report.add({ code: "Duplicate", field: `${field}.items[${index}].path`, message });
      }
      this.#files.add(path);
      for (const directory of directories) this.#directories.add(directory);
    });
  }
}

/** `a/b/c` → `a`, `a/b`. */
function ancestorsOf(path: string): readonly string[] {
  return Array.from(path.matchAll(/\//g), ({ index }) => path.slice(0, index));
}
