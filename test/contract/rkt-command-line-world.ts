// A machine for one test of rkt's command line, and how answers are made comparable.

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { writeAci } from "../aci.ts";
import { recording } from "../fakes/recording.ts";
import { waitUntil } from "../wait-until.ts";

/** argv that starts the rkt under test. */
export type RktArgv = readonly string[];

export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** A machine for one test: a data directory and some images, `busybox.aci` and `sleeper.aci`, in `path`. */
export class RktWorld {
  readonly path: string;
  readonly #argv: RktArgv;

  constructor(path: string, argv: RktArgv) {
    this.path = path;
    this.#argv = argv;
  }

  /** Runs `rkt ARGS` to its end, in `path`. */
  async rkt(...args: readonly string[]): Promise<Answer> {
    return this.spawn(...args).finish();
  }

  /** With something to read. */
  async rktReading(input: string, ...args: readonly string[]): Promise<Answer> {
    return new Running([...this.#argv, ...this.options, ...args], this.path, new Blob([input])).finish();
  }

  spawn(...args: readonly string[]): Running {
    return new Running([...this.#argv, ...this.options, ...args], this.path);
  }

  get options(): readonly string[] {
    return [`--dir=${this.path}/rkt`, "--insecure-options=image,ondisk"];
  }

  /** As another user, without our options but for the directory. */
  async rktAs(uid: number, ...args: readonly string[]): Promise<Answer> {
    const user = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    return new Running([...user, ...this.#argv, `--dir=${this.path}/rkt`, ...args], this.path).finish();
  }

  /** Fetches and returns the full id. */
  async fetch(image: string): Promise<string> {
    return text(await this.rkt("fetch", "--full", image));
  }

  /** Prepares a pod of these apps, each running a shell script, and returns its UUID. */
  async prepare(scripts: Readonly<Record<string, string>>): Promise<string> {
    const id = await this.fetch("busybox.aci");
    const apps = Object.entries(scripts).map(([name, script]) => ({
      name,
      image: { name: "example.com/busybox", id },
      app: { exec: ["/bin/sh", "-c", script], user: "0", group: "0" },
    }));
    return this.prepareManifest({ apps });
  }

  async prepareManifest(part: object): Promise<string> {
    return text(await this.rkt("prepare", "--quiet", `--pod-manifest=${await this.writeManifest(part)}`));
  }

  async writeManifest(part: object): Promise<string> {
    const file = `${this.path}/pod.json`;
    const manifest = { acVersion: "0.8.11", acKind: "PodManifest", volumes: null, ...part };
    await Bun.write(file, JSON.stringify(manifest));
    return file;
  }

  /** Starts a prepared pod in the background and returns once it has written `line`. */
  async startUntil(uuid: string, line: string): Promise<Running> {
    const pod = this.spawn("run-prepared", "--net=host", uuid);
    await waitUntil(`${line} from pod ${uuid}`, async () => {
      if ((await pod.stdout()).includes(line)) return true;
      if (pod.exitCode === null) return undefined;
      throw new Error(`it ended: ${JSON.stringify(await pod.finish())}`);
    });
    return pod;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { stdout } = await this.rkt("list", "--full", "--no-legend");
    const uuids = stdout.split("\n").flatMap((line) => /^[0-9a-f-]{36}/.exec(line)?.[0] ?? []);
    for (const uuid of uuids) await this.rkt("stop", "--force", uuid);
    await this.rkt("gc", "--grace-period=0s", "--expire-prepared=0s");
    await Bun.$`rm -rf ${this.path}`.quiet().nothrow();
  }
}

export async function rktWorld(argv: RktArgv): Promise<RktWorld> {
  const path = await mkdtemp("/tmp/gantry-rkt-");
  mkdirSync(`${path}/vol`);
  await writeAci(`${path}/busybox.aci`);
  await writeAci(`${path}/sleeper.aci`, {
    name: "example.com/sleeper",
    app: { exec: ["/bin/sleep", "1000"], user: "0", group: "0" },
  });
  return new RktWorld(path, argv);
}

/** A process whose output goes to files: what Bun calls a pipe is a socket, which systemd could not open for the apps. */
export class Running {
  readonly #output: string;
  readonly #child: ReturnType<typeof Bun.spawn>;

  constructor(argv: readonly string[], cwd: string, stdin?: Blob) {
    this.#output = `${cwd}/output-${randomBytes(6).toString("hex")}`;
    this.#child = Bun.spawn([...argv], {
      cwd,
      stdin: stdin ?? "ignore",
      stdout: Bun.file(`${this.#output}.out`),
      stderr: Bun.file(`${this.#output}.err`),
    });
  }

  get exited(): Promise<number> {
    return this.#child.exited;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  stdout(): Promise<string> {
    return Bun.file(`${this.#output}.out`).text();
  }

  async finish(): Promise<Answer> {
    const exitCode = await this.#child.exited;
    return { stdout: await this.stdout(), stderr: await Bun.file(`${this.#output}.err`).text(), exitCode };
  }
}

/** The one line that a successful command printed. */
export function text({ stdout, stderr, exitCode }: Answer): string {
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return stdout.trim();
}

/** A recorded answer, or ours, with all that differs from run to run made equal. `path` is where our files are. */
export function normalized(answer: Answer, path = "/lab/aci"): Answer {
  return {
    stdout: normalize(answer.stdout, path),
    stderr: normalize(answer.stderr, path),
    exitCode: answer.exitCode,
  };
}

export function recorded(name: string): Answer {
  const { stdout, stderr, exitCode } = recording(name);
  return normalized({ stdout, stderr, exitCode });
}

function normalize(output: string, path: string): string {
  return output
    .replaceAll(path, "PATH")
    .replaceAll(/\/lab\/(t-\w+|vol)/g, "PATH")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/^[0-9a-f]{8}(?=\t)/gm, "UUID8")
    .replaceAll(/sha512-([0-9a-f]+)/g, (_match, digits: string) => `sha512-ID${digits.length}`)
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 UTC/g, "TIME")
    .replaceAll(/\b1[78]\d{17}\b/g, "NANOSECONDS")
    .replaceAll(/\b1[78]\d{8}\b/g, "SECONDS")
    .replaceAll(/\bpid=\d+/g, "pid=PID")
    .replaceAll(/\b(now|\d+ (second|minute)s? ago)\b/g, "AGO")
    .replaceAll(/"size":\d+/g, '"size":SIZE')
    .replaceAll(/\t+/g, "\t");
}
