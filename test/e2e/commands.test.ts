// The client commands, each for real: what they print where, and their exit codes.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { waitUntil } from "../wait-until.ts";
import { executable } from "./executable.ts";
import { Machine } from "./machine.ts";
import { type Called, call } from "./machine-cli.ts";
import { manifest } from "./manifest.ts";

let machine: Machine;

beforeAll(async () => {
  machine = await Machine.create();
  await machine.startAgent();
  const { image } = machine;
  const scripts = {
    main: "echo one; echo two; exec sleep 1000",
    side: "echo beside; exec httpd -f -p 127.0.0.1:18080 -h /etc",
  };
  await machine.write("web.yaml", manifest("web", { image, labels: { app: "web" }, scripts }));
  await machine.write("crash.yaml", manifest("crash", { image, scripts: { main: "echo oops; exit 3" } }));
  await machine.write("bad.yaml", "kind: Pod\n");
  await machine.write(
    "other.yaml",
    manifest("other", { image, scripts: { main: "exec sleep 1000" } }).replace(
      "  name: other",
      "  name: other\n  namespace: elsewhere",
    ),
  );
  await machine.waitForReady("web");
  await machine.waitForPod("crash", "restarted", ({ status }) =>
    Boolean(status?.containerStatuses?.[0]?.restartCount),
  );
  await waitUntil("the back-off", async () =>
    (await gantry("get", "pods")).stdout.includes("CrashLoopBackOff"),
  );
});

afterAll(async () => machine[Symbol.asyncDispose]());

/** With what differs from run to run in one form. */
async function gantry(...argv: readonly string[]): Promise<Called> {
  const { exitCode, stdout, stderr } = await call(machine, argv);
  const settled = (text: string) =>
    text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "UUID")
      .replaceAll(/sha512-[0-9a-f]+/g, "IMAGEID")
      .replaceAll(/\b[0-9a-f]{32}\b/g, "UID")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
      .replaceAll(/\w{3}, \d\d \w{3} \d{4} [\d:]+ \+0000/g, "TIME")
      .replaceAll(/\b\d+(m?s|m\d+s|m)\b/g, "AGE")
      .replaceAll(/(?<=\S) {2,}/g, "  ");
  return { exitCode, stdout: settled(stdout), stderr: settled(stderr) };
}

const printed = (...lines: readonly string[]) => ({
  exitCode: 0,
  stdout: lines.map((line) => `${line}\n`).join(""),
  stderr: "",
});

