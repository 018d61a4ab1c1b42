// argv as rkt reads it: `--flag=value`, `--flag value`, `--flag` for booleans, `--` before arguments that only look like flags.
// Invariant: what is wrong with argv is a UsageError, found before anything is done.

export type Flag =
  | "boolean"
  | "string"
  /** May be given several times. */
  | "strings"
  /** `--wait` alone means `--wait=true`. */
  | "optional"
  /** Says what is wrong with a value, or undefined. */
  | ((value: string) => string | undefined);

export type Flags = Readonly<Record<string, Flag>>;

export class UsageError extends Error {
  override readonly name = "UsageError";
}

const insecureOptions = "none,image,tls,ondisk,http,pubkey,capabilities,paths,seccomp,all-fetch,all-run,all";

export const globalFlags: Flags = {
  debug: "boolean",
  dir: "string",
  "insecure-options": oneOf(insecureOptions, (value) => `unknown option "${value}"`),
  "local-config": "string",
  "system-config": "string",
  "trust-keys-from-https": "boolean",
  "user-config": "string",
  help: "boolean",
};

/** A flag whose value is a comma-separated list of some of these. */
export function oneOf(allowed: string, complain: (value: string) => string): Flag {
  const values = new Set(allowed.split(","));
  return (text) => {
    const wrong = text.split(",").find((value) => !values.has(value));
    return wrong === undefined ? undefined : complain(wrong);
  };
}

export const formatFlag: Flag = oneOf("json,json-pretty,", (value) => `Invalid format option: ${value}`);

export class ParsedFlags {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }
  has(name: string): boolean {
    return this.#values.has(name);
  }
  /** The last one given. */
  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }
  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
  isSet(name: string): boolean {
    return this.text(name) === "true";
  }
  /** Of a comma-separated list; `all` and its like are expanded by the caller. */
  list(name: string): readonly string[] {
    return this.texts(name).flatMap((value) => value.split(","));
  }
}

export interface CommandLine {
  readonly flags: ParsedFlags;
  readonly args: readonly string[];
}

/** What follows the first `stopsAfterArgs` arguments is not ours, flags or not (`enter UUID CMD ARG…`). */
export function parseFlags(
  argv: readonly string[],
  flags: Flags,
  stopsAfterArgs = Number.POSITIVE_INFINITY,
): CommandLine {
  const values = new Map<string, string[]>();
  const args: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (args.length >= stopsAfterArgs)
      return { flags: new ParsedFlags(values), args: [...args, ...argv.slice(at)] };
    if (word === "--") {
      args.push(...argv.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      args.push(word);
      continue;
    }
    const [name, given] = splitFlag(word);
    const flag = flags[name];
    if (flag === undefined || !Object.hasOwn(flags, name)) throw new UsageError(`unknown flag: --${name}`);
    const takesValue = flag !== "boolean" && flag !== "optional";
    if (given === undefined && takesValue && at + 1 >= argv.length)
      throw new UsageError(`flag needs an argument: --${name}`);
    const value = given ?? (takesValue ? (argv[++at] ?? "") : "true");
    checkValue(name, value, flag);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return { flags: new ParsedFlags(values), args };
}

function splitFlag(word: string): [name: string, value: string | undefined] {
  const text = word === "-h" ? "help" : word.replace(/^--?/, "");
  const equals = text.indexOf("=");
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)];
}

function checkValue(name: string, value: string, flag: Flag): void {
  const complaint =
    typeof flag === "function"
      ? flag(value)
      : flag === "boolean" && value !== "true" && value !== "false"
        ? `strconv.ParseBool: parsing "${value}": invalid syntax`
        : undefined;
  if (complaint !== undefined)
    throw new UsageError(`invalid argument "${value}" for --${name}=${value}: ${complaint}`);
}
