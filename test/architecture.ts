// The rules of the tree, as one function over its source text, so that they can be tried on a tree that breaks them.

/** What each folder of src/ may import beside its own files. A file in src/ itself is a row of its own. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  pod: [],
  host: [],
  manifest: ["pod", "host"],
  rkt: ["pod", "host"],
  systemd: ["pod", "host"],
  probe: ["pod", "host"],
  reconcile: ["pod", "host"],
  runtime: ["pod", "host", "reconcile", "rkt", "systemd"],
  node: ["pod", "host"],
  status: ["pod"],
  server: ["pod", "status", "host"],
  engine: ["pod", "host", "systemd", "rkt/appc.ts", "rkt/ac-name.ts", "rkt/image-name.ts"],
  config: ["pod", "host", "manifest", "node/threshold.ts"],
  cli: ["pod", "manifest", "host", "config", "version.ts", "systemd/unit-file.ts"],
  "service.ts": ["config", "host", "systemd"],
  "version.ts": [],
  "agent.ts": ["*"],
  "agent-command.ts": ["agent.ts", "config", "host"],
  "agent-endpoint.ts": ["*"],
  "agent-node.ts": ["*"],
  "agent-rkt.ts": ["config", "rkt", "runtime", "systemd"],
  "dry-run.ts": ["*"],
  "main.ts": ["*"],
};

/** Where each package is at home. Packages of nothing but types have no home: they are gone once compiled. */
const homes: Readonly<Record<string, readonly string[]>> = {
  "bun:ffi": ["host"],
  commander: ["cli"],
  "dbus-next": ["systemd"],
  execa: ["host"],
  hono: ["server"],
  yaml: ["manifest"],
};
const typePackages = ["bun", "kubernetes-types"];

/** Files that decide or convert: values in, values out; and so is all that they import. A trailing slash means the whole folder. */
const pureRoots: readonly string[] = [
  "pod/",
  "probe/targets.ts",
  "probe/threshold.ts",
  "reconcile/noticed.ts",
  "reconcile/plan.ts",
  "node/candidates.ts",
  "node/eviction.ts",
  "node/metric.ts",
  "node/node-condition.ts",
  "node/proc-files.ts",
  "node/resource-metrics.ts",
  "node/summary.ts",
  "node/threshold.ts",
  "rkt/docker-credentials.ts",
  "rkt/image-name.ts",
  "rkt/pod-manifest.ts",
  "rkt/pod-options.ts",
  "rkt/rkt-json.ts",
  "status/derive.ts",
  "status/explain.ts",
  "status/running-pods.ts",
  "systemd/pod-unit.ts",
  "systemd/selinux-context.ts",
  "systemd/unit-file.ts",
];
const pureModules = ["node:crypto"]; // for hashes

