// Chance that can be had again: the seed is printed, and TEST_SEED sets it.

export interface Random {
  /** From 0 to below 1. */
  next(): number;
  below(count: number): number;
  oneOf<T>(choices: readonly T[]): T;
}

export const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

/** mulberry32: the same numbers for the same seed. */
export function random(state = seed): Random {
  let a = state;
  const next = () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    oneOf(choices) {
      const chosen = choices[below(choices.length)];
      if (chosen === undefined) throw new Error("nothing to choose from");
      return chosen;
    },
  };
}
