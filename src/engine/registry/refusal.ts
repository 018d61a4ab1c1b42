// An HTTP answer that is not what was asked for becomes an error that says why.

import { systemClock } from "../../host/clock.ts";
import { isJsonObject } from "../../pod/json.ts";
import { oneLine, RegistryError, type RegistryFailure } from "./registry-error.ts";

const meanings: Readonly<Record<number, string>> = {
  403: "access denied",
  404: "not found",
  416: "it has fewer bytes than its manifest says",
  429: "too many requests",
};

/** Reads what the registry says about it, if that is short. */
export async function refusal(response: Response, what: string): Promise<RegistryError> {
  const { status } = response;
  const meaning = meanings[status] ?? (status >= 500 ? "the server fails" : "unexpected answer");
  const said = await registryMessage(response);
  const failure: RegistryFailure = status === 429 || status >= 500 ? "transient" : "final";
  return new RegistryError(failure, `${what}: ${meaning} (HTTP status code: ${status}${said})`, {
    retryAfterMs: retryAfterMs(response.headers.get("retry-after")),
  });
}

/** `, manifest unknown`: `{"errors": [{"code": …, "message": …}]}` of the distribution specification. */
async function registryMessage(response: Response): Promise<string> {
  try {
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString("latin1");
      if (text.length > 16 * 1024) return "";
    }
    const json: unknown = JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
    const errors = isJsonObject(json) && Array.isArray(json.errors) ? json.errors : [];
    const message = errors.map((error) => isJsonObject(error) && error.message).find(Boolean);
    return typeof message === "string" ? `, ${oneLine(message)}` : "";
  } catch {
    return ""; // it says nothing that we can read
  }
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - systemClock.wallMs());
}
