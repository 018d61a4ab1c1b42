// Into a running container: a command for a script, one with a terminal, its own loopback; and nothing is left when the client has gone.

import { expect, test } from "bun:test";
import { RawWebSocket } from "../server/raw-web-socket.ts";
import { waitUntil } from "../wait-until.ts";
import { Machine, run, uuidOf } from "./machine.ts";

const manifest = (image: string) => `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  terminationGracePeriodSeconds: 2
  securityContext: {runAsUser: 1234}
  containers:
    - name: server
      image: ${image}
      command: [/bin/sh, -c, "mkdir /tmp/www; echo hello from inside >/tmp/www/index.html; exec httpd -f -p 127.0.0.1:8080 -h /tmp/www"]
      env: [{name: GREETING, value: hello}]
    - name: other
      image: ${image}
      command: [sleep, "1000"]
`;

const words = (...argv: string[]) => argv.map((word) => `command=${encodeURIComponent(word)}`).join("&");

test("a person and a script get into a container, with its rights and no others", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  await machine.write("web.yaml", manifest(machine.image));
  const pod = await machine.waitForReady("web");
  const path = "/exec/default/web-node/server";
  const curl = (query: string, ...options: string[]) =>
    run("curl", "-sS", "--unix-socket", machine.socket, ...options, `http://gantry${path}?${query}`);

  expect(await curl(words("cat", "/tmp/www/index.html"), "-X", "POST")).toBe("hello from inside\n");
  expect(await curl(words("id", "-u"), "-X", "POST")).toBe("1234\n");
  expect(await curl(words("tr", "a-z", "A-Z"), "--data-binary", "shout")).toBe("SHOUT");
  const answer = await curl(
    words("sh", "-c", "echo $GREETING; echo $0 >&2; exit 9"),
    "-X",
    "POST",
    "-H",
    "Accept: application/json",
  );
  expect(JSON.parse(answer)).toEqual({ exitCode: 9, stdout: "hello\n", stderr: "sh\n" });
  // Nothing of the agent's own environment.
  const names = (await curl(words("env"), "-X", "POST")).split("\n").map((line) => line.split("=")[0]);
  expect(
    names.filter((name) => name?.startsWith("GANTRY") || name === "BUN_INSTALL" || name === "OLDPWD"),
  ).toEqual([]);
  const missing = JSON.parse(await curl(words("no-such"), "-X", "POST", "-H", "Accept: application/json"));
  expect(missing.exitCode).not.toBe(0);
  expect(missing.stderr).toContain("no-such");

  // A shell in a terminal, in the container's own control group; it goes with its client.
  const address = `unix://${machine.socket}`;
  const shell = new RawWebSocket(address, `${path}?${words("sh")}&input=1&output=1&tty=1`);
  shell.send(4, '{"Width":101,"Height":33}');
  shell.send(0, "stty size; test -t 1 && echo terminal; cat /proc/self/cgroup; echo pid $$ end\r");
  await waitUntil("the prompt", () => shell.textOn(1).includes("33 101\r\nterminal\r\n"));
  const text = await waitUntil("its end", () => /pid \d+ end\r\n/.test(shell.textOn(1)) && shell.textOn(1));
  expect(text).toContain(`gantry-${uuidOf(pod)}-server.service`);
  const shells = async () =>
    (
      await run("systemctl", "show", "-p", "TasksCurrent", "--value", `gantry-${uuidOf(pod)}-server.service`)
    ).trim();
  const before = Number(await shells());
  shell.socket.destroy();
  await waitUntil("the shell to go", async () => Number(await shells()) < before);

  // A port that only the pod itself can reach.
  const tunnel = new RawWebSocket(address, "/portForward/default/web-node?port=8080", "v4.channel.k8s.io");
  tunnel.send(0, "GET / HTTP/1.0\r\n\r\n");
  await tunnel.closed;
  expect(tunnel.textOn(0)).toContain("hello from inside\n");
  const refused = new RawWebSocket(address, "/portForward/default/web-node?port=8081", "v4.channel.k8s.io");
  await refused.closed;
  expect(refused.textOn(1)).toContain("nothing listens on port 8081");

  await machine.remove("web.yaml");
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
  expect(Bun.spawnSync(["pgrep", "-f", "port-connect"]).stdout.toString()).toBe("");
});
