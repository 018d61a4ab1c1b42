// `npm run demo`: the main job as a person sees it, each step the command and its real output.
// Runs under a systemd (test/setup.sh boots one). Exit 0 only if every step really happened.

import { mkdir, rename, writeFile } from "node:fs/promises";
import { writeAci } from "./aci.ts";
import { waitUntil } from "./wait-until.ts";

const home = "/tmp/gantry-demo";
const manifests = `${home}/manifests`;
const gantry = `${import.meta.dir}/../dist/gantry`;
const socket = `${home}/run/gantry.sock`;

const web = (greeting: string) => `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 5
  containers:
    - name: server
      image: ${home}/busybox.aci
      command: [/bin/sh, -c, "echo ${greeting}; echo $GREETING > /www/index.html; exec httpd -f -p 127.0.0.1:8080 -h /www"]
      env:
        - name: GREETING
          value: ${greeting}
      volumeMounts:
        - name: www
          mountPath: /www
    - name: ticker
      image: ${home}/busybox.aci
      command: [/bin/sh, -c, "while :; do date; sleep 1; done"]
  volumes:
    - name: www
      emptyDir: {}
`;

let agent: Bun.Subprocess | undefined;

function title(text: string): void {
  console.log(`\n\x1b[1m# ${text}\x1b[0m`);
}

/** Prints and runs a shell command as a person would type it; returns its output, throws unless it exits 0. */
async function shell(command: string): Promise<string> {
  console.log(`$ ${command}`);
  const child = Bun.spawn(["/bin/bash", "-c", command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  process.stdout.write(stdout + stderr);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${command}`);
  return stdout;
}

async function ask(path: string): Promise<string> {
  const response = await fetch(`http://gantry${path}`, { unix: socket });
  return response.text();
}

async function startAgent(): Promise<void> {
  const command = [
    gantry,
    "agent",
    `--manifest-path=${manifests}`,
    `--state-dir=${home}/state`,
    `--run-dir=${home}/run`,
    "--node-name=edge1",
    "--rkt-path=builtin",
  ];
  console.log(`$ ${command.join(" ").replaceAll(`${import.meta.dir}/../`, "")} &`);
  agent = Bun.spawn(command, {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(`${home}/agent.log`),
    env: process.env,
  });
  await waitUntil("the agent to be ready", async () =>
    (await ask("/readyz").catch(() => "")).startsWith("ok"),
  );
}

interface ShownPod {
  readonly status: {
    readonly startTime: string;
    readonly containerStatuses: readonly { readonly containerID: string; readonly ready: boolean }[];
  };
}

async function shownPod(): Promise<ShownPod | undefined> {
  const response = await fetch("http://gantry/pods/default/web-edge1", { unix: socket });
  return response.ok ? ((await response.json()) as ShownPod) : undefined;
}

async function running(previousId = ""): Promise<ShownPod> {
  return waitUntil("the pod to run", async () => {
    const pod = await shownPod();
    const containers = pod?.status.containerStatuses ?? [];
    const isRunning = containers.length === 2 && containers.every((container) => container.ready);
    return isRunning && containers[0]?.containerID !== previousId && pod;
  });
}

/** Writes a manifest the way that a careful person does: beside it, then renamed. */
async function drop(text: string): Promise<number> {
  await writeFile(`${home}/web.yaml`, text);
  const startedMs = performance.now();
  console.log("$ mv web.yaml manifests/");
  await rename(`${home}/web.yaml`, `${manifests}/web.yaml`);
  return startedMs;
}

function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`not so: ${what}`);
  console.log(`✓ ${what}`);
}

async function demo(): Promise<void> {
  await mkdir(manifests, { recursive: true });
  title("An image, made of this machine's busybox, and the agent");
  await writeAci(`${home}/busybox.aci`);
  await shell(`ls -lh ${home}/busybox.aci`);
  await startAgent();
  await shell(`curl -s --unix-socket ${socket} http://gantry/healthz`);

  title("Drop a manifest with two containers");
  process.stdout.write(web("hello").replace(/^/gm, "  "));
  const droppedMs = await drop(web("hello"));
  const first = await running();
  must(true, `both containers Running after ${Math.round(performance.now() - droppedMs)} ms`);
  await waitUntil(
    "the web server",
    async () => (await fetch("http://127.0.0.1:8080").catch(() => undefined))?.ok,
  );
  must((await shell("curl -s http://127.0.0.1:8080/")) === "hello\n", "the pod's web server answers");

  title("Look at it with curl");
  await shell("curl -s http://127.0.0.1:10255/");
  await shell(`curl -s http://127.0.0.1:10255/pods | head -c 600; echo …`);
  const logs = await shell("curl -s 'http://127.0.0.1:10255/pods/default/web-edge1/logs?container=server'");
  must(logs.includes("hello"), "its log is there");
  await shell(
    "curl -s 'http://127.0.0.1:10255/pods/default/web-edge1/logs?container=ticker&timestamps=true&tailLines=2'",
  );

  title("Edit it: a new revision replaces the old one");
  await drop(web("goodbye"));
  const second = await running(first.status.containerStatuses[0]?.containerID);
  await waitUntil(
    "the new web server",
    async () => (await (await fetch("http://127.0.0.1:8080").catch(() => undefined))?.text()) === "goodbye\n",
  );
  must((await shell("curl -s http://127.0.0.1:8080/")) === "goodbye\n", "the new revision answers");

  title("Break it with a typo: the pod keeps running, the place of the mistake shows");
  await drop(web("goodbye").replace("containers:", "contaners:"));
  await waitUntil("the problem", async () => (await ask("/manifests")).includes("contaners"));
  await shell("curl -s http://127.0.0.1:10255/");
  must((await ask("/manifests")).includes('"line":'), "with file, line and column");
  must((await shell("curl -s http://127.0.0.1:8080/")) === "goodbye\n", "the pod still answers");
  await drop(web("goodbye"));

  title("kill -9 the agent, start it again: the same pod");
  console.log(`$ kill -9 ${agent?.pid}`);
  agent?.kill("SIGKILL");
  await agent?.exited;
  must((await shell("curl -s http://127.0.0.1:8080/")) === "goodbye\n", "the pod answers without an agent");
  await startAgent();
  const adopted = await running();
  must(adopted.status.startTime === second.status.startTime, `same start time: ${adopted.status.startTime}`);
  must(
    adopted.status.containerStatuses[0]?.containerID === second.status.containerStatuses[0]?.containerID,
    `same container: ${adopted.status.containerStatuses[0]?.containerID}`,
  );

  title("Delete the manifest: gone");
  await shell(`rm ${manifests}/web.yaml`);
  await waitUntil("the pod to be gone", async () => (await shownPod()) === undefined);
  await waitUntil("its units to be gone", async () => {
    const units = Bun.spawnSync(["systemctl", "list-units", "--all", "--no-legend", "gantry-*.service"]);
    return units.stdout.toString().trim() === "";
  });
  must(!(await ask("/pods")).includes("web-edge1"), "no pod");
  await shell("systemctl list-units --all --no-legend 'gantry-*.service' | wc -l");
}

try {
  await demo();
  console.log("\nEvery step happened.");
} catch (error) {
  console.error(`\ndemo: ${error instanceof Error ? error.message : error}`);
  console.error(
    await Bun.file(`${home}/agent.log`)
      .text()
      .catch(() => ""),
  );
  process.exitCode = 1;
} finally {
  agent?.kill();
  await agent?.exited;
}
process.exit();
