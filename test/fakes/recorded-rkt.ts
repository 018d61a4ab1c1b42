// A replay of a real rkt 1.30 (stage1-host) for tests that drive the agent: not an engine, nothing runs in it.
//
// What it knows is its data directory, `--dir=DIR`, which the test owns (a pod unit has no environment of the test's):
//   DIR/answers.json              what to answer instead, see Answers
//   DIR/pods/UUID/manifest.json, pod.json   see RecordedPods; by add() of which a test adds a foreign pod
//
// Every answer is a recording with UUIDs, names, times and image ids replaced by those at hand:
//   version, image list, image cat-manifest, fetch   one image, example.com/busybox:1.35.0; every fetch gives its id
//   prepare        makes a pod; one whose answer is a failure leaves an `aborted prepare`, as rkt does
//   run-prepared   prints the recorded console lines of each app (`[uptime] app[pid]: text`, CRLF), then becomes a process that
//                  waits and exits 0 on SIGTERM. With a recording as answer it prints that and exits as that did, and so do its apps
//   list, status   by state; panic as rkt does while a pod has an app without `app` section; leave out what is being prepared
//   cat-manifest, stop, rm, gc

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeSync } from "node:fs";
import { type PodFile, processIdentity, type RecordedPod, RecordedPods } from "./recorded-pods.ts";
import { type Recording, recording } from "./recording.ts";

/** By the beginning of the arguments after the global options (`prepare`, `list --format=json`): a recording's name, or `hang`. */
type Answers = Readonly<Record<string, string>>;

const options = process.argv.slice(2).filter((_, index, all) => index < subcommandIndex(all));
const args = process.argv.slice(2 + options.length);
const dir = options.find((option) => option.startsWith("--dir="))?.slice("--dir=".length) ?? "";
if (dir === "") throw new Error("recorded-rkt needs --dir");
const pods = new RecordedPods(dir);

const uuid = args.find((arg) => /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(arg)) ?? "";
const answer = findAnswer();

function subcommandIndex(all: readonly string[]): number {
  const index = all.findIndex((arg) => !arg.startsWith("--"));
  return index === -1 ? all.length : index;
}

function findAnswer(): string | undefined {
  const file = `${dir}/answers.json`;
  if (!existsSync(file)) return undefined;
  const answers = JSON.parse(readFileSync(file, "utf8")) as Answers;
  return Object.entries(answers).find(([start]) => `${args.join(" ")} `.startsWith(`${start} `))?.[1];
}

function answerAsRkt(): Recording {
  switch (args[0]) {
    case "prepare":
      return prepare();
    case "run-prepared":
      return runPrepared();
    default:
      if (answer === "hang") become("/bin/sleep", "1000000");
      return answer === undefined ? answerByState() : recorded(answer);
  }
}

function answerByState(): Recording {
  switch (args[0]) {
    case "version":
      return recorded("00-general/001");
    case "fetch":
      return recorded("10-fly/023");
    case "image":
      return image();
    case "list":
      return args.includes("--format=json") ? listJson() : listTable();
    case "status":
      return status();
    case "cat-manifest":
      return catManifest();
    case "stop":
      return stop();
    case "rm":
      return remove();
    case "gc":
      return gc();
    default:
      return recorded("00-general/006");
  }
}

/** With the UUID that was asked for in place of the recorded one. */
function recorded(name: string): Recording {
  const { stdout, stderr, ...rest } = recording(name);
  const replaced = (text: string) =>
    uuid === "" ? text : text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, uuid);
  return { ...rest, stdout: replaced(stdout), stderr: replaced(stderr) };
}

function printed(stdout: string, stderr = ""): Recording {
  return { command: "", stdout, stderr, exitCode: 0 };
}

/** The process goes on as another program. */
function become(program: string, ...rest: readonly string[]): never {
  process.execve?.(program, [program, ...rest], process.env);
  throw new Error("no execve");
}

