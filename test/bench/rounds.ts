// How often each thing is measured.

/** BENCH_ROUNDS in place of what a benchmark takes itself. */
const asked = Number(process.env.BENCH_ROUNDS ?? 0);

/** One after the other. The first, which fetches, imports and fills caches, does not count. */
export async function repeat<T>(
  rounds: number,
  measure: (round: number) => Promise<T>,
): Promise<readonly T[]> {
  const samples: T[] = [];
  for (let round = 0; round <= (asked || rounds); round++) samples.push(await measure(round));
  return samples.slice(1);
}
