// Pods in networks of their own, in pod units as the agent starts them, and what there is of networks on the machine.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { type Answer, type RktWorld, rktWorld } from "../../contract/rkt-command-line-world.ts";
import type { PluginCallRecord } from "../../fakes/cni-plugin.ts";
import { waitUntil } from "../../wait-until.ts";

const argv = [process.execPath, `${import.meta.dir}/../../../src/main.ts`, "rkt"];

/** Answers any request on port 80 with a file of the pod's /etc. */
export const webServer = "exec httpd -f -p 80 -h /etc";

export interface PodOptions {
  readonly flags?: readonly string[];
  readonly script?: string;
  readonly annotations?: readonly { readonly name: string; readonly value: string }[];
  readonly environment?: readonly { readonly name: string; readonly value: string }[];
  /** hostPort → port of the app, or where in addition it matters, of which address. */
  readonly ports?: readonly { readonly hostPort: number; readonly port: number; readonly hostIP?: string }[];
}

/** A data directory, and configurations of networks in a directory of its own. */
export class NetworkWorld implements AsyncDisposable {
  readonly rkt: RktWorld;
  readonly #units: string[] = [];

  private constructor(rkt: RktWorld) {
    this.rkt = rkt;
  }

  static async create(): Promise<NetworkWorld> {
    const world = new NetworkWorld(await rktWorld(argv));
    await mkdir(`${world.rkt.path}/local/net.d`, { recursive: true });
    return world;
  }

  /** Writes `NAME.conflist`. */
  async configure(name: string, plugins: readonly object[], more: object = {}): Promise<void> {
    const config = { cniVersion: "1.0.0", name, plugins, ...more };
    await writeFile(`${this.rkt.path}/local/net.d/${name}.conflist`, JSON.stringify(config));
  }

  /** Installs a plugin `recorder` that writes down its calls and does as its configuration says. */
  async installRecorder(): Promise<void> {
    const script = `#!/bin/sh\nexec ${process.execPath} ${import.meta.dir}/../../fakes/cni-plugin.ts ${this.rkt.path}/calls\n`;
    await mkdir("/opt/cni/bin", { recursive: true });
    await writeFile("/opt/cni/bin/recorder", script, { mode: 0o755 });
  }

  async calls(): Promise<readonly PluginCallRecord[]> {
    const text = await Bun.file(`${this.rkt.path}/calls`).text();
    return text.split("\n").flatMap((line) => (line === "" ? [] : (JSON.parse(line) as PluginCallRecord)));
  }

  async prepare({ script = webServer, ports = [], ...app }: PodOptions): Promise<string> {
    const name = (index: number) => `port-${index}`;
    return this.rkt.prepareManifest({
      apps: [
        {
          name: "web",
          image: { id: await this.rkt.fetch("busybox.aci") },
          annotations: app.annotations ?? null,
          app: {
            exec: ["/bin/sh", "-c", script],
            user: "0",
            group: "0",
            environment: app.environment ?? null,
            ports: ports.map(({ port }, index) => ({ name: name(index), protocol: "TCP", port })),
          },
        },
      ],
      ports: ports.map(({ hostPort, hostIP }, index) => ({
        name: name(index),
        hostPort,
        ...(hostIP === undefined ? {} : { hostIP }),
      })),
    });
  }

  /** Starts the pod's unit, which may not have got far by then. */
  async launch(uuid: string, flags: readonly string[] = []): Promise<string> {
    const unit = `gantry-${uuid}.service`;
    const global = [...this.rkt.options, `--local-config=${this.rkt.path}/local`];
    const command = [...argv, ...global, "run-prepared", ...flags, uuid].join(" ");
    this.#units.push(unit);
    await writeFile(
      `/run/systemd/system/${unit}`,
      `[Service]\nKillMode=mixed\nTimeoutStopSec=10\nExecStart=${command}\n`,
    );
    await Bun.$`systemctl start ${unit}`.quiet();
    return unit;
  }

