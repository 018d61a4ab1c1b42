import { expect, test } from "bun:test";
import type { ContainerPort } from "../../src/pod/pod.ts";
import { appPorts, portMappings } from "../../src/rkt/ports.ts";
import vectors from "./fixtures/convert-ports.json";

const port = (fields: Partial<ContainerPort>): ContainerPort => ({
  name: "",
  containerPort: 80,
  hostPort: 0,
  hostIP: "",
  protocol: "TCP",
  ...fields,
});

// The kubelet's function gets names that are prefixed already: `web-http`, or `web-TCP:80` for a port without a name.
test.each(vectors)("kubelet: case %#", (vector) => {
  const ports = vector.in.map((mapping) => {
    const [, own = ""] = /^web-(.*)$/.exec(mapping.Name) ?? [];
    return port({
      name: own.includes(":") ? "" : own,
      containerPort: mapping.ContainerPort,
      hostPort: mapping.HostPort,
      protocol: mapping.Protocol as "TCP",
    });
  });
  const mappings = portMappings({ name: "web", ports });
  expect(mappings.map(({ app }) => app)).toEqual(
    vector["app.ports"].map(({ name, protocol, port }) => ({ name, protocol, port })),
  );
  expect(mappings.map(({ host }) => host)).toEqual(vector["manifest.ports"]);
});

test("an unnamed port is named by protocol and number; of two with one name the first counts", () => {
  const ports = [
    port({ hostPort: 8080 }),
    port({ containerPort: 443, hostPort: 4343 }),
    port({ name: "foo", containerPort: 555, hostPort: 5555, protocol: "UDP" }),
    port({ name: "foo", containerPort: 888, hostPort: 8889 }),
    port({ hostPort: 8888 }),
  ];
  expect(portMappings({ name: "fooContainer", ports }).map(({ host }) => host)).toEqual([
    { name: "foocontainer-tcp-80", hostPort: 8080 },
    { name: "foocontainer-tcp-443", hostPort: 4343 },
    { name: "foocontainer-foo", hostPort: 5555 },
  ]);
});

test("different from the kubelet: the host address is kept", () => {
  const [mapping] = portMappings({
    name: "web",
    ports: [port({ containerPort: 53, hostPort: 53, hostIP: "127.0.0.1", protocol: "UDP" })],
  });
  expect(mapping).toEqual({
    app: { name: "web-udp-53", protocol: "UDP", port: 53 },
    host: { name: "web-udp-53", hostPort: 53, hostIP: "127.0.0.1" },
  });
});

test("the image's ports are replaced by name", () => {
  const image = [
    { name: "web-http", protocol: "tcp", port: 8080 },
    { name: "admin", protocol: "tcp", port: 9000 },
  ];
  const mappings = portMappings({ name: "web", ports: [port({ name: "http", hostPort: 80 })] });
  expect(appPorts(image, mappings)).toEqual([
    { name: "web-http", protocol: "TCP", port: 80 },
    { name: "admin", protocol: "tcp", port: 9000 },
  ]);
});
