// Asks one repository of a registry (OCI distribution specification): who asks is told where the registry wants to know, and what breaks is
// taken up where it broke.
// Invariant: credentials and tokens go to the registry and to the token server that it names, to no other host; nothing is waited for without end.

import { setTimeout as sleep } from "node:timers/promises";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { type Answer, type Asking, HttpGet } from "./http-get.ts";
import { refusal } from "./refusal.ts";
import { RegistryError } from "./registry-error.ts";

export interface RegistryOptions {
  readonly host: string;
  readonly repository: string;
  readonly credentials: Credentials | undefined;
  /** `http`: plain HTTP also to other machines; `tls`: any certificate. */
  readonly insecure: ReadonlySet<string>;
  /** Ends everything. */
  readonly signal: AbortSignal;
  readonly patience?: Partial<Patience>;
}

export interface Patience {
  /** For the beginning of an answer. */
  readonly answerMs: number;
  /** In which time so many bytes have to come. */
  readonly stallMs: number;
  readonly stallBytes: number;
  /** A question is asked so often; a blob so often without getting on. */
  readonly attempts: number;
  /** Before the second attempt; doubled each time. */
  readonly delayMs: number;
  /** What the server may ask for by Retry-After. */
  readonly retryAfterMsMax: number;
}

const defaultPatience: Patience = {
  answerMs: 30_000,
  stallMs: 30_000,
  stallBytes: 32 * 1024,
  attempts: 4,
  delayMs: 500,
  retryAfterMsMax: 60_000,
};

/** Getting on with a blob: so much, or all. */
const progressBytes = 1024 * 1024;

export interface Document {
  readonly content: Uint8Array;
  /** Empty where the server gives none. */
  readonly mediaType: string;
}

