// The corpus of Pods as people write them runs as it is written: only the images are others, and what the manifests expect of the
// machine is put there.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import type { Container, Pod } from "kubernetes-types/core/v1.d.ts";
import { parseAllDocuments } from "yaml";
import { allCapabilities, defaultCapabilities, prefixedCapability } from "../../src/pod/capabilities.ts";
import { networkState } from "../engine/network/networked-pod.ts";
import { waitUntil } from "../wait-until.ts";
import { isReady, Machine, run } from "./machine.ts";
import { parseTold, type Told, writeStandIn } from "./stand-in.ts";

const corpus = `${import.meta.dir}/../manifest/corpus`;
const files = readdirSync(corpus).sort();
/** So that host ports that two of them want are in different ones, and that none takes long. */
const groups = [0, 1, 2, 3].map((group) => files.filter((_, index) => index % 4 === group));

/** Hardly any machine has them all; the numbers of /dev/null make as good a node. */
const devices = ["dri/renderD128", "gps0", "kmsg", "pps0", "ttyACM0", "ttyS0", "ttyUSB0", "watchdog"];
const directories = [
  "/dev/dri",
  "/etc/haproxy",
  "/etc/snmp",
  "/srv/app",
  "/srv/mariadb",
  "/srv/media",
  "/srv/nfs",
  "/srv/recordings",
  "/srv/www",
  "/tmp/.X11-unix",
];
/** What manifests start by name. Shells and httpd are busybox' own. */
const programs = [
  "/bin/etcd",
  "/bin/kube-apiserver",
  "/bin/mongod",
  "/bin/python",
  "/bin/redis-server",
  "/bin/snmpd",
  "/bin/watchdog",
  "/cron.sh",
  "/usr/sbin/gpsd",
];
const tellsNothing = /^(\/bin\/)?(sh|httpd)$/;

test.each(groups.map((names, index) => [index + 1, names] as const))(
  "part %d of the corpus",
  async (_part, names) => {
    using _docker = await furnish();
    await using machine = await Machine.create();
    await writeStandIn(`${machine.path}/root.aci`, programs);
    await writeStandIn(`${machine.path}/other.aci`, programs, "1000");
    await copyFile(`${import.meta.dir}/fixtures/corpus-objects.yaml`, `${machine.manifests}/objects.yaml`);
    const pods: Pod[] = [];
    for (const name of names) {
      const text = withStandIns(readFileSync(`${corpus}/${name}`, "utf8"), machine.path);
      pods.push(podOf(text));
      await machine.write(name, text);
    }
    const before = await networkState();
    await machine.startAgent();
    for (const pod of pods) {
      const name = pod.metadata?.name ?? "";
      await machine.waitForPod(name, "Ready", isReady, 40_000);
      for (const container of pod.spec?.containers ?? []) {
        if (tellsNothing.test(container.command?.[0] ?? "")) continue;
        const told = await waitUntil(`what ${name}'s ${container.name} tells`, async () =>
          parseTold(await logOf(machine, pod, container)),
        );
        expect({ name, otherwise: otherwise(told, pod, container) }).toEqual({ name, otherwise: [] });
      }
    }
    for (const name of names) await machine.remove(name);
    await waitUntil("nothing to be left", async () => (await machine.leftovers()).length === 0, 40_000);
    expect(await networkState()).toEqual(before);
  },
  100_000,
);

async function furnish(): Promise<Disposable> {
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  for (const device of devices) await run("sh", "-c", `test -e /dev/${device} || mknod /dev/${device} c 1 3`);
  await Bun.write("/etc/haproxy/haproxy.cfg", "");
  const docker = Bun.listen({ unix: "/run/docker.sock", socket: { data() {} } });
  return { [Symbol.dispose]: () => docker.stop() };
}

function withStandIns(manifest: string, directory: string): string {
  return manifest.replace(/\bimage: ("[^"]*"|[^\s,}]+)/g, (_, image: string) => {
    // Its user is no root in the real one too: the manifest insists on that.
    const standIn = image.includes("cloud-sql-proxy") ? "other" : "root";
    return `image: ${directory}/${standIn}.aci`;
  });
}

function podOf(manifest: string): Pod {
  const objects = parseAllDocuments(manifest).flatMap((document) => {
    const object = document.toJS() as Pod & { readonly items?: readonly Pod[] };
    return object.items ?? [object];
  });
  const pod = objects.find(({ kind }) => kind === "Pod");
  if (pod === undefined) throw new Error("no Pod");
  return pod;
}

async function logOf(machine: Machine, { metadata }: Pod, container: Container): Promise<string> {
  const path = `/pods/${metadata?.namespace ?? "default"}/${metadata?.name}-node/logs`;
  return (await machine.get(`${path}?container=${container.name}`)).text();
}

/** What is not as the manifest says. */
function otherwise(told: Told, { spec }: Pod, container: Container): readonly string[] {
  const security = { ...spec?.securityContext, ...container.securityContext };
  const args = [...(container.command?.slice(1) ?? []), ...(container.args ?? [])];
  const env = container.env ?? [];
  const variables = new Map(told.env);
  // Those of the image and of the engine are not referred to.
  const declared = new Map([...variables].filter(([name]) => env.some((each) => each.name === name)));
  const groups = [...(spec?.securityContext?.supplementalGroups ?? []), spec?.securityContext?.fsGroup ?? []];
  return Object.entries({
    args: JSON.stringify(args.map((arg) => expand(arg, declared))) === JSON.stringify(told.args),
    env: env.every(({ name, value, valueFrom }, index) => {
      if (valueFrom !== undefined) return valueFrom.secretKeyRef?.optional || variables.has(name);
      const later = new Set(env.slice(index).map((each) => each.name));
      const known = new Map([...variables].filter(([each]) => !later.has(each)));
      return variables.get(name) === expand(value ?? "", known);
    }),
    uid: security.runAsUser === undefined || told.uid === security.runAsUser,
    gid: security.runAsGroup === undefined || told.gid === security.runAsGroup,
    groups: groups.flat().every((group) => told.groups.includes(group)),
    mounts: (container.volumeMounts ?? []).every(({ mountPath }) =>
      told.mounts.includes(mountPath.replace(/^\/var\/run/, "/run")),
    ),
    capabilities: told.capabilities === capabilitiesOf(container),
    noNewPrivileges: told.noNewPrivileges === (security.allowPrivilegeEscalation === false),
    directory: told.directory === (container.workingDir ?? "/"),
  }).flatMap(([what, holds]) => (holds ? [] : [`${what}: ${JSON.stringify(told)}`]));
}

function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\((\w+)\)/g, (all, name: string) => variables.get(name) ?? all);
}

/** Of those that the machine itself has. */
function capabilitiesOf({ securityContext }: Container): string {
  const { add = [], drop = [] } = securityContext?.capabilities ?? {};
  const added = add.map(prefixedCapability);
  const names = securityContext?.privileged
    ? allCapabilities
    : [...(drop.includes("ALL") ? [] : defaultCapabilities), ...added];
  const ofMachine = /^CapBnd:\s*(\S+)$/m.exec(readFileSync("/proc/1/status", "utf8"))?.[1];
  const mask = names.reduce((bits, name) => bits | (1n << BigInt(allCapabilities.indexOf(name))), 0n);
  return (mask & BigInt(`0x${ofMachine}`)).toString(16).padStart(16, "0");
}
