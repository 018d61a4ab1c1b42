// GET over HTTP for programs that trust nobody: redirects followed by hand, answers that stall or grow beyond a limit ended.
// Invariant: an Authorization header goes only to the host that it was meant for, and nobody is led from HTTPS to plain HTTP.

import { existsSync } from "node:fs";
import { networkError, RegistryError, shownUrl } from "./registry-error.ts";

export interface HttpGetOptions {
  readonly answerMs: number;
  readonly stallMs: number;
  readonly stallBytes: number;
  readonly insecure: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

export interface Asking {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
}

export interface Answer {
  readonly url: URL;
  readonly response: Response;
  /** Ends the reading of its body with this error. */
  readonly abort: (reason: RegistryError) => void;
}

const redirectsMax = 5;
/** What the machine trusts, private authorities included: Bun brings its own list and knows none of those. */
const authoritiesFile = process.env.SSL_CERT_FILE ?? "/etc/ssl/certs/ca-certificates.crt";

export class HttpGet {
  readonly #options: HttpGetOptions;

  constructor(options: HttpGetOptions) {
    this.#options = options;
  }

  /** Any answer but a redirect. */
  async get({ url, headers, authorization }: Asking): Promise<Answer> {
    let at = url;
    for (let hops = 0; hops <= redirectsMax; hops++) {
      const isSameHost = at.origin === url.origin;
      const answer = await this.#exchange(at, {
        ...headers,
        ...(authorization !== undefined && isSameHost && { authorization }),
      });
      const location = answer.response.headers.get("location");
      if (![301, 302, 303, 307, 308].includes(answer.response.status) || location === null) return answer;
      await answer.response.body?.cancel();
      at = redirected(at, location);
    }
    throw new RegistryError("final", `Get "${shownUrl(url)}": stopped after ${redirectsMax} redirects`);
  }

  /** All of it, if that is not more than `bytesMax`. */
  async content(answer: Answer, what: string, bytesMax: number): Promise<Uint8Array> {
    const tooLarge = () => new RegistryError("final", `${what} is larger than ${bytesMax} bytes`);
    if (Number(answer.response.headers.get("content-length")) > bytesMax) {
      answer.abort(tooLarge());
      throw tooLarge();
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.body(answer, what)) {
      size += chunk.length;
      if (size > bytesMax) throw tooLarge();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** Throws where the server is too slow; what the reader takes its time for does not count. */
  async *body({ url, response, abort }: Answer, what: string): AsyncGenerator<Uint8Array> {
    const { stallMs, stallBytes } = this.#options;
    const stalled = () => new RegistryError("transient", `${what}: the server stalls (timeout)`);
    const chunks = response.body?.[Symbol.asyncIterator]();
    let waitedMs = 0;
    let bytes = 0;
    let isDone = chunks === undefined;
    try {
      while (chunks && !isDone) {
        const startedMs = performance.now();
        const timer = setTimeout(() => abort(stalled()), stallMs);
        const next = await chunks.next().finally(() => clearTimeout(timer));
        if (next.done) {
          isDone = true;
          break;
        }
        waitedMs += performance.now() - startedMs;
        bytes += next.value.length;
        if (waitedMs > stallMs) {
          if (bytes < stallBytes) throw stalled();
          waitedMs = bytes = 0;
        }
        yield next.value;
      }
    } catch (error) {
      throw this.#failure(url, error);
    } finally {
      if (!isDone) abort(new RegistryError("final", "no longer wanted"));
    }
  }

  async #exchange(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { answerMs, signal, insecure } = this.#options;
    const controller = new AbortController();
    const abort = (reason: RegistryError) => controller.abort(reason);
    const late = () => new RegistryError("transient", `Get "${shownUrl(url)}": timeout awaiting response`);
    const timer = setTimeout(() => abort(late()), answerMs);
    try {
      const response = await fetch(url, {
        headers: { "accept-encoding": "identity", ...headers },
        redirect: "manual",
        decompress: false,
        signal: AbortSignal.any([signal, controller.signal]),
        tls: insecure.has("tls") ? { rejectUnauthorized: false } : trustedAuthorities(),
      });
      return { url, response, abort };
    } catch (error) {
      throw this.#failure(url, error);
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(url: URL, error: unknown): unknown {
    return this.#options.signal.aborted ? this.#options.signal.reason : networkError(url, error);
  }
}

function trustedAuthorities(): { ca?: Bun.BunFile } {
  return existsSync(authoritiesFile) ? { ca: Bun.file(authoritiesFile) } : {};
}

function redirected(from: URL, location: string): URL {
  const to = URL.parse(location, from.href);
  if (to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:")) return to;
  throw new RegistryError(
    "final",
    `Get "${shownUrl(from)}": redirected to ${to ? shownUrl(to) : "no URL"}, which is not over HTTPS`,
  );
}