describe("get", () => {
  test("pods", async () => {
    expect(await gantry("get", "pods")).toEqual(
      printed(
        "NAME  READY  STATUS  RESTARTS  AGE",
        "crash-node  0/1  CrashLoopBackOff  1 (AGE ago)  AGE",
        "web-node  2/2  Running  0  AGE",
      ),
    );
  });

  test("pods of all namespaces, and with more columns", async () => {
    expect((await gantry("get", "po", "-A", "-o", "wide", "web", "other")).stdout).toBe(
      printed(
        "NAMESPACE  NAME  READY  STATUS  RESTARTS  AGE  IP  NODE  ISOLATED",
        "default  web-node  2/2  Running  0  AGE  127.0.0.1  node  False",
        "elsewhere  other-node  1/1  Running  0  AGE  127.0.0.1  node  False",
      ).stdout,
    );
  });

  test.each([
    [
      ["pod/web", "pod/crash-node"],
      ["pod/web-node", "pod/crash-node"],
    ],
    [["pods", "-l", "app=web"], ["pod/web-node"]],
    [["pods", "-l", "app!=web"], ["pod/crash-node"]],
    [["pods", "--field-selector", "metadata.namespace=elsewhere", "-A"], ["pod/other-node"]],
    [["manifests", "web.yaml"], ["manifest/./manifests/web.yaml"]],
    [["nodes"], ["node/node"]],
  ])("%j by name", async (argv, names) => {
    expect(await gantry("get", ...argv, "-o", "name")).toEqual(printed(...names));
  });

  test("one as JSON and as YAML, many as a list", async () => {
    const one = JSON.parse((await call(machine, ["get", "pod", "web", "-o", "json"])).stdout);
    expect([one.kind, one.metadata.name]).toEqual(["Pod", "web-node"]);
    const yaml = (await call(machine, ["get", "pod", "web", "-o", "yaml"])).stdout;
    expect(yaml).toStartWith("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-node\n");
    const list = JSON.parse((await call(machine, ["get", "pods", "-o", "json"])).stdout);
    expect([list.kind, list.items.length]).toEqual(["PodList", 2]);
  });

  test.each([[["get", "manifests"]], [["manifests"]]])("%j, with what is wrong", async (argv) => {
    expect(await gantry(...argv)).toEqual(
      printed(
        "FILE  STATE  PODS  WHY",
        "./manifests/bad.yaml  rejected  1:1: apiVersion: Required value",
        "./manifests/crash.yaml  accepted  default/crash-node",
        "./manifests/other.yaml  accepted  elsewhere/other-node",
        "./manifests/web.yaml  accepted  default/web-node",
      ),
    );
  });

  test("images", async () => {
    expect((await gantry("images")).stdout).toMatch(
      /^IMAGE {2}ID {2}SIZE {2}AGE {2}USED BY\n\.\/busybox\.aci {2}IMAGEID {2}[\d.]+MiB {2}AGE {2}default\/crash-node,default\/web-node,elsewhere\/other-node\n$/,
    );
  });

  test("nodes", async () => {
    expect((await gantry("get", "nodes")).stdout).toMatch(/^NAME {2}STATUS {2}VERSION\nnode {2}Ready {2}/);
  });

  test("what is not there", async () => {
    expect(await gantry("get", "pods", "-n", "none")).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: 'No pods in the namespace "none" (-A shows those of all namespaces)\n',
    });
    expect(await gantry("get", "pod", "nope")).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: 'gantry: No pod "nope" in the namespace "default"\n',
    });
  });

  test("--watch shows what changes, and goes on when the agent is restarted", async () => {
    const child = Bun.spawn([await executable(), "get", "pods", "-w"], {
      env: { ...process.env, GANTRY_SERVER: `unix://${machine.socket}` },
      stdout: "pipe",
    });
    let shown = "";
    const read = (async () => {
      for await (const chunk of child.stdout) shown += Buffer.from(chunk).toString();
    })();
    await waitUntil("the first rows", () => /web-node +2\/2 +Running/.test(shown));
    await machine.stopAgent();
    await machine.startAgent();
    await machine.write(
      "late.yaml",
      manifest("late", { image: machine.image, scripts: { main: "exec sleep 1000" } }),
    );
    await waitUntil("the new pod", () => /late-node +1\/1 +Running/.test(shown));
    await machine.remove("late.yaml");
    await waitUntil("its end", () => /late-node +\S+ +Terminating/.test(shown));
    expect(shown.match(/NAME/g)).toHaveLength(1);
    child.kill();
    await read;
  });
});

describe("describe, explain, events", () => {
  test("describe pod", async () => {
    const golden = `${import.meta.dir}/fixtures/describe-web.txt`;
    const { stdout } = await gantry("describe", "pod", "web");
    const text = stdout.replace(/ {2}Isolated .*\n/, "").replace(/Events:[\s\S]*/, "Events:\n");
    if (process.env.UPDATE_GOLDEN === "1") await writeFile(golden, text);
    expect(text).toBe(await readFile(golden, "utf8"));
    expect(stdout).toMatch(/Events:\n {2}Type {2}Reason {2}Age {2}From {2}Message\n/);
    expect(stdout).toContain("  Normal  Started  AGE  gantry  Started container side\n");
  });

  test("explain pod", async () => {
    const { exitCode, stdout } = await gantry("explain", "pod/crash");
    expect(exitCode).toBe(0);
    expect(stdout).toContain('container "main" ended with exit code 3');
  });

  test("events of one pod, and of one type", async () => {
    const { stdout } = await gantry("events", "--for=pod/crash", "--types=Warning");
    const [head, ...lines] = stdout.trimEnd().split("\n");
    expect(head).toBe("LAST SEEN  TYPE  REASON  OBJECT  MESSAGE");
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/ {2}Warning {2}\w+ {2}pod\/crash-node {2}/);
  });
});

test("events --watch shows what happens to one pod, from its start", async () => {
  const child = Bun.spawn([await executable(), "events", "-w", "--for=pod/watched"], {
    env: { ...process.env, GANTRY_SERVER: `unix://${machine.socket}` },
    stdout: "pipe",
  });
  let shown = "";
  const read = (async () => {
    for await (const chunk of child.stdout) shown += Buffer.from(chunk).toString();
  })();
  const scripts = { main: "exec sleep 1000" };
  for (const name of ["unwatched", "watched"])
    await machine.write(`${name}.yaml`, manifest(name, { image: machine.image, scripts }));
  await waitUntil("its start", () => shown.includes("Started"));
  await machine.waitForReady("unwatched");
  for (const name of ["unwatched", "watched"]) await machine.remove(`${name}.yaml`);
  await waitUntil("its end", () => shown.includes("Killing"));
  await waitUntil("the other's", async () => (await machine.pod("unwatched")) === undefined);
  child.kill();
  await read;
  const [head, ...lines] = shown.trimEnd().split("\n");
  expect(head).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE$/);
  for (const line of lines) expect(line).toMatch(/ Normal +\w+ +pod\/watched-node /);
});

