// `rkt image list`.

import { systemClock } from "../host/clock.ts";
import type { Command, Context } from "./command.ts";
import { formatFlag, oneOf } from "./command-line.ts";
import { formatAge, formatSize, formatTime, goJson } from "./go-text.ts";
import { ImageStore, type StoredImage } from "./image-store.ts";
import { formatTable } from "./table.ts";

const unknownOption = (value: string) => `unknown option "${value}"`;

export const imageList: Command = {
  name: "image list",
  synopsis: "",
  flags: {
    fields: oneOf("id,name,size,importtime,lastused", unknownOption),
    format: formatFlag,
    full: "boolean",
    "no-legend": "boolean",
    order: oneOf("asc,desc", unknownOption),
    sort: oneOf("name,importtime,lastused,size", unknownOption),
  },
  run: (context) => {
    const images = sorted(new ImageStore(context.dir).list(), context);
    const format = context.flags.text("format") ?? "";
    context.print(format === "" ? table(images, context) : `${json(images, format === "json-pretty")}\n`);
    return 0;
  },
};

function sorted(images: readonly StoredImage[], { flags }: Context): readonly StoredImage[] {
  const keys = (flags.text("sort") ?? "importtime").split(",");
  const sign = flags.text("order") === "desc" ? -1 : 1;
  return images.toSorted((a, b) => {
    for (const key of keys) {
      const [left, right] = [sortValue(a, key), sortValue(b, key)];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  });
}

function sortValue(image: StoredImage, key: string): string | bigint | number {
  switch (key) {
    case "name":
      return image.label;
    case "size":
      return image.size;
    case "lastused":
      return image.usedNs;
    default:
      return image.importedNs;
  }
}

function json(images: readonly StoredImage[], isPretty: boolean): string {
  const told = images.map(({ id, label, importedNs, usedNs, size }) => ({
    id,
    name: label,
    import_time: importedNs,
    last_used_time: usedNs,
    size,
  }));
  return goJson(told.length === 0 ? null : told, isPretty);
}

function table(images: readonly StoredImage[], { flags }: Context): string {
  const isFull = flags.isSet("full");
  const now = systemClock.wallMs();
  const time = (ns: bigint) => (isFull ? formatTime(ns) : formatAge(ns, now));
  const columns: Readonly<Record<string, readonly [legend: string, cell: (image: StoredImage) => string]>> = {
    id: ["ID", ({ id }) => (isFull ? id : id.slice(0, "sha512-".length + 12))],
    name: ["NAME", ({ label }) => label],
    size: ["SIZE", ({ size }) => (isFull ? String(size) : formatSize(size))],
    importtime: ["IMPORT TIME", ({ importedNs }) => time(importedNs)],
    lastused: ["LAST USED", ({ usedNs }) => time(usedNs)],
  };
  const fields = (flags.text("fields") ?? Object.keys(columns).join(",")).split(",");
  const shown = fields.map((field) => columns[field]).filter((column) => column !== undefined);
  const rows = images.map((image) => shown.map(([, cell]) => cell(image)));
  const all = flags.isSet("no-legend") ? rows : [shown.map(([legend]) => legend), ...rows];
  return all.length === 0 ? "\n" : formatTable(all);
}
