// /etc/resolv.conf and /etc/hosts of a pod, where the caller asks for them.

import { readFileSync, writeFileSync } from "node:fs";
import type { ParsedFlags } from "./command-line.ts";
import { EngineError } from "./engine-error.ts";
import type { BindMount } from "./mounts.ts";
import type { Pod } from "./pod.ts";

/** Written into the pod's directory; the mounts that put them in place. */
export function writeResolverFiles(pod: Pod, flags: ParsedFlags): readonly BindMount[] {
  const files: [name: string, text: string | undefined][] = [
    ["resolv.conf", resolvConf(flags)],
    ["hosts", hosts(flags)],
  ];
  return files.flatMap(([name, text]) => {
    if (text === undefined) return [];
    const source = `${pod.path}/${name}`;
    writeFileSync(source, text);
    return [{ source, path: `/etc/${name}`, readOnly: false, recursive: false }];
  });
}

function resolvConf(flags: ParsedFlags): string | undefined {
  const servers = flags.list("dns");
  if (servers.includes("none")) return undefined;
  if (servers.includes("host")) return readFileSync("/etc/resolv.conf", "utf8");
  const domain = flags.text("dns-domain");
  const [search, options] = [flags.list("dns-search"), flags.list("dns-opt")];
  const lines = [
    ...(domain === undefined ? [] : [`domain ${domain}`]),
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
  ];
  return lines.length === 0 ? undefined : `${lines.join("\n")}\n`;
}

/** `--hosts-entry=ADDRESS=NAME` or `host` for the host's own file. */
function hosts(flags: ParsedFlags): string | undefined {
  const entries = flags.list("hosts-entry");
  if (entries.length === 0) return undefined;
  if (entries.includes("host")) return readFileSync("/etc/hosts", "utf8");
  const lines = entries.map((entry) => {
    const [address, name] = entry.split("=");
    if (!address || !name)
      throw new EngineError(`invalid --hosts-entry ${JSON.stringify(entry)}, ADDRESS=NAME is needed`);
    return `${address} ${name}`;
  });
  return `127.0.0.1 localhost\n::1 localhost\n${lines.join("\n")}\n`;
}
