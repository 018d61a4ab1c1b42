import { expect, test } from "bun:test";
import {
  parseDefaultInterface,
  parseInterfaces,
  parseMachineCpuNs,
  parseMachineMemory,
  parsePageFaults,
  parseTaskCount,
} from "../../src/node/proc-files.ts";

test("meminfo", () => {
  const text =
    "MemTotal:        2048 kB\nMemFree:          512 kB\nMemAvailable:    1024 kB\nAnonPages:         64 kB\n";
  expect(parseMachineMemory(text)).toEqual({
    totalBytes: 2048 * 1024,
    freeBytes: 512 * 1024,
    availableBytes: 1024 * 1024,
    rssBytes: 64 * 1024,
  });
  expect(parseMachineMemory("MemTotal: 2048 kB\n")).toBeUndefined(); // Linux before 3.14
});

test("a machine's CPU time is all but idling, waiting and what another machine took", () => {
  expect(parseMachineCpuNs("cpu  10 20 30 4000 500 6 7 8 9 10\ncpu0 1 2 3 4\n")).toBe(73 * 10_000_000);
  expect(parseMachineCpuNs("")).toBeUndefined();
});

test("page faults and tasks", () => {
  expect(parsePageFaults("nr_free 1\npgfault 20\npgmajfault 3\n")).toEqual({ all: 20, major: 3 });
  expect(parseTaskCount("0.36 0.41 0.49 1/96 28156\n")).toBe(96);
});

test("network interfaces, but not loopback and the host's ends of cables", () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 28939159475  974602    0    0    0     0          0         0 28939159475  974602    0    0    0     0       0          0
veth1234: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
  eth0: 194598844    4513    3    0    0     0          0         0   318668    2409    4    0    0     0       0          0
`;
  expect(parseInterfaces(text)).toEqual([
    { name: "eth0", rxBytes: 194598844, rxErrors: 3, txBytes: 318668, txErrors: 4 },
  ]);
});

test("the interface of the default route", () => {
  const route = "Iface\tDestination\tGateway\nens3\t000200C0\t00000000\nens4\t00000000\t010200C0\n";
  expect(parseDefaultInterface(route)).toBe("ens4");
  expect(parseDefaultInterface("Iface\tDestination\n")).toBeUndefined();
});
