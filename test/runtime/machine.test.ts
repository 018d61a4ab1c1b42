import { expect, test } from "bun:test";
import { parseResolver } from "../../src/runtime/machine.ts";

test("a resolv.conf", () => {
  const text = `# made by hand
domain old.example
search example.org  lan
; nameserver 9.9.9.9
nameserver 10.0.0.1
\tnameserver fe80::1%eth0
options timeout:1 rotate
options edns0
`;
  expect(parseResolver(text)).toEqual({
    nameservers: ["10.0.0.1", "fe80::1%eth0"],
    searches: ["example.org", "lan"],
    options: ["timeout:1", "rotate", "edns0"],
  });
});

test("an empty one", () => {
  expect(parseResolver("")).toEqual({ nameservers: [], searches: [], options: [] });
});
