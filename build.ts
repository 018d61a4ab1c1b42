// Builds the one executable: `bun build.ts [TARGET…]`, with no TARGET for this machine (dist/gantry). `--faults` builds dist/gantry-faults
// instead, which a test can have killed at its fault points (src/host/fault-point.ts).
// Invariant: what it builds reads no .env, bunfig.toml or node_modules of the directory it is started in, since it runs as root.

import { parseArgs } from "node:util";
import packageJson from "./package.json" with { type: "json" };

const targets: Readonly<Record<string, Bun.Build.CompileTarget>> = {
  x64: "bun-linux-x64",
  "x64-baseline": "bun-linux-x64-baseline",
  "x64-musl": "bun-linux-x64-musl",
  arm64: "bun-linux-arm64",
  "arm64-musl": "bun-linux-arm64-musl",
};

async function build(
  outfile: string,
  { target, hasFaults = false }: { target?: Bun.Build.CompileTarget | undefined; hasFaults?: boolean },
): Promise<void> {
  await Bun.build({
    entrypoints: ["src/main.ts"],
    compile: {
      outfile,
      ...(target === undefined ? {} : { target }),
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
    target: "bun",
    format: "esm", // what bytecode with top-level await needs
    splitting: true, // `gantry rkt` loads its own part only: 12 ms of CPU a call instead of 25
    bytecode: true, // start-up in 25 ms instead of 56
    minify: { whitespace: true, syntax: true, identifiers: false }, // names stay in stack traces
    define: {
      "process.env.NODE_ENV": '"production"',
      "process.env.FAULT_POINTS": String(hasFaults),
      GANTRY_VERSION: JSON.stringify(packageJson.version),
      GANTRY_COMMIT: JSON.stringify(await commit()),
    },
  });
  console.log(outfile);
}

async function commit(): Promise<string> {
  const head = await Bun.$`git rev-parse --short=12 HEAD`.quiet().nothrow();
  return head.exitCode === 0 ? head.text().trim() : "unknown";
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { faults: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => !(name in targets));
if (unknown.length > 0) {
  console.error(`build: unknown target ${unknown.join(", ")}; there are ${Object.keys(targets).join(", ")}`);
  process.exit(2);
}
if (values.faults) await build("dist/gantry-faults", { hasFaults: true });
else if (positionals.length === 0) await build("dist/gantry", {});
for (const name of positionals) await build(`dist/gantry-linux-${name}`, { target: targets[name] });