describe("wait", () => {
  test("for what is, what comes, and what goes", async () => {
    const wait = (...argv: readonly string[]) => gantry("wait", ...argv);
    expect(await wait("pod/web", "--for=condition=Ready")).toEqual(printed("pod/web-node condition met"));
    const coming = wait("pod/soon", "--for=condition=Ready", "--timeout=20s");
    await machine.write(
      "soon.yaml",
      manifest("soon", { image: machine.image, scripts: { main: "exec sleep 1000" } }),
    );
    expect(await coming).toEqual(printed("pod/soon-node condition met"));
    const going = wait("pod", "soon", "--for=delete", "--timeout=20s");
    await machine.remove("soon.yaml");
    expect(await going).toEqual(printed("pod/soon deleted"));
    expect(await wait("-l", "app=web", "--for=jsonpath={.status.containerStatuses[1].name}=side")).toEqual(
      printed("pod/web-node condition met"),
    );
  });

  test("in vain", async () => {
    expect(await gantry("wait", "pod/crash", "--for=condition=Ready", "--timeout=100ms")).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "gantry: timed out waiting for pod/crash (gantry explain pod/crash tells why)\n",
    });
  });
});

test("top", async () => {
  expect((await gantry("top", "pods", "web")).stdout).toMatch(
    /^NAME {2}CPU\(cores\) {2}MEMORY\(bytes\)\nweb-node {2}(AGE|<unknown>) {2}\S+\n$/,
  );
  expect((await gantry("top", "pods", "web", "--containers", "--no-headers")).stdout).toMatch(
    /^web-node {2}main {2}.*\nweb-node {2}side {2}.*\n$/,
  );
  expect((await gantry("top", "node")).stdout).toMatch(/^NAME .*\nnode {2}/);
});

test("top --sort-by: who uses most comes first", async () => {
  const scripts = {
    busy: "while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 0.02; done",
    large: "head -c 20971520 /dev/zero | tail -c 20971520 | sleep 1000",
  };
  for (const [name, script] of Object.entries(scripts)) {
    const options = { image: machine.image, scripts: { main: script }, gracePeriod: 0 };
    await machine.write(`${name}.yaml`, manifest(name, options));
  }
  const first = async (sortBy: string) => {
    const { stdout } = await gantry("top", "pods", `--sort-by=${sortBy}`, "--no-headers");
    return stdout.split(" ")[0];
  };
  await waitUntil("the one that computes", async () => (await first("cpu")) === "busy-node");
  await waitUntil("the one that keeps much", async () => (await first("memory")) === "large-node");
  expect(await gantry("top", "pods", "--sort-by=age")).toEqual({
    exitCode: 2,
    stdout: "",
    stderr: "gantry: option '--sort-by <what>' argument 'age' is invalid. Allowed choices are cpu, memory.\n",
  });
  for (const name of Object.keys(scripts)) {
    await machine.remove(`${name}.yaml`);
    await waitUntil(`${name} to be gone`, async () => (await machine.pod(name)) === undefined);
  }
});

test("confirm-delete, when nothing waits for it", async () => {
  expect(await gantry("confirm-delete")).toEqual(printed("nothing was waiting to be confirmed"));
});

test("port-forward leads to the pod's own loopback", async () => {
  const child = Bun.spawn([await executable(), "port-forward", "web", ":18080"], {
    env: { ...process.env, GANTRY_SERVER: `unix://${machine.socket}` },
    stdout: "pipe",
  });
  const reader = child.stdout.getReader();
  const line = Buffer.from((await reader.read()).value ?? []).toString();
  const [, port] = /^Forwarding from localhost:(\d+) -> 18080\n$/.exec(line) ?? [];
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => fetch(`http://127.0.0.1:${port}/passwd`).then((answer) => answer.text())),
  );
  for (const answer of answers) expect(answer).toContain("root:");
  // Who says no more is heard of in the pod, which ends the connection: it was kept there, and here, for as long as the command ran.
  const left = connect(Number(port), "127.0.0.1");
  left.resume().end();
  await once(left, "close");
  child.kill();
  await child.exited;
});

