// What plugins answer, in the forms of all versions.

import { describe, expect, test } from "bun:test";
import { addressesOf, dnsOf, netmask } from "../../../src/engine/network/cni-result.ts";

describe("the addresses of a pod are", () => {
  const interfaces = [{ name: "br0" }, { name: "veth0" }, { name: "eth0", sandbox: "/run/netns/pod" }];

  test.each([
    ["none", {}, []],
    ["those without an interface", { ips: [{ address: "10.1.0.2/16" }] }, [{ ip: "10.1.0.2", prefix: 16 }]],
    [
      "those of its own interfaces",
      {
        interfaces,
        ips: [
          { address: "10.1.0.1/16", interface: 0 },
          { address: "10.1.0.2/16", interface: 2 },
        ],
      },
      [{ ip: "10.1.0.2", prefix: 16 }],
    ],
    [
      "IPv4 before IPv6",
      { ips: [{ address: "fd00::2/64" }, { address: "10.1.0.2/24" }] },
      [
        { ip: "10.1.0.2", prefix: 24 },
        { ip: "fd00::2", prefix: 64 },
      ],
    ],
    ["those of the old form", { ip4: { ip: "10.1.0.2/24" } }, [{ ip: "10.1.0.2", prefix: 24 }]],
    ["nothing that is none", { ips: [{ address: 5 }, "x"] }, []],
  ])("%s", (_name, result, expected) => {
    expect(addressesOf(result)).toEqual(expected);
  });
});

test.each([
  [{ ip: "10.1.0.2", prefix: 24 }, "255.255.255.0"],
  [{ ip: "10.1.0.2", prefix: 20 }, "255.255.240.0"],
  [{ ip: "10.1.0.2", prefix: 32 }, "255.255.255.255"],
  [{ ip: "10.1.0.2", prefix: 0 }, "0.0.0.0"],
  [{ ip: "fd00::2", prefix: 64 }, ""],
])("%j has the mask %s", (address, mask) => {
  expect(netmask(address)).toBe(mask);
});

test("a resolver counts where it names a server", () => {
  expect(dnsOf({})).toBeUndefined();
  expect(dnsOf({ dns: { search: ["example.com"] } })).toBeUndefined();
  expect(dnsOf({ dns: { nameservers: ["10.0.0.53"], domain: "", options: ["ndots:5"] } })).toEqual({
    nameservers: ["10.0.0.53"],
    domain: undefined,
    search: [],
    options: ["ndots:5"],
  });
});
