// Volumes as a person sees them: shared, sized, of the right group, kept while the pod is there and gone with it; the machine's own never.

import { expect, test } from "bun:test";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { waitUntil } from "../wait-until.ts";
import { Machine, uuidOf } from "./machine.ts";

interface Container {
  readonly script: string;
  /** YAML, in flow style. */
  readonly more?: string;
}

function podWith(
  machine: Machine,
  containers: Readonly<Record<string, Container>>,
  spec: { readonly volumes?: readonly string[]; readonly more?: string },
): string {
  const listed = Object.entries(containers).map(([name, { script, more = "" }]) =>
    JSON.stringify({ name, image: machine.image, command: ["/bin/sh", "-c", script] }).replace(
      /\}$/,
      `${more ? `, ${more}` : ""}}`,
    ),
  );
  return `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
  ${spec.more ?? ""}
  containers: [${listed.join(", ")}]
  volumes: [${(spec.volumes ?? []).join(", ")}]
`;
}

const forever = "while :; do sleep 1; done";

test("containers share volumes; those outlive restarts of pod and agent, go with the pod, and what is the machine's stays", async () => {
  await using machine = await Machine.create();
  const host = `${machine.path}/machine`;
  await mkdir(`${host}/precious`, { recursive: true });
  await writeFile(`${host}/precious/file`, "precious");
  const mounts =
    "volumeMounts: [{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}, {name: host, mountPath: /host}]";
  const text = podWith(
    machine,
    {
      writer: {
        script: `echo $(($(cat /disk/starts 2>/dev/null) + 1)) > /disk/starts; date > /memory/written; echo new > /host/precious/new; ${forever}`,
        more: mounts,
      },
      reader: {
        script: `while [ ! -e /memory/written ]; do sleep 0.1; done; cat /disk/starts; dd if=/dev/zero of=/memory/big bs=1M count=8 2>&1 | grep -o 'No space left'; ${forever}`,
        more: mounts,
      },
    },
    {
      volumes: [
        "{name: disk, emptyDir: {}}",
        "{name: memory, emptyDir: {medium: Memory, sizeLimit: 2Mi}}",
        `{name: host, hostPath: {path: ${host}, type: Directory}}`,
      ],
    },
  );
  await machine.write("web.yaml", text);
  await machine.startAgent();
  const first = await machine.waitForReady("web");
  await waitUntil(
    "what one wrote and the other reads",
    async () => (await machine.logs("web", "?container=reader")) === "1\nNo space left\n",
  );

  const units = await machine.runningUnits();
  await machine.stopAgent("SIGKILL");
  await machine.startAgent();
  const adopted = await machine.waitForReady("web");
  expect(await machine.runningUnits()).toEqual(units);
  const volumes = `${machine.path}/state/pods/${first.metadata?.uid}/volumes/kubernetes.io~empty-dir`;
  expect((await stat(`${volumes}/memory/written`)).size).toBeGreaterThan(0);

  Bun.spawnSync(["systemctl", "kill", "--signal=KILL", `gantry-${uuidOf(adopted)}-reader.service`]);
  const restarted = await machine.waitForPod("web", "restarted", (it) =>
    (it.status?.containerStatuses ?? []).every(({ restartCount, ready }) => restartCount > 0 && ready),
  );
  await waitUntil(
    "the second start",
    async () => (await readFile(`${volumes}/disk/starts`, "utf8")) === "2\n",
  );
  expect(restarted.metadata?.uid).toBe(first.metadata?.uid ?? "");

  await machine.remove("web.yaml");
  await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0);
  expect((await readdir(`${host}/precious`)).sort()).toEqual(["file", "new"]);
});