test("flags for all commands may come before the command, as with kubectl", async () => {
  expect(await gantry("-n", "elsewhere", "get", "pods", "-o", "name")).toEqual(
    await gantry("get", "pods", "-o", "name", "--namespace=elsewhere"),
  );
});

test("wait looks once if it is given no time", async () => {
  expect(await gantry("wait", "pod/web", "--for=condition=Ready", "--timeout=0")).toEqual(
    printed("pod/web-node condition met"),
  );
  const { exitCode, stderr } = await call(machine, ["wait", "--all", "--for=delete", "--timeout=0"]);
  expect([exitCode, stderr]).toEqual([
    1,
    expect.stringMatching(/^gantry: timed out waiting for pod\/\S+-node, /),
  ]);
});

describe("who asks in vain is told what to do", () => {
  test("no agent", async () => {
    const { stderr, exitCode } = await call(machine, ["get", "pods"], {
      env: { GANTRY_SERVER: "unix:///nowhere.sock" },
    });
    expect([exitCode, stderr]).toEqual([
      1,
      "gantry: No agent answers on /nowhere.sock (is it running? --server says where)\n",
    ]);
  });

  test("no agent at the usual place", async () => {
    const { stderr } = await call(machine, ["get", "pods", "--server=unix:///run/gantry/gantry.sock"]);
    expect(stderr).toBe(
      "gantry: No agent answers on /run/gantry/gantry.sock (is it running? systemctl status gantry)\n",
    );
  });

  test("over TCP, where only questions are answered", async () => {
    const server = "http://127.0.0.1:1";
    expect((await call(machine, ["get", "pods", "-s", server])).stderr).toStartWith(
      `gantry: Cannot reach ${server}: `,
    );
  });

  test.each([
    [["get"], "missing required argument 'what'"],
    [["get", "fruit"], 'get: there is no type "fruit"; there are pods, images, events, manifests, nodes'],
    [["get", "pods", "--outptu", "x"], "unknown option '--outptu' (did you mean --output?)"],
    [
      ["get", "pods", "-o", "xml"],
      "option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are wide, json, yaml, name.",
    ],
    [["gte"], "unknown command 'gte' (did you mean get?)"],
    [["logs", "web", "main", "-c", "side"], "logs: the container is named twice, as an argument and with -c"],
    [["logs", "web", "main", "--all-containers"], "logs: at most one of --all-containers and a container"],
    [["events", "--types=Wanring"], 'events: --types must be Normal, Warning or both, not "wanring"'],
    [
      ["wait", "--for=ready", "pod/web"],
      'wait: --for must be like condition=Ready, delete or jsonpath={.status.phase}=Running, not "ready"',
    ],
    [["port-forward", "web", "http"], 'port-forward: ports must be like 8080:80, 80 or :80, not "http"'],
    [
      ["get", "pods", "-s", "gantry.sock"],
      '--server: must be like unix:///run/gantry/gantry.sock, http://127.0.0.1:10255 or https://edge1:10250, not "gantry.sock"',
    ],
  ])("%j is wrong usage", async (argv, message) => {
    const { exitCode, stdout, stderr } = await call(machine, argv);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 2, stdout: "", stderr: `gantry: ${message}\n` });
  });
});

describe("output", () => {
  test("has colours at a terminal, and there only for who wants them", async () => {
    const at = async (env: Record<string, string>) => {
      let screen = "";
      const child = Bun.spawn([await executable(), "get", "pods"], {
        env: {
          PATH: process.env.PATH ?? "",
          TERM: "xterm",
          GANTRY_SERVER: `unix://${machine.socket}`,
          ...env,
        },
        terminal: {
          data: (_terminal, bytes) => {
            screen += Buffer.from(bytes).toString();
          },
        },
      });
      await child.exited;
      await waitUntil("the last row", () => screen.includes("web-node"));
      return screen;
    };
    expect(await at({})).toContain("\x1b[32mRunning\x1b[0m");
    expect(await at({ NO_COLOR: "1" })).not.toContain("\x1b[3");
    expect((await call(machine, ["get", "pods"])).stdout).not.toContain("\x1b");
  });

  test("that nobody reads to its end ends the command without a word", async () => {
    const script = `${await executable()} get pods -A -o json | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const child = Bun.spawnSync(["bash", "-c", script], {
      env: { PATH: process.env.PATH ?? "", GANTRY_SERVER: `unix://${machine.socket}` },
    });
    expect(child.stdout.toString()).toMatch(/^\{\n(0|141)\n$/);
    expect(child.stderr.toString()).toBe("");
  });
});
