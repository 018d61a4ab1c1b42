// Runs a filter of system calls as the kernel would: the classic packet filter, as far as the programs go.

export interface Call {
  readonly audit: number;
  readonly number: number;
  readonly arguments?: readonly bigint[];
}

/** `allow`, `kill`, or the errno; throws where the kernel would refuse the program. */
export function verdictOf(program: Uint8Array, call: Call): "allow" | "kill" | number {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const operation = view.getUint16(at * 8, true);
    const operand = view.getUint32(at * 8 + 4, true);
    const jump = (isTrue: boolean) => {
      at += view.getUint8(at * 8 + (isTrue ? 2 : 3));
    };
    if (operation === 0x20) accumulator = load(call, operand);
    else if (operation === 0x05) at += operand;
    else if (operation === 0x15) jump(accumulator === operand);
    else if (operation === 0x35) jump(accumulator >= operand);
    else if (operation === 0x45) jump((accumulator & operand) !== 0);
    else if (operation === 0x06) return told(operand);
    else throw new Error(`instruction ${at} is unknown: ${operation}`);
  }
  throw new Error("it ran over its end");
}

function load({ audit, number, arguments: list = [] }: Call, offset: number): number {
  if (offset === 0) return number;
  if (offset === 4) return audit;
  if (offset < 16 || offset >= 64 || offset % 8 !== 0) throw new Error(`nothing to load at ${offset}`);
  return Number(BigInt.asUintN(32, list[(offset - 16) / 8] ?? 0n));
}

function told(value: number): "allow" | "kill" | number {
  if (value === 0x7fff0000) return "allow";
  if (value === 0x80000000) return "kill";
  if (value >>> 16 === 5) return value & 0xffff;
  throw new Error(`unknown verdict ${value}`);
}
