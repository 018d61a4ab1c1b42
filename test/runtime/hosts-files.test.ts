// /etc/hosts and /etc/resolv.conf of pods, as the kubelet writes them.

import { expect, test } from "bun:test";
import { hostsText, resolverText } from "../../src/runtime/hosts-files.ts";

const hostAliases = [
  { ip: "192.0.2.7", hostnames: ["db", "db.local"] },
  { ip: "2001:db8::7", hostnames: ["six"] },
];
const aliasLines = "\n# Entries added by HostAliases.\n192.0.2.7\tdb\tdb.local\n2001:db8::7\tsix\n";

test("on the host's network a pod has the host's own", () => {
  expect(hostsText({ hostNetwork: true, hostAliases: [] }, "127.0.0.1 localhost\n")).toBe(
    "127.0.0.1 localhost\n",
  );
});

test("and its aliases after it", () => {
  expect(hostsText({ hostNetwork: true, hostAliases }, "127.0.0.1 localhost")).toBe(
    `# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n${aliasLines}`,
  );
});

test("in a network of its own only a pod with aliases has one of ours", () => {
  expect(hostsText({ hostNetwork: false, hostAliases: [] }, "127.0.0.1 secret-host\n")).toBeUndefined();
  expect(hostsText({ hostNetwork: false, hostAliases }, "127.0.0.1 secret-host\n")).toBe(
    [
      "# Kubernetes-managed hosts file.",
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::0\tip6-localnet",
      "fe00::0\tip6-mcastprefix",
      "fe00::1\tip6-allnodes",
      "fe00::2\tip6-allrouters",
      aliasLines,
    ].join("\n"),
  );
});

const host = {
  text: "# mine\nnameserver 192.0.2.1\nsearch example.com\noptions ndots:2\n",
  resolver: { nameservers: ["192.0.2.1"], searches: ["example.com"], options: ["ndots:2"] },
};
const plain = { policy: "Default", nameservers: [], searches: [], options: [] } as const;

test.each([
  ["as it is, where the pod says nothing", plain, host.text],
  [
    "continued by what the pod says; of one option the pod's word counts",
    { ...plain, nameservers: ["192.0.2.2", "192.0.2.1"], searches: ["corp"], options: ["edns0", "ndots:4"] },
    "search example.com corp\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:4 edns0\n",
  ],
  [
    "replaced by what the pod says",
    { ...plain, policy: "None", nameservers: ["192.0.2.3"] } as const,
    "nameserver 192.0.2.3\n",
  ],
])("the host's resolv.conf: %s", (_name, dns, text) => {
  expect(resolverText({ hostNetwork: true, dns }, host)).toBe(text);
});

test("no option is added to what the host and the pod say", () => {
  const bare = { text: "", resolver: { nameservers: ["192.0.2.1"], searches: [], options: [] } };
  expect(resolverText({ hostNetwork: true, dns: { ...plain, searches: ["corp"] } }, bare)).toBe(
    "search corp\nnameserver 192.0.2.1\n",
  );
});

test("in a network of its own a pod gets it from rkt", () => {
  expect(resolverText({ hostNetwork: false, dns: plain }, host)).toBeUndefined();
});
