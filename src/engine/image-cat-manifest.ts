// `rkt image cat-manifest`.

import type { Command } from "./command.ts";
import { goJson } from "./go-text.ts";
import { ImageStore } from "./image-store.ts";

export const imageCatManifest: Command = {
  name: "image cat-manifest",
  synopsis: "IMAGE",
  flags: { "pretty-print": "boolean" },
  run: (context) => {
    const [image, ...more] = context.args;
    if (image === undefined || more.length > 0) return context.usage();
    const { manifest } = new ImageStore(context.dir).find(image);
    context.print(`${goJson(manifest, context.flags.text("pretty-print") !== "false")}\n`);
    return 0;
  },
};