  /** Resolves once its app runs. */
  async start(options: PodOptions = {}): Promise<Pod> {
    const uuid = await this.prepare(options);
    const unit = await this.launch(uuid, options.flags);
    const pod = new Pod(this, uuid, unit);
    await waitUntil(`pod ${uuid} to start its app`, async () => {
      if ((await unitState(unit)) === "failed") throw new Error(await journal(unit));
      return (await pod.enter("true")).exitCode === 0;
    });
    return pod;
  }

  /** What it said when it could not start. */
  async failure(options: PodOptions): Promise<string> {
    const uuid = await this.prepare(options);
    const unit = await this.launch(uuid, options.flags);
    await waitUntil(`pod ${uuid} to fail`, async () => (await unitState(unit)) === "failed");
    return unitLog(unit);
  }

  collectGarbage(): Promise<Answer> {
    return this.rkt.rkt("gc", "--grace-period=0s");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm("/opt/cni/bin/recorder", { force: true });
    for (const unit of this.#units) {
      await Bun.$`systemctl stop ${unit}`.quiet().nothrow();
      await rm(`/run/systemd/system/${unit}`);
      await Bun.$`systemctl reset-failed ${unit}`.quiet().nothrow();
    }
    await this.rkt[Symbol.asyncDispose]();
  }
}

export class Pod {
  readonly #world: NetworkWorld;
  readonly uuid: string;
  readonly unit: string;

  constructor(world: NetworkWorld, uuid: string, unit: string) {
    this.#world = world;
    this.uuid = uuid;
    this.unit = unit;
  }

  enter(...command: readonly string[]): Promise<Answer> {
    return this.#world.rkt.rkt("enter", this.uuid, ...command);
  }

  /** What a shell in it prints. */
  async shell(script: string): Promise<string> {
    return (await this.enter("/bin/sh", "-c", script)).stdout;
  }

  async status(): Promise<{ readonly state: string; readonly networks?: readonly Record<string, string>[] }> {
    return JSON.parse((await this.#world.rkt.rkt("status", "--format=json", this.uuid)).stdout);
  }

  async ip(): Promise<string> {
    return (await this.status()).networks?.[0]?.ip ?? "";
  }

  async stop(): Promise<void> {
    await Bun.$`systemctl stop ${this.unit}`.quiet();
  }

  /** As the kernel does when memory is short: nothing of the pod unit is asked. */
  async kill(): Promise<void> {
    await Bun.$`systemctl kill --kill-whom=all -s KILL ${this.unit}`.quiet();
    await waitUntil(`${this.unit} to end`, async () => (await unitState(this.unit)) === "failed");
    await waitUntil(
      "its app to end",
      async () => (await unitState(`gantry-${this.uuid}-web.service`)) !== "active",
    );
  }
}

async function unitState(unit: string): Promise<string> {
  return (await Bun.$`systemctl show -P ActiveState ${unit}`.quiet().text()).trim();
}

function journal(unit: string): Promise<string> {
  return Bun.$`journalctl -o cat -u ${unit} --no-pager`.quiet().text();
}

async function unitLog(unit: string): Promise<string> {
  return waitUntil(`what ${unit} said`, async () => {
    return (await journal(unit)).split("\n").findLast((line) => line.startsWith("run-prepared: "));
  });
}

/** All of networks that is on the machine, but for what portmap makes once for all. */
export async function networkState(): Promise<readonly string[]> {
  const files = async (directory: string) =>
    (await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isFile() && !/^(lock|last_reserved_ip\.\d+)$/.test(entry.name))
      .map((entry) => `${entry.parentPath}/${entry.name}`);
  const ofPortmap = /^:CNI-HOSTPORT-|-j CNI-HOSTPORT-(DNAT|MASQ)$|^-A CNI-HOSTPORT-(MASQ|SETMARK) /;
  const rules = (await Bun.$`iptables-save; ip6tables-save`.quiet().text())
    .split("\n")
    .filter((line) => /^(-A|:CNI)/.test(line) && !ofPortmap.test(line));
  const found = await Promise.all([files("/run/gantry-network"), files("/var/lib/cni"), files("/run/netns")]);
  return [
    ...(await readdir("/sys/class/net")).map((name) => `link ${name}`),
    ...rules,
    ...found.flat(),
  ].sort();
}
