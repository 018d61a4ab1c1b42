// A program of the kernel's packet filter that decides about each system call: seccomp(2), bpf(4). Pure.
// Invariant: it ends for every call of every architecture, by what the rules say about the call's name.

import type { Architecture } from "./system-calls.ts";

/** `errno` makes the call fail, `kill` ends the process. */
export type Verdict = "allow" | "kill" | { readonly errno: number };

export type Rule = Verdict | ArgumentRule;

/** Of the low 32 bits of an argument, since those are all that the kernel looks at in the calls that have such rules. */
export interface ArgumentRule {
  readonly argument: number;
  /** `isOneOf` these numbers, or `hasAnyOf` these bits set. */
  readonly test: "isOneOf" | "hasAnyOf";
  readonly values: readonly number[];
  readonly match: Verdict;
  readonly otherwise: Verdict;
}

/** For calls that nobody knew when the rules were made: programs take this for an older kernel, and do without. */
const unknownCall: Verdict = { errno: 38 };

/** A struct sock_filter of linux/filter.h: code, jump if true, jump if false, operand. Jumps count from the next instruction. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

const code = { load: 0x20, jump: 0x05, jumpEqual: 0x15, jumpAtLeast: 0x35, jumpAnyBit: 0x45, end: 0x06 };
/** In struct seccomp_data of linux/seccomp.h, on a little-endian machine. */
const offset = { call: 0, architecture: 4, arguments: 16 };
const longestJump = 255;
const instructionsMax = 4096;

/** The instructions as prctl(PR_SET_SECCOMP) takes them. */
export function filterProgram(
  architectures: readonly Architecture[],
  ruleOf: (name: string) => Rule,
): Uint8Array {
  const blocks = architectures.map(({ audit, calls }) => ({
    audit,
    block: [[code.load, 0, 0, offset.call] as const, ...decide(intervals(calls, ruleOf))],
  }));
  const program: Instruction[] = [[code.load, 0, 0, offset.architecture]];
  for (const { audit, block } of blocks)
    program.push([code.jumpEqual, 1, 0, audit], [code.jump, 0, 0, block.length], ...block);
  program.push(end(unknownCall));
  if (program.length > instructionsMax) throw new RangeError(`a filter of ${program.length} instructions`);
  return encode(program);
}

interface Interval {
  readonly from: number;
  readonly rule: Rule;
}

/** What holds from a number on up to the next interval. */
function intervals(calls: ReadonlyMap<number, string>, ruleOf: (name: string) => Rule): readonly Interval[] {
  const found: { from: number; rule: Rule }[] = [{ from: 0, rule: unknownCall }];
  const add = (from: number, rule: Rule) => {
    const last = found.at(-1);
    if (last?.from === from) found.pop();
    if (!isSame(found.at(-1)?.rule, rule)) found.push({ from, rule });
  };
  for (const [number, name] of [...calls].toSorted(([a], [b]) => a - b)) {
    add(number, ruleOf(name));
    if (!calls.has(number + 1)) add(number + 1, unknownCall);
  }
  return found;
}

function isSame(a: Rule | undefined, b: Rule): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A search by halves: a call costs a dozen instructions, not hundreds. */
function decide(list: readonly Interval[]): readonly Instruction[] {
  const middle = list.length >> 1;
  const [first, split] = [list[0], list[middle]];
  if (first === undefined || split === undefined || middle === 0) return ending(first?.rule ?? unknownCall);
  const low = decide(list.slice(0, middle));
  const high = decide(list.slice(middle));
  const branch: readonly Instruction[] =
    low.length <= longestJump
      ? [[code.jumpAtLeast, low.length, 0, split.from]]
      : [
          [code.jumpAtLeast, 0, 1, split.from],
          [code.jump, 0, 0, low.length],
        ];
  return [...branch, ...low, ...high];
}

function ending(rule: Rule): readonly Instruction[] {
  if (typeof rule === "string" || !("argument" in rule)) return [end(rule)];
  const { argument, test, values, match, otherwise } = rule;
  const testCode = test === "isOneOf" ? code.jumpEqual : code.jumpAnyBit;
  return [
    [code.load, 0, 0, offset.arguments + 8 * argument],
    ...values.map((value, index) => [testCode, values.length - index, 0, value] as const),
    end(otherwise),
    end(match),
  ];
}

function end(verdict: Verdict): Instruction {
  const value = verdict === "allow" ? 0x7fff0000 : verdict === "kill" ? 0x80000000 : 0x50000 | verdict.errno;
  return [code.end, 0, 0, value];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([operation, ifTrue, ifFalse, operand], index) => {
    view.setUint16(index * 8, operation, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, operand, true);
  });
  return bytes;
}