test("a subPath is a part of a volume, made where it is missing; one that leads out keeps the pod from starting", async () => {
  await using machine = await Machine.create();
  const host = `${machine.path}/machine`;
  await mkdir(`${host}/volume`, { recursive: true });
  await writeFile(`${host}/secret`, "secret");
  await symlink("..", `${host}/volume/out`);
  const volumes = [`{name: data, hostPath: {path: ${host}/volume}}`];
  const container = (subPath: string) => ({
    main: {
      script: `echo $NAME > /data/name; ls /data; ${forever}`,
      more: `env: [{name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}], volumeMounts: [{name: data, mountPath: /data, ${subPath}}]`,
    },
  });
  await machine.startAgent();
  await machine.write("web.yaml", podWith(machine, container("subPathExpr: logs/$(NAME)"), { volumes }));
  await machine.waitForReady("web");
  await waitUntil("its log", async () => (await machine.logs("web")) === "name\n");
  expect(await readFile(`${host}/volume/logs/web-node/name`, "utf8")).toBe("web-node\n");

  await machine.write("web.yaml", podWith(machine, container("subPath: out"), { volumes }));
  const refused = await machine.waitForPod("web", "refused", (it) =>
    (it.status?.conditions ?? []).some(
      ({ type, reason }) => type === "UpToDate" && reason === "CreateContainerConfigError",
    ),
  );
  expect(JSON.stringify(refused.status)).toContain(
    'failed to prepare subPath for volumeMount \\"data\\" of container \\"main\\": out: leads out of its volume',
  );
  expect(await readdir(host)).toEqual(["secret", "volume"]);
});

test("what is mounted later is passed on as the volume's mountPropagation says", async () => {
  await using machine = await Machine.create();
  const host = `${machine.path}/machine`;
  for (const name of ["down", "up", "none"]) await mkdir(`${host}/${name}/mnt`, { recursive: true });
  await machine.startAgent();
  const more = `securityContext: {privileged: true}, volumeMounts: [${[
    "{name: down, mountPath: /down, mountPropagation: HostToContainer}",
    "{name: up, mountPath: /up, mountPropagation: Bidirectional}",
    "{name: none, mountPath: /none}",
  ].join(", ")}]`;
  const script = `busybox mount -t tmpfs up /up/mnt; until [ -e /down/mnt/later ]; do sleep 0.1; done; ls /down/mnt /none/mnt; ${forever}`;
  const volumes = ["down", "up", "none"].map((name) => `{name: ${name}, hostPath: {path: ${host}/${name}}}`);
  await machine.write("web.yaml", podWith(machine, { main: { script, more } }, { volumes }));
  await machine.waitForReady("web");
  const mounts = async () => (await readFile("/proc/self/mounts", "utf8")).split("\n");
  await waitUntil("the pod's mount on the machine", async () =>
    (await mounts()).some((line) => line.startsWith(`up ${host}/up/mnt `)),
  );
  for (const name of ["none", "down"]) {
    await Bun.$`mount -t tmpfs later ${host}/${name}/mnt`.quiet();
    await writeFile(`${host}/${name}/mnt/later`, "");
  }
  await waitUntil("the machine's mount in the pod", async () => (await machine.logs("web")) !== "");
  expect(await machine.logs("web")).toBe("/down/mnt:\nlater\n/none/mnt:\n");
  await machine.remove("web.yaml");
  await waitUntil("the pod to be gone", async () => (await machine.pods()).length === 0);
  for (const name of ["none", "down", "up"]) await Bun.$`umount ${host}/${name}/mnt`.quiet();
});

test("a pod's fsGroup may write to its volumes, whoever it runs as", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const more = "securityContext: {runAsUser: 1234, runAsGroup: 1234, fsGroup: 4242}";
  const container = {
    main: {
      script: `touch /data/made; stat -c '%u %g' /data/made; cat /secret/token; echo; ${forever}`,
      more: "volumeMounts: [{name: data, mountPath: /data}, {name: secret, mountPath: /secret}]",
    },
  };
  await machine.write(
    "keys.yaml",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {token: readable}\n",
  );
  const volumes = ["{name: data, emptyDir: {}}", "{name: secret, secret: {secretName: keys}}"];
  await machine.write("web.yaml", podWith(machine, container, { volumes, more }));
  await machine.waitForReady("web");
  await waitUntil("its log", async () => (await machine.logs("web")) === "1234 4242\nreadable\n").catch(
    async () => {
      expect(await machine.logs("web")).toBe("1234 4242\nreadable\n");
    },
  );
});

