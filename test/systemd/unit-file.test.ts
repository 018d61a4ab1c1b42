import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  execCommand,
  parseUnitFile,
  quoteArgument,
  quoteValue,
  serializeUnitFile,
  type UnitFile,
  unitValues,
} from "../../src/systemd/unit-file.ts";
import { tempDir } from "../temp-dir.ts";
import { run, runScript, writeUnit } from "./unit.ts";

describe("the syntax", () => {
  test("is written as people write it", () => {
    const file: UnitFile = [
      { name: "Unit", entries: [["Description", "A unit"]] },
      {
        name: "Service",
        entries: [
          ["ExecStart", "/bin/true"],
          ["Environment", ""],
          ["Environment", '"A=1"'],
        ],
      },
    ];
    expect(serializeUnitFile(file)).toBe(
      '[Unit]\nDescription=A unit\n\n[Service]\nExecStart=/bin/true\nEnvironment=\nEnvironment="A=1"\n',
    );
  });

  const value = fc.string({ unit: "binary" }).filter((text) => {
    try {
      return serializeUnitFile([{ name: "A", entries: [["B", text]] }]) !== "";
    } catch {
      return false;
    }
  });
  const section = fc.record({
    name: fc.constantFrom("Unit", "Service", "X-Gantry"),
    entries: fc.array(fc.tuple(fc.constantFrom("A", "Exec-Start", "B2"), value)),
  });

  test("is read as it was written", () => {
    fc.assert(
      fc.property(fc.array(section), (file) => {
        expect(parseUnitFile(serializeUnitFile(file))).toEqual(file as unknown as UnitFile);
      }),
    );
  });

  test.each(["a\nb", " a", "a\t", "a\\", "a\\\\\\", "\0"])("has no way to say %j", (text) => {
    expect(() => serializeUnitFile([{ name: "A", entries: [["B", text]] }])).toThrow(RangeError);
  });

  test("ends no value with two backslashes that are one of them escaped", () => {
    const file: UnitFile = [{ name: "A", entries: [["B", "a\\\\"]] }];
    expect(parseUnitFile(serializeUnitFile(file))).toEqual(file);
  });

  test("reads comments, blanks, continued lines and what is none of it", () => {
    const text =
      "# x\nA=lost\n [B] \nC = 1 \\\n ; a comment in between\n   2\r\nno assignment\n=3\n\nC=\n[B]\nC=4\\";
    expect(parseUnitFile(text)).toEqual([
      {
        name: "B",
        entries: [
          ["C", "1     2"],
          ["C", ""],
        ],
      },
      { name: "B", entries: [["C", "4"]] },
    ]);
  });

  test("gives the values of a key over all sections of a name, in order", () => {
    const file = parseUnitFile("[A]\nK=1\n[B]\nK=2\n[A]\nJ=3\nK=4\nK=5\n");
    expect(unitValues(file, "A", "K")).toEqual(["1", "4", "5"]);
  });

  test("is the one that systemd reads", async () => {
    const text = "[Unit]\nDescription= one \\\n# comment\n  two\\\\\n[Service]\nExecStart=/bin/true\n";
    await using unit = await writeUnit(text);
    const shown = run("systemctl", "show", "--value", "--property=Description", unit.name);
    expect(unitValues(parseUnitFile(text), "Unit", "Description")).toEqual([shown.trim()]);
  });
});

describe("quoting", () => {
  test.each([
    ["plain", "plain"],
    ["--net=a:b@c,d/e.f_g+1", "--net=a:b@c,d/e.f_g+1"],
    ["", '""'],
    ['a "b" \\c', '"a \\"b\\" \\\\c"'],
    ["50% $HOME", '"50%% $$HOME"'],
    ["a\nb\tc\x1b", '"a\\nb\\tc\\x1b"'],
    ["-@:+!", '"-@:+!"'],
    ["grüße", '"grüße"'],
    [";", '";"'],
  ])("makes %j the argument %p", (text, quoted) => {
    expect(quoteArgument(text)).toBe(quoted);
  });

  test("leaves the dollar alone in a value", () => {
    expect(quoteValue("A=$B %")).toBe('"A=$B %%"');
  });

  test.each(["relative", "", "-/bin/true", '/bin/a"b', "/bin/a\\b", "/bin/a\nb"])(
    "refuses the program %j",
    (program) => {
      expect(() => execCommand([program])).toThrow(RangeError);
    },
  );

  test("refuses NUL, which no argument can hold", () => {
    expect(() => quoteArgument("a\0b")).toThrow(RangeError);
  });
});

describe("under systemd", () => {
  const characters = Array.from({ length: 0x17f }, (_, index) => String.fromCharCode(index + 1));
  const hostile = [
    ...[
      "",
      " ",
      ";",
      "\\;",
      "$",
      "$$",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of systemd's
      "${HOME}",
      "$HOME",
      "$$HOME",
      "%",
      "%n",
      "%%n",
      "%H%%",
      "\\",
      "\\\\",
      '"',
      "'",
    ],
    ...[
      "-",
      "@",
      ":",
      "+",
      "!",
      "!!",
      "|",
      "#",
      "a\\\nb",
      "\\x41",
      "\\101",
      "\\u0041",
      "é",
      "日本",
      "🚀",
      "~",
      "*",
    ],
    ...characters,
    ...characters.map((character) => `a${character}b${character}`),
    ...fc.sample(
      fc.string({ unit: fc.constantFrom(..." \\\"'$%{}a;\n\t#=-nsx0"), minLength: 1, maxLength: 12 }),
      { numRuns: 500, seed: 7 },
    ),
  ];

  test("a command's arguments arrive byte by byte", async () => {
    await using dir = await tempDir();
    const script = 'out=$1; shift; for a; do printf "%s\\0" "$a"; done >"$out"';
    const command = execCommand(["/bin/sh", "-c", script, "sh", `${dir.path}/out`, ...hostile]);
    await using unit = await writeUnit(
      serializeUnitFile([
        {
          name: "Service",
          entries: [
            ["Type", "oneshot"],
            ["ExecStart", command],
          ],
        },
      ]),
    );
    run("systemctl", "start", unit.name);
    const arrived = await Bun.file(`${dir.path}/out`).text();
    expect(arrived.split("\0").slice(0, -1)).toEqual(hostile);
  });

  test("a variable's value arrives byte by byte", async () => {
    await using dir = await tempDir();
    // Of control characters systemd accepts newline and tab in a variable (systemd.exec(5)).
    const values = hostile.filter((text) => !/[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(text));
    const environment = values.map((text, index) => `Environment=${quoteValue(`V${index}=${text}`)}`);
    await using _unit = await runScript(`env -0 >${dir.path}/out`, environment.join("\n"));
    const arrived = new Map(
      (await Bun.file(`${dir.path}/out`).text())
        .split("\0")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    expect(values.map((_, index) => arrived.get(`V${index}`))).toEqual(values);
  });

  test("a program may have a blank, a dollar and a percent sign in its path", async () => {
    await using dir = await tempDir();
    const program = `${dir.path}/a b$HOME 50%n`;
    await Bun.write(program, '#!/bin/sh\necho "$1" >"$2"\n');
    run("chmod", "+x", program);
    const command = execCommand([program, "it ran", `${dir.path}/out`]);
    await using unit = await writeUnit(`[Service]\nType=oneshot\nExecStart=${command}\n`);
    run("systemctl", "start", unit.name);
    expect(await Bun.file(`${dir.path}/out`).text()).toBe("it ran\n");
  });
});
