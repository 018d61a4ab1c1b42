import { expect, test } from "bun:test";
import { cgroupDirectories, cgroupPaths } from "../../src/host/cgroups.ts";

const mountInfo = `30 23 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,xattr,name=systemd
36 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup rw,cpu,cpuacct
37 30 0:32 /docker/1 /sys/fs/cgroup/memory rw,nosuid shared:16 - cgroup cgroup rw,memory`;

test("each hierarchy has its directory", () => {
  const cgroup =
    "5:pids:/a\n4:memory:/docker/1/a\n3:cpu,cpuacct:/a.slice/b:c.service\n1:name=systemd:/a\n0::/a\n";
  expect(cgroupDirectories(cgroup, mountInfo)).toEqual([
    "/sys/fs/cgroup/memory/a",
    "/sys/fs/cgroup/cpu,cpuacct/a.slice/b:c.service",
    "/sys/fs/cgroup/systemd/a",
    "/sys/fs/cgroup/unified/a",
  ]);
});

test("a unified hierarchy has one", () => {
  const unified = "29 22 0:25 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate";
  expect(cgroupDirectories("0::/x.service\n", unified)).toEqual(["/sys/fs/cgroup/x.service"]);
});

test("a process's cgroups go by their first controller, and names may have colons", () => {
  expect([...cgroupPaths("3:cpu,cpuacct:/a:b\n1:name=systemd:/a\n0::/u\n")]).toEqual([
    ["cpu", "/a:b"],
    ["name=systemd", "/a"],
    ["", "/u"],
  ]);
});
