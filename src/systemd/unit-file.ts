// The syntax of unit files (systemd.syntax(7), systemd.service(5)).
// Invariant: parseUnitFile(serializeUnitFile(file)) is `file`, and systemd reads the same values from it.

export type UnitFile = readonly UnitSection[];

export interface UnitSection {
  readonly name: string;
  /** In order; a key may come several times. */
  readonly entries: readonly UnitEntry[];
}

/** Key and value, the value as systemd sees it before it interprets it. */
export type UnitEntry = readonly [key: string, value: string];

/** Throws RangeError for what the syntax has no way to say: quote first. */
export function serializeUnitFile(file: UnitFile): string {
  return file
    .map(({ name, entries }) => [
      `[${checked(name, /^[^[\]\x00-\x1f\x7f]+$/, "section")}]`,
      ...entries.map(([key, value]) => `${checked(key, /^[A-Za-z0-9-]+$/, "key")}=${checkedValue(value)}`),
      "",
    ])
    .map((lines) => lines.join("\n"))
    .join("\n");
}

/** Lines that systemd would not understand are left out, comments too. */
export function parseUnitFile(text: string): UnitFile {
  const sections: { name: string; entries: UnitEntry[] }[] = [];
  for (const line of logicalLines(text)) {
    const name = /^\[(.*)\]$/.exec(line)?.[1];
    if (name !== undefined) {
      sections.push({ name, entries: [] });
      continue;
    }
    const equals = line.indexOf("=");
    if (equals > 0)
      sections.at(-1)?.entries.push([trim(line.slice(0, equals)), trim(line.slice(equals + 1))]);
  }
  return sections;
}

/** All values of a key, over all sections of that name. */
export function unitValues(file: UnitFile, section: string, key: string): readonly string[] {
  return file
    .filter(({ name }) => name === section)
    .flatMap(({ entries }) => entries.filter(([name]) => name === key).map(([, value]) => value));
}

/**
 * The value of ExecStart= and its like that runs the first word with the others as its arguments, byte by byte.
 * systemd takes the program literally, but for specifiers, and refuses one with quotes, backslashes or control characters, whatever the
 * escaping: RangeError, as for one that is not absolute and so could begin with one of the special prefixes `-@:+!`.
 */
export function execCommand([program = "", ...args]: readonly string[]): string {
  checked(program, /^\/[^\x00-\x1f\x7f"'\\]*$/, "program");
  const path = escapeSpecifiers(program);
  return [isPlain(path) ? path : `"${path}"`, ...args.map(quoteArgument)].join(" ");
}

/**
 * An argument of a command, passed on as it is. The `:` prefix, which switches `$` off for the whole command, is no alternative: it came
 * with systemd 244.
 */
export function quoteArgument(text: string): string {
  return quoteValue(text).replaceAll("$", "$$$$");
}

/** A word of a setting that takes quoted words and knows specifiers but no variables: Environment=, SetCredential= … */
export function quoteValue(text: string): string {
  if (isPlain(text)) return text;
  return `"${escapeSpecifiers(text).replaceAll(/["\\\x00-\x1f\x7f]/g, escapeCharacter)}"`;
}

/** For settings that know specifiers but no quotes: WorkingDirectory=, Description= … */
export function escapeSpecifiers(text: string): string {
  return text.replaceAll("%", "%%");
}

/** Whether it reads the same without quotes. */
function isPlain(text: string): boolean {
  return /^[\w/.,:=@+-]+$/.test(text);
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === "\0") throw new RangeError("No argument can hold a NUL character");
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** Comments out, continued lines joined by a blank, blanks around them gone: what systemd's parser works on. */
function* logicalLines(text: string): Generator<string> {
  let continued = "";
  for (const line of text.split("\n")) {
    if (/^[ \t\r]*[#;]/.test(line)) continue; // also between continued lines
    const isContinued = endsInBackslash(line);
    continued += isContinued ? `${line.slice(0, -1)} ` : line;
    if (isContinued) continue;
    yield trim(continued);
    continued = "";
  }
  yield trim(continued);
}

/** An even number of them is that many backslashes, halved. */
function endsInBackslash(line: string): boolean {
  return (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1;
}

/** systemd's WHITESPACE, less than String.trim() takes. */
function trim(text: string): string {
  return text.replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
}

function checkedValue(value: string): string {
  if (/[\n\0]/.test(value) || trim(value) !== value || endsInBackslash(value))
    throw new RangeError(`Not a value of a unit file unless quoted: ${JSON.stringify(value)}`);
  return value;
}

function checked(text: string, pattern: RegExp, what: string): string {
  if (!pattern.test(text)) throw new RangeError(`Not a ${what} of a unit file: ${JSON.stringify(text)}`);
  return text;
}
