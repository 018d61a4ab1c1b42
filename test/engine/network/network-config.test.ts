// Configurations of networks, what --net asks for, and which ports lead where.

import { describe, expect, test } from "bun:test";
import { parseNetworkConfig, pluginTypes } from "../../../src/engine/network/network-config.ts";
import { portMappings } from "../../../src/engine/network/port-mappings.ts";
import { requestedNetworks } from "../../../src/engine/network/requested-networks.ts";

describe("a configuration", () => {
  const list = { cniVersion: "1.0.0", name: "net", plugins: [{ type: "ptp" }] };

  test("of several plugins", () => {
    const plugins = [
      { type: "bridge", ipam: { type: "dhcp" } },
      { type: "tuning", ipam: {} },
    ];
    const config = parseNetworkConfig(JSON.stringify({ ...list, plugins, disableCheck: true }));
    expect(config).toEqual({ name: "net", cniVersion: "1.0.0", disableCheck: true, plugins });
    expect(pluginTypes(config)).toEqual(["bridge", "dhcp", "tuning"]);
  });

  test("of one plugin is that plugin's", () => {
    const plugin = { name: "net", type: "ptp", cniVersion: "0.3.1", mtu: 1400 };
    expect(parseNetworkConfig(JSON.stringify(plugin))).toEqual({
      name: "net",
      cniVersion: "0.3.1",
      disableCheck: false,
      plugins: [plugin],
    });
  });

  test.each([
    [{}, "0.1.0"],
    [{ cniVersion: "0.4.0" }, "0.4.0"],
    [{ cniVersion: "0.4.0", cniVersions: ["0.3.1", "1.0.0", "2.0.0"] }, "1.0.0"],
    [{ cniVersion: "2.0.0", cniVersions: ["1.1.0"] }, "1.1.0"],
  ])("%j is talked to in version %s", (versions, expected) => {
    const config = { name: "net", type: "ptp", ...versions };
    expect(parseNetworkConfig(JSON.stringify(config)).cniVersion).toBe(
      expected as ReturnType<typeof parseNetworkConfig>["cniVersion"],
    );
  });

  test.each([
    ["{", /^not JSON: /],
    ["[]", /^not a JSON object$/],
    [JSON.stringify({ ...list, name: "../net" }), /^"..\/net" is no name of a network$/],
    [JSON.stringify({ type: "ptp" }), /^undefined is no name of a network$/],
    [JSON.stringify({ ...list, cniVersion: "2.0.0" }), /^cniVersion "2.0.0" is not supported$/],
    [JSON.stringify({ ...list, plugins: [] }), /^network "net" has no plugins$/],
    [JSON.stringify({ ...list, plugins: [{}] }), /^network "net" has a plugin of type undefined$/],
    [
      JSON.stringify({ ...list, plugins: [{ type: "../sh" }] }),
      /^network "net" has a plugin of type "..\/sh"$/,
    ],
    [JSON.stringify({ ...list, plugins: ["ptp"] }), /^network "net" has a plugin of type undefined$/],
  ])("%s is refused", (text, message) => {
    expect(() => parseNetworkConfig(text)).toThrow(message);
  });
});

describe("--net", () => {
  const networks = (...all: [name: string, args: string][]) => ({
    kind: "networks",
    networks: all.map(([name, args]) => ({ name, args })),
  });

  test.each([
    [[], networks(["default", ""])],
    [["true"], networks(["default", ""])],
    [["host"], { kind: "host" }],
    [["none"], { kind: "none" }],
    [["a", "b"], networks(["a", ""], ["b", ""])],
    [["a:IP=10.1.2.3;MAC=02:00:00:00:00:01"], networks(["a", "IP=10.1.2.3;MAC=02:00:00:00:00:01"])],
  ])("%j", (values, expected) => {
    expect(requestedNetworks(values)).toEqual(expected as ReturnType<typeof requestedNetworks>);
  });

  test.each([
    [["host", "a"], "--net=host stands for itself"],
    [["a", "none"], "--net=none stands for itself"],
    [["a", "b", "a:IP=10.1.2.3"], 'network "a" is asked for twice'],
  ])("%j is refused", (values, message) => {
    expect(() => requestedNetworks(values)).toThrow(message);
  });
});

describe("host ports", () => {
  const image = { id: "sha512-00" };
  const manifest = {
    acVersion: "0.8.11",
    acKind: "PodManifest" as const,
    apps: [
      {
        name: "web",
        image,
        app: {
          user: "0",
          group: "0",
          ports: [
            { name: "http", protocol: "TCP", port: 80 },
            { name: "dns", protocol: "udp", port: 53, count: 2 },
          ],
        },
      },
      { name: "side", image },
    ],
  };

  test("lead to the app's port of the same name", () => {
    const ports = [
      { name: "http", hostPort: 8080, hostIP: "127.0.0.1" },
      { name: "dns", hostPort: 5300, hostIP: "" },
    ];
    expect(portMappings({ ...manifest, ports })).toEqual([
      { hostPort: 8080, containerPort: 80, protocol: "tcp", hostIP: "127.0.0.1" },
      { hostPort: 5300, containerPort: 53, protocol: "udp" },
      { hostPort: 5301, containerPort: 54, protocol: "udp" },
    ]);
  });

  test("none are none", () => {
    expect(portMappings(manifest)).toEqual([]);
    expect(portMappings({ ...manifest, apps: null, ports: null })).toEqual([]);
  });

  test("of a name that no app has are refused", () => {
    expect(() => portMappings({ ...manifest, ports: [{ name: "ssh", hostPort: 22 }] })).toThrow(
      `port "ssh" of the pod is none of its apps'`,
    );
  });
});