function image(): Recording {
  if (args[1] === "list") {
    const { stdout } = recording("10-fly/043");
    return printed(`[${/\{[^{}]*"name":"example\.com\/busybox:[^{}]*\}/.exec(stdout)?.[0]}]\n`);
  }
  const isKnown = args[1] === "cat-manifest" && recording("10-fly/023").stdout.trim() === args.at(-1);
  return recorded(isKnown ? "10-fly/054" : args[1] === "rm" ? "10-fly/222" : "10-fly/056");
}

function catManifest(): Recording {
  const pod = pods.find(uuid);
  return pod === undefined ? recorded("10-fly/011") : printed(`${JSON.stringify(pod.manifest)}\n`);
}

function prepare(): Recording {
  const made = randomUUID();
  const manifest =
    args.find((arg) => arg.startsWith("--pod-manifest="))?.slice("--pod-manifest=".length) ?? "";
  if (manifest === "" || !existsSync(manifest)) return recorded("00-general/057");
  const createdMs = Date.now();
  pods.add(made, readFileSync(manifest, "utf8"), { step: "prepare", createdMs, ...thisProcess() });
  if (answer === "hang") become("/bin/sleep", "1000000");
  if (answer !== undefined) return recorded(answer);
  pods.write(made, { step: "prepared", createdMs });
  return printed(`${made}\n`);
}

function runPrepared(): Recording {
  const pod = pods.find(uuid);
  if (pod?.state !== "prepared") return recorded("10-fly/123");
  const run: PodFile = { step: "run", createdMs: pod.createdMs, ...thisProcess() };
  if (answer === undefined || answer === "hang") {
    pods.write(uuid, { ...run, startedMs: Date.now(), exitCode: 0 }); // what rkt records of apps that it stopped
    const console = recording("25-host-plain/128").stdout;
    for (const { name } of pod.manifest.apps) writeSync(1, console.replaceAll("sleeper", name));
    become("/bin/sh", "-c", "trap 'kill $!; exit 0' TERM; sleep 1000000 & wait");
  }
  const ended = recorded(answer);
  const hasStarted = ended.exitCode !== 254;
  pods.write(uuid, hasStarted ? { ...run, startedMs: Date.now(), exitCode: ended.exitCode } : run);
  return ended;
}

function thisProcess(): Pick<PodFile, "process"> {
  const identity = processIdentity(process.pid);
  return identity === undefined ? {} : { process: identity };
}

function listJson(): Recording {
  const all = pods.all();
  if (!all.every(isDescribable)) return recorded("10-fly/095");
  const described = all.filter(hasBeenPrepared).map(podJson);
  const left = all.length - described.length;
  const [count = "", rule = "", error = "", ...end] = recording("95-misc/007").stderr.split("\n").slice(0, 7);
  const errors = [count.replace("1", String(left)), ...Array(left).fill(`${rule}\n${error}`), ...end, ""];
  return printed(
    described.length === 0 ? "null\n" : `[${described.join(",")}]\n`,
    left === 0 ? "" : errors.join("\n"),
  );
}

/** `list --full --no-legend`, whatever was asked for. */
function listTable(): Recording {
  const rows = pods.all().map((pod) => {
    const apps = hasBeenPrepared(pod) ? pod.manifest.apps : [];
    const cells = apps.map((app) => `${app.name}\t${app.image.name}:1.35.0\t${app.image.id.slice(0, 19)}`);
    const [first = "-\t-\t-", ...more] = cells;
    const created = hasBeenPrepared(pod) ? timeText(pod.createdMs) : "0001-01-01 00:00:00 +0000 UTC";
    const started = pod.startedMs === undefined ? "" : timeText(pod.startedMs);
    const row = `${pod.uuid}\t${first}\t${pod.state}\t${created}\t${started}\t\n`;
    return [row, ...more.map((cell) => `\t\t\t\t\t${cell}\t\t\t\t\n`)].join("");
  });
  return printed(rows.length === 0 ? "\n" : rows.join(""));
}