export class RegistryClient {
  readonly #options: RegistryOptions;
  readonly #patience: Patience;
  readonly #http: HttpGet;
  readonly #schemes: readonly string[];
  /** `https://quay.io`, once it is known to answer. */
  #origin: string | undefined;
  #authorization: string | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#patience = { ...defaultPatience, ...options.patience };
    this.#http = new HttpGet({ ...this.#patience, insecure: options.insecure, signal: options.signal });
    this.#schemes = schemesFor(options);
  }

  /** Whole, and so with a limit. `path` is below the repository: `manifests/latest`. */
  async read(path: string, what: string, bytesMax: number, accept = "*/*"): Promise<Document> {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#ask(path, what, { accept });
        const content = await this.#http.content(answer, what, bytesMax);
        return { content, mediaType: answer.response.headers.get("content-type") ?? "" };
      } catch (error) {
        if (!(error instanceof RegistryError) || error.failure !== "transient") throw error;
        await this.#pauseBefore(attempt, error);
      }
    }
  }

  /** A blob of `size` bytes. Its digest is for the caller to check. */
  async *stream(path: string, what: string, size: number): AsyncGenerator<Uint8Array> {
    let received = 0;
    for (let attempt = 1; received < size; ) {
      const before = received;
      try {
        for await (const chunk of this.#rest(path, what, received, size)) {
          received += chunk.length;
          yield chunk;
        }
      } catch (error) {
        if (!(error instanceof RegistryError) || error.failure === "final") throw error;
        if (received - before >= progressBytes) attempt = 1;
        await this.#pauseBefore(attempt++, error);
      }
    }
  }

  async *#rest(path: string, what: string, from: number, size: number): AsyncGenerator<Uint8Array> {
    const range = from === 0 ? {} : { range: `bytes=${from}-` };
    const answer = await this.#ask(path, what, range);
    const { headers, status } = answer.response;
    const isPart = status === 206 && headers.get("content-range")?.startsWith(`bytes ${from}-`) === true;
    let skip = isPart ? 0 : from;
    let left = size - from;
    const length = headers.get("content-length");
    if (length !== null && Number(length) !== left + skip)
      throw new RegistryError("final", `${what}: ${Number(length) - skip + from} bytes, not ${size}`);
    for await (const chunk of this.#http.body(answer, what)) {
      const part = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - part.length;
      left -= part.length;
      if (left < 0) throw new RegistryError("final", `${what}: more than ${size} bytes`);
      if (part.length > 0) yield part;
    }
    if (left > 0) throw new RegistryError("final", `${what}: ${size - left} bytes, not ${size}`);
  }

  async #pauseBefore(attempt: number, error: RegistryError): Promise<void> {
    const { attempts, delayMs, retryAfterMsMax } = this.#patience;
    const waitMs = error.retryAfterMs ?? delayMs * 2 ** (attempt - 1);
    if (attempt >= attempts || waitMs > retryAfterMsMax) throw error;
    await sleep(waitMs, undefined, { signal: this.#options.signal });
  }

  /** The answer is 200 or 206. */
  async #ask(path: string, what: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const { host, repository } = this.#options;
    let answer = await this.#send(`/v2/${repository}/${path}`, headers);
    if (answer.response.status === 401) {
      await answer.response.body?.cancel();
      const challenges = parseChallenges(answer.response.headers.get("www-authenticate") ?? "");
      this.#authorization = await this.#authorize(challenges);
      answer = await this.#send(`/v2/${repository}/${path}`, headers);
    }
    if (answer.response.status === 401) throw this.#unauthorized(`registry ${host}`);
    if (answer.response.status === 200 || answer.response.status === 206) return answer;
    throw await refusal(answer.response, what);
  }

  async #send(path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const asking = (origin: string): Asking => ({
      url: new URL(path, origin),
      headers,
      authorization: this.#authorization,
    });
    if (this.#origin !== undefined) return this.#http.get(asking(this.#origin));
    const errors: unknown[] = [];
    for (const scheme of this.#schemes) {
      const origin = `${scheme}://${this.#options.host}`;
      try {
        const answer = await this.#http.get(asking(origin));
        // 400 is what servers that want TLS say to plain HTTP.
        if (answer.response.status === 400 && scheme !== this.#schemes.at(-1)) continue;
        this.#origin = origin;
        return answer;
      } catch (error) {
        if (this.#options.signal.aborted) throw error;
        errors.push(error);
      }
    }
    // Rather a bad certificate than that there is no plain HTTP.
    throw errors.find((error) => !(error instanceof RegistryError) || error.failure === "final") ?? errors[0];
  }

  /** The value of the Authorization header. */
  async #authorize(challenges: readonly Challenge[]): Promise<string> {
    const { credentials, host } = this.#options;
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) return `Bearer ${await this.#token(bearer)}`;
    if (!challenges.some(({ scheme }) => scheme === "basic"))
      throw new RegistryError("final", `registry ${host} wants a kind of credential that is not supported`);
    if (credentials === undefined) throw this.#unauthorized(`registry ${host}`);
    return basic(credentials);
  }

  /** Distribution's token authentication; without credentials as anybody. */
  async #token({ parameters }: Challenge): Promise<string> {
    const { credentials, repository } = this.#options;
    const url = tokenUrl(parameters.get("realm") ?? "", this.#origin ?? "");
    const service = parameters.get("service");
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", parameters.get("scope") ?? `repository:${repository}:pull`);
    const authorization = credentials && basic(credentials);
    const answer = await this.#http.get({ url, headers: {}, authorization });
    const { status } = answer.response;
    if (status === 401 || status === 403) throw this.#unauthorized(`token server ${url.host}`);
    if (status !== 200) throw await refusal(answer.response, `token of ${url.host}`);
    const content = await this.#http.content(answer, `token of ${url.host}`, 1024 * 1024);
    const token = tokenIn(Buffer.from(content).toString("utf8"));
    if (token !== undefined) return token;
    throw new RegistryError("final", `token server ${url.host} gave no token`);
  }

  #unauthorized(who: string): RegistryError {
    const { credentials } = this.#options;
    const why =
      credentials === undefined
        ? "wants credentials, and there are none for it (or there is no such repository)"
        : `refuses the credentials of user ${JSON.stringify(credentials.user)}`;
    return new RegistryError("final", `${who} ${why} (HTTP status code: 401)`);
  }
}

/** In the order in which they are tried. */
function schemesFor({ host, insecure }: RegistryOptions): readonly string[] {
  const name = host.replace(/:\d+$/, "");
  if (name === "localhost" || /^127(\.\d{1,3}){3}$/.test(name)) return ["http", "https"];
  return insecure.has("http") ? ["https", "http"] : ["https"];
}

function tokenUrl(realm: string, registry: string): URL {
  const url = URL.parse(realm);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && registry.startsWith("http:"))) return url;
  throw new RegistryError("final", `registry names no usable token server: ${JSON.stringify(realm)}`);
}

function tokenIn(text: string): string | undefined {
  try {
    const { token, access_token } = JSON.parse(text) as Record<string, unknown>;
    return [token, access_token].find((value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value)) as
      | string
      | undefined;
  } catch {
    return undefined;
  }
}

function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}
