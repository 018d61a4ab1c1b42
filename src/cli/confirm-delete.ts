// `gantry confirm-delete`: manifests that went missing all at once were meant to be deleted.

import { AgentClient, type ServerOptions } from "./agent-client.ts";
import { print } from "./output.ts";

/** Resolves with the exit code. */
export async function runConfirmDelete(options: ServerOptions): Promise<number> {
  const client = await AgentClient.create(options);
  const { deleted } = await client.json<{ readonly deleted: readonly string[] }>(
    "/manifests/confirm-delete",
    {
      method: "POST",
    },
  );
  await print(
    deleted.length === 0
      ? "nothing was waiting to be confirmed\n"
      : deleted.map((key) => `pod ${key} is deleted\n`).join(""),
  );
  return 0;
}