const impure = /\b(Bun|process|performance|console|fetch|set(?:Timeout|Interval|Immediate)|Math\.random)\b/;
const wallClock = /\bDate\.now\b|\bDate\(\)|\bnew Date\b(?!\()/;

const vagueNames = ["utils", "util", "lib", "common", "helpers", "helper", "types", "misc", "shared"];
const longestFile = 320;

export interface Import {
  readonly path: string;
  readonly isType: boolean;
}

/**
 * What a file imports or re-exports, types included, which bun's own scanner leaves out. It relies on biome's format: statements start
 * their line, strings have double quotes.
 */
export function scanImports(source: string): Import[] {
  const statement =
    /^(?:import|export)( type)?\b[^;"'`]*?\bfrom "([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"\)/gm;
  return [...source.matchAll(statement)].map(([, type, from, plain, dynamic]) => ({
    path: from ?? plain ?? dynamic ?? "",
    isType: type !== undefined,
  }));
}

/** One line for each breach. `files`: path below src/ → source text. */
export function findBreaches(files: ReadonlyMap<string, string>): string[] {
  const pure = findPure(files);
  const breaches = [...files].flatMap(([file, source]) =>
    [
      ...nameBreaches(file),
      ...textBreaches(file, source),
      ...scanImports(source).flatMap((one) => importBreaches(file, one, files)),
      ...(pure.has(file) ? purityBreaches(source) : []),
    ].map((breach) => `${file}: ${breach}`),
  );
  return [...breaches, ...findCycles(files).map((cycle) => `cycle: ${cycle.join(" → ")}`)];
}

/** What runs in a browser: text to us. */
function isAsset(file: string): boolean {
  return !file.endsWith(".ts");
}

function nameBreaches(file: string): string[] {
  const names = file.replace(/(\.d)?\.\w+$/, "").split("/");
  return [
    ...names
      .filter((name) => vagueNames.includes(name))
      .map((name) => `"${name}" says nothing: which noun is missing?`),
    ...names
      .filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
      .map((name) => `"${name}" is not kebab-case`),
    ...(names.at(-1) === "index" ? ["no barrels"] : []),
    ...(rowOf(file) in mayImport ? [] : ["its folder is in no row of the import table"]),
  ];
}

function textBreaches(file: string, source: string): string[] {
  const lines = source.split("\n").length - 1;
  if (isAsset(file)) return lines > longestFile ? [`${lines} lines`] : [];
  const code = runningCode(source);
  return [
    ...(source.startsWith("// ") ? [] : ["does not begin with its role and invariant"]),
    ...(lines > longestFile ? [`${lines} lines`] : []),
    ...(/^export default\b/m.test(source) ? ["default export"] : []),
    ...(/\bprocess\.exit\(/.test(code) && file !== "main.ts" ? ["only main.ts ends the process"] : []),
    ...(wallClock.test(code) && file !== "host/clock.ts" ? ["only host/clock.ts reads the clock"] : []),
  ];
}

function importBreaches(
  file: string,
  { path, isType }: Import,
  files: ReadonlyMap<string, string>,
): string[] {
  if (path.startsWith("node:")) return [];
  if (!path.startsWith(".")) {
    const name = packageName(path);
    if (typePackages.includes(name)) return isType ? [] : [`"${name}" has only types: import type`];
    return homes[name]?.includes(rowOf(file)) ? [] : [`"${name}" is not at home here`];
  }
  const target = resolve(file, path);
  if (!files.has(target)) return [`imports ${path}, which is not in src/ with this extension`];
  const allowed = [rowOf(file), ...(mayImport[rowOf(file)] ?? [])];
  const isAllowed = allowed.some((row) => row === "*" || row === rowOf(target) || row === target);
  return isAllowed ? [] : [`may not import ${target}`];
}

function purityBreaches(source: string): string[] {
  const packages = scanImports(source).filter(({ path, isType }) => !path.startsWith(".") && !isType);
  const [used] = impure.exec(runningCode(source)) ?? [];
  return [
    ...packages
      .filter(({ path }) => !pureModules.includes(path))
      .map(({ path }) => `is pure, but imports ${path}`),
    ...(used === undefined ? [] : [`is pure, but uses ${used}`]),
  ];
}

/** The roots and what they import, and so on; not what they know only the types of. */
function findPure(files: ReadonlyMap<string, string>): ReadonlySet<string> {
  const found = new Set([...files.keys()].filter(isPureRoot));
  for (const file of found) {
    for (const { path, isType } of scanImports(files.get(file) ?? "")) {
      if (path.startsWith(".") && !isType) found.add(resolve(file, path));
    }
  }
  return found;
}

function findCycles(files: ReadonlyMap<string, string>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file]);
    if (trail.includes(file) || done.has(file)) return;
    for (const { path } of scanImports(files.get(file) ?? "")) {
      if (path.startsWith(".")) visit(resolve(file, path), [...trail, file]);
    }
    done.add(file);
  };
  for (const file of files.keys()) visit(file, []);
  return cycles;
}

function isPureRoot(file: string): boolean {
  return pureRoots.some((entry) => (entry.endsWith("/") ? file.startsWith(entry) : file === entry));
}

/** The folder, or the file's own name where it is in none. */
function rowOf(file: string): string {
  return file.split("/")[0] ?? file;
}

function packageName(path: string): string {
  return path.startsWith("@") ? path.split("/").slice(0, 2).join("/") : (path.split("/")[0] ?? path);
}

function resolve(file: string, path: string): string {
  return new URL(path, `file:///${file}`).pathname.slice(1);
}

/** Without types and comments. */
function runningCode(source: string): string {
  return new Bun.Transpiler({ loader: "ts" }).transformSync(source);
}

/** Entries of the tables above that name nothing in the tree or in package.json any more, and dependencies without a home. */
export function findStaleRules(
  files: ReadonlyMap<string, string>,
  dependencies: readonly string[],
): string[] {
  const paths = [...files.keys()];
  return [
    ...pureRoots
      .filter((entry) => !paths.some((path) => path.startsWith(entry)))
      .map((entry) => `pure: ${entry}`),
    ...dependencies.filter((name) => !(name in homes)).map((name) => `no home: ${name}`),
    ...Object.keys(homes)
      .filter((name) => !name.includes(":") && !dependencies.includes(name))
      .map((name) => `home of nothing: ${name}`),
  ];
}
