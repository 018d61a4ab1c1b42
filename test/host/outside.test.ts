// A program that systemd runs for us: to whoever starts it, it is like one that we run ourselves.

import { afterAll, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { isConfined, openOutside } from "../../src/host/outside.ts";
import { startSession } from "../../src/host/session.ts";
import { tempDir } from "../temp-dir.ts";
import { waitUntil } from "../wait-until.ts";

const directory = await tempDir();
afterAll(() => directory[Symbol.asyncDispose]());
const path = `${directory.path}/outside`;
const outsideArgv = await openOutside(path);

function outside(argv: readonly string[], stdin: "ignore" | "pipe" = "ignore") {
  const env = { ...process.env };
  return Bun.spawn(outsideArgv(argv, {}), { env, stdin, stdout: "pipe", stderr: "pipe", detached: true });
}

test("has our streams, environment and exit code", async () => {
  // Neither is the second a variable of a shell's, nor the third for others.
  const variables = { OUTSIDE_VALUE: "a b", "BASH_FUNC_x%%": "() {\n}", NOTIFY_SOCKET: "/ours" };
  Object.assign(process.env, variables);
  const child = outside(["/bin/sh", "-c", 'cat; echo "$OUTSIDE_VALUE $NOTIFY_SOCKET" >&2; exit 7'], "pipe");
  for (const name of Object.keys(variables)) delete process.env[name];
  child.stdin?.write("input\n");
  child.stdin?.end();
  expect(await child.exited).toBe(7);
  expect([await child.stdout.text(), await child.stderr.text()]).toEqual(["input\n", "a b \n"]);
});

test.each([
  ["kill -TERM $$", 143],
  ["kill -KILL $$", 137],
  ["exit 1", 1],
  ["exit 255", 255],
])("regression: what SIGTERM had ended was a success (%s: %i)", async (script, code) => {
  expect(await outside(["/bin/sh", "-c", script]).exited).toBe(code);
});

test("regression: systemd put variables of the unit's into the arguments", async () => {
  const words = ["$HOME", `a $${"{NOT_THERE}"} b`, "$$", "$(id)", "100%n"];
  const child = outside(["/usr/bin/printf", "%s\\n", ...words]);
  expect((await child.stdout.text()).split("\n")).toEqual([...words, ""]);
});

const notRun = /(^|\n)outside: systemd has not run it to its end\n$/;

test("regression: that systemd has not run it was taken for its own exit code 1", async () => {
  const argv = outsideArgv(["/bin/true"]).map((word) => word.replace("LogLevelMax=err", "NoSuch=1"));
  const child = Bun.spawn(argv, { stderr: "pipe" });
  expect([await child.exited, await child.stderr.text()]).toEqual([254, expect.stringMatching(notRun)]);
});

/** As what enters a pod does. */
const leaveControlGroup =
  "for each in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do (echo $$ >$each) 2>/dev/null; done";

test("ends with its unit, also what has left its control group", async () => {
  const marker = `4${String(process.pid).padStart(8, "0")}`;
  const child = outside(["/bin/sh", "-c", `${leaveControlGroup}; exec sleep ${marker}`]);
  const running = () => Bun.spawnSync(["pgrep", "-f", `^sleep ${marker}`]).exitCode === 0;
  await waitUntil("it to run", running);
  Bun.spawnSync(["systemctl", "stop", "for-gantry-*"]);
  expect(await child.exited).not.toBe(0);
  await waitUntil("it to end", () => !running());
});

test("has all of root's rights, in the machine's own namespaces", async () => {
  const child = outside([
    "/bin/sh",
    "-c",
    "readlink /proc/self/ns/mnt /proc/1/ns/mnt; grep CapEff /proc/self/status",
  ]);
  const [own, machine, capabilities] = (await child.stdout.text()).split("\n");
  expect(own).toBe(machine ?? "");
  expect(capabilities).toBe((await Bun.file("/proc/1/status").text()).match(/CapEff.*/)?.[0] ?? "");
});

function atTerminal(command: string) {
  const argv = outsideArgv(["/bin/sh", "-c", command], { isTerminal: true });
  return startSession(argv, { env: { ...process.env, TERM: "xterm" }, hasInput: true, isTerminal: true });
}

test("regression: of a program that ended at once a terminal showed nothing, now and then", async () => {
  for (let round = 0; round < 10; round++) {
    const session = atTerminal("echo $TERM; test -t 0 && exit 5");
    expect(Buffer.concat(await Array.fromAsync(session.output)).toString()).toBe("xterm\r\n");
    expect(await session.exitCode).toBe(5);
  }
});

test("has our terminal for its own: Ctrl-C and a new size reach it", async () => {
  const session = atTerminal(
    "trap 'stty size' WINCH; trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done",
  );
  let screen = "";
  const reading = (async () => {
    for await (const bytes of session.output) screen += Buffer.from(bytes).toString();
  })();
  await waitUntil("it to run", () => screen.includes("ready"));
  session.resize(97, 31);
  await waitUntil("its size", () => screen.includes("31 97"));
  await session.write(Buffer.from("\x03"));
  expect(await session.exitCode).toBe(9);
  await reading;
});

test.each([0, 1000])(
  "ends with whoever started it, though that may kill nobody, and with all that it has started as user %i",
  async (uid) => {
    const marker = `3${uid}${String(process.pid).padStart(8, "0")}`;
    const user = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"].join(" ");
    const script = `${leaveControlGroup}; exec ${user} sh -c 'sleep ${marker} | sleep ${marker}'`;
    const confined = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    const child = Bun.spawn([...confined, ...outsideArgv(["/bin/sh", "-c", script])], { detached: true });
    const running = () =>
      Bun.spawnSync(["pgrep", "-f", `^sleep ${marker}`])
        .stdout.toString()
        .split("\n").length - 1;
    await waitUntil("it to run", () => running() === 2);
    process.kill(-child.pid, "SIGTERM");
    expect(await child.exited).toBe(143);
    await waitUntil("it to end", () => running() === 0);
    const units = () =>
      Bun.spawnSync(["systemctl", "list-units", "--all", "--plain", "--no-legend", "for-gantry-*"]);
    await waitUntil("its unit to be gone", () => units().stdout.toString() === "");
    expect(await readdir(path)).toEqual([]);
  },
);

test("regression: everybody could read our environment, and a proxy's password in it, as a property of the unit", async () => {
  const env = { ...process.env, HTTPS_PROXY: "http://user:secret@proxy" };
  const argv = outsideArgv(["/bin/sh", "-c", "echo $HTTPS_PROXY; cat"]);
  const child = Bun.spawn(argv, { env, stdin: "pipe", stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("http://user:secret@proxy\n");
  const [unit = ""] = await readdir(path);
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const shown = Bun.spawnSync([...nobody, "systemctl", "show", unit]).stdout.toString();
  expect(shown).toContain("ActiveState=active");
  expect(shown).not.toContain("secret");
  expect(Bun.spawnSync([...nobody, "ls", path]).exitCode).toBe(2);
  expect(await Bun.file(`${path}/${unit}`).text()).toBe("");
  child.stdin.end();
  expect(await child.exited).toBe(0);
  expect(await readdir(path)).toEqual([]);
});

test("regression: that the bus was not there was taken for its own exit code 1", async () => {
  Bun.spawnSync(["systemctl", "stop", "dbus.socket", "dbus.service"]);
  const child = outside(["/bin/true"]);
  const end = [await child.exited, await child.stderr.text(), await readdir(path)];
  Bun.spawnSync(["systemctl", "start", "dbus.socket", "dbus.service"]);
  expect(end).toEqual([254, expect.stringMatching(notRun), []]);
});

test("regression: that the bus was restarted meanwhile was taken for a success; now it is ended, too", async () => {
  const marker = `5${String(process.pid).padStart(8, "0")}`;
  const child = outside(["/bin/sh", "-c", `${leaveControlGroup}; exec sleep ${marker}`]);
  const running = () => Bun.spawnSync(["pgrep", "-f", `^sleep ${marker}`]).exitCode === 0;
  await waitUntil("it to run", running);
  Bun.spawnSync(["systemctl", "restart", "dbus.service"]);
  expect([await child.exited, await child.stderr.text()]).toEqual([254, expect.stringMatching(notRun)]);
  expect(running()).toBe(false);
});

test("leaves nothing in the journal, not even when it fails", async () => {
  const argv = outsideArgv(["/bin/false"], {});
  const unit = argv.find((argument) => argument.startsWith("for-gantry-")) ?? "";
  expect(Bun.spawnSync([...argv]).exitCode).toBe(1);
  Bun.spawnSync(["journalctl", "--sync"]);
  const { stdout } = Bun.spawnSync(["journalctl", "--quiet", "-u", unit]);
  expect(stdout.toString()).toBe("");
});

test("what one that was killed has left is removed", async () => {
  await using dir = await tempDir();
  await openOutside(`${dir.path}/outside`);
  await Bun.write(`${dir.path}/outside/left`, "");
  await openOutside(`${dir.path}/outside`);
  expect(await readdir(`${dir.path}/outside`)).toEqual([]);
});

test("root in full is not confined, and without CAP_SYS_ADMIN it is", () => {
  expect(isConfined()).toBe(false);
  const code = `import { isConfined } from "${import.meta.dir}/../../src/host/outside.ts"; process.exit(isConfined() ? 3 : 0);`;
  const { exitCode } = Bun.spawnSync(["setpriv", "--bounding-set=-sys_admin", process.execPath, "-e", code]);
  expect(exitCode).toBe(3);
});