function status(): Recording {
  const pod = pods.find(uuid);
  if (pod === undefined) return recorded("10-fly/009");
  if (!hasBeenPrepared(pod)) {
    return { ...printed("", "status: error converting pod: invalid creation time\n"), exitCode: 254 };
  }
  return isDescribable(pod) ? printed(`${podJson(pod)}\n`) : recorded("10-fly/096");
}

/** The recorded status of a pod in that state, with each app of this one in place of the recorded app. */
function podJson(pod: RecordedPod): string {
  const byState: Readonly<Record<string, string>> = {
    prepared: "10-fly/109",
    running: "25-host-plain/132",
    exited: "25-host-plain/121",
  };
  const text = recording(byState[pod.state] ?? "").stdout.trimEnd();
  const [head = "", app = "", tail = ""] = text.split(/"app_names":.*"apps":\[(.*)\]/);
  const apps = pod.manifest.apps.map(({ name, image }) =>
    withTimes(app, pod)
      .replace(/"name":"[^"]*"/, `"name":"${name}"`)
      .replace(/sha512-[0-9a-f]{64}/, image.id)
      .replace(/"exit_code":\d+,/, pod.exitCode === undefined ? "" : `"exit_code":${pod.exitCode},`),
  );
  const names = JSON.stringify(pod.manifest.apps.map(({ name }) => name));
  const named = head.replace(/"name":"[^"]*"/, `"name":"${pod.uuid}"`);
  return `${named}"app_names":${names},"apps":[${apps.join(",")}]${withTimes(tail, pod)}`;
}

function isDescribable(pod: RecordedPod): boolean {
  return pod.manifest.apps.every(({ app }) => app !== undefined);
}

function hasBeenPrepared(pod: RecordedPod): boolean {
  return pod.step !== "prepare";
}

function withTimes(json: string, { createdMs, startedMs }: PodFile): string {
  return json
    .replace(/"created_at":(\d+)/, (_, digits: string) => `"created_at":${time(createdMs, digits)}`)
    .replace(/,"started_at":(\d+)/, (_, digits: string) =>
      startedMs === undefined ? "" : `,"started_at":${time(startedMs, digits)}`,
    );
}

function stop(): Recording {
  const pod = pods.find(uuid);
  if (pod === undefined) return recorded("10-fly/012");
  if (pod.state === "exited") return recorded("10-fly/169");
  if (pod.state !== "running") return recorded("10-fly/117");
  const isForced = args.some((arg) => arg.startsWith("--force"));
  if (isForced) pods.write(uuid, { ...pod, exitCode: undefined });
  process.kill(Number.parseInt(pod.process ?? "", 10), isForced ? "SIGKILL" : "SIGTERM");
  return recorded("10-fly/166");
}

function remove(): Recording {
  const pod = pods.find(uuid);
  if (pod === undefined) return recorded("10-fly/013");
  if (pod.state === "running") return recorded("10-fly/155");
  pods.remove(uuid);
  return recorded(pod.state === "prepared" ? "10-fly/190" : "10-fly/187");
}

/** Only what failed preparations left, whatever the grace periods. */
function gc(): Recording {
  const aborted = pods.all().filter(({ state }) => state === "aborted prepare");
  for (const pod of aborted) pods.remove(pod.uuid);
  return printed(
    aborted.map((pod) => `Garbage collecting pod "${pod.uuid}"\n`).join(""),
    aborted.map((pod) => `gc: moving failed prepare "${pod.uuid}" to garbage\n`).join(""),
  );
}

/** In seconds or nanoseconds, as many digits as the recorded one has. */
function time(ms: number, digits: string): string {
  return digits.length === 10 ? String(Math.floor(ms / 1000)) : `${ms}000000`;
}

/** Go's `2006-01-02 15:04:05.999 -0700 MST`, which drops the fraction's trailing zeros. */
function timeText(ms: number): string {
  return `${new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace(/\.?0*Z$/, "")} +0000 UTC`;
}

const { stdout, stderr, exitCode } = answerAsRkt();
writeSync(1, stdout);
writeSync(2, stderr);
process.exitCode = exitCode;