test("what a container writes as its last words is in the status, else the end of its log where it asks for that", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const words = "x".repeat(5000);
  await machine.write(
    "web.yaml",
    podWith(
      machine,
      {
        file: { script: `echo disk on fire > /dev/termination-log; ${forever}` },
        own: {
          script: `printf ${words} > /run/last-words; ${forever}`,
          more: "terminationMessagePath: /run/last-words",
        },
        log: {
          script: `sleep 0.5; for i in $(seq 200); do echo line $i; done; exit 3`,
          more: "terminationMessagePolicy: FallbackToLogsOnError",
        },
        silent: { script: `echo this is only its log; ${forever}` },
      },
      { more: "restartPolicy: Never" },
    ),
  );
  const pod = await machine.waitForPod("web", "failed", ({ status }) => status?.phase === "Failed");
  const messages = Object.fromEntries(
    (pod.status?.containerStatuses ?? []).map(({ name, state }) => [name, state?.terminated?.message]),
  );
  expect(messages).toEqual({
    file: "disk on fire\n",
    own: "x".repeat(3072), // of four containers each has a quarter of 12 KiB
    log: Array.from({ length: 80 }, (_, index) => `line ${121 + index}\n`).join(""),
    silent: undefined,
  });
});

test("a termination message file that a pod has turned into something else is not followed", async () => {
  await using machine = await Machine.create();
  const host = `${machine.path}/machine`;
  await mkdir(host);
  await writeFile(`${host}/secret`, "secret");
  await machine.startAgent();
  // The pod can reach its message file on the host, which no pod should be given; still it is no way to read what it names.
  const script = `cd /pods/*/containers/main; for f in *; do rm $f; ln -s ${host}/secret $f; done; exit 1`;
  await machine.write(
    "web.yaml",
    podWith(
      machine,
      {
        main: {
          script: script.replace("ln -s", "/bin/busybox ln -s").replace("rm ", "/bin/busybox rm "),
          more: "volumeMounts: [{name: pods, mountPath: /pods}]",
        },
      },
      {
        more: "restartPolicy: Never",
        volumes: [`{name: pods, hostPath: {path: ${machine.path}/state/pods}}`],
      },
    ),
  );
  const pod = await machine.waitForPod("web", "failed", ({ status }) => status?.phase === "Failed");
  expect(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode).toBe(1);
  expect(pod.status?.containerStatuses?.[0]?.state?.terminated?.message ?? "").not.toContain("secret\n");
  expect(pod.status?.containerStatuses?.[0]?.state?.terminated?.message).toContain(
    "Error on reading termination log",
  );
});

test("on the host's network a pod has copies of the host's hosts and resolv.conf, with what it adds", async () => {
  await using machine = await Machine.create();
  await machine.startAgent();
  const more = `hostAliases: [{ip: 192.0.2.7, hostnames: [db, db.local]}]
  dnsConfig: {searches: [corp.example], options: [{name: ndots, value: "3"}]}`;
  await machine.write(
    "web.yaml",
    podWith(
      machine,
      { main: { script: `cat /etc/hosts /etc/resolv.conf; echo scribble >> /etc/hosts; ${forever}` } },
      { more },
    ),
  );
  await machine.waitForReady("web");
  const log = await waitUntil("its log", async () => {
    const text = await machine.logs("web");
    return text.includes("options") && text;
  });
  expect(log).toContain("# Kubernetes-managed hosts file (host network).\n");
  expect(log).toContain("\n192.0.2.7\tdb\tdb.local\n");
  expect(log).toMatch(/^search .*corp\.example$/m);
  expect(log).toMatch(/^options .*ndots:3/m);
  expect(await readFile("/etc/hosts", "utf8")).not.toContain("scribble");
});
