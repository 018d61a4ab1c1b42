// GET /images: what is in the images' store, who brought it and who uses it.
// Invariant: however many ask, one listing is made at a time: it takes a program.

import { Hono } from "hono";
import type { ListedImage } from "../pod/listed-image.ts";
import type { ServerEnv } from "./connection.ts";
import { jsonResponse } from "./response.ts";

export interface ImagesView {
  list(signal: AbortSignal): Promise<readonly ListedImage[]>;
}

export function imageRoutes({ images }: { images: ImagesView }): Hono<ServerEnv> {
  /** For all who ask meanwhile, and so ended by none of them. */
  let listing: Promise<readonly ListedImage[]> | undefined;
  const list = () => {
    listing ??= images.list(new AbortController().signal).finally(() => {
      listing = undefined;
    });
    return listing;
  };
  return new Hono<ServerEnv>().get("/images", async () => jsonResponse({ items: await list() }));
}
