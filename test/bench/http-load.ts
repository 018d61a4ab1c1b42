// How often a path can be had over 16 connections, and how long one answer takes.

import { connect } from "node:net";

export interface Load {
  readonly perSecond: number;
  readonly p99Ms: number;
}

const connections = 16;
const seconds = 4;

export async function loadOf(port: number, path: string): Promise<Load> {
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1000;
  const all = await Promise.all(Array.from({ length: connections }, () => client({ port, path, untilMs })));
  const times = all.flat().sort((a, b) => a - b);
  return {
    perSecond: times.length / ((performance.now() - startedMs) / 1000),
    p99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
  };
}

/** Asks again as soon as it has been answered; resolves with how long each answer took. */
function client({ port, path, untilMs }: { port: number; path: string; untilMs: number }): Promise<number[]> {
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const times: number[] = [];
  const socket = connect({ host: "127.0.0.1", port });
  let answer = { askedMs: 0, head: "", bytes: 0, length: Number.POSITIVE_INFINITY };
  const ask = () => {
    answer = { askedMs: performance.now(), head: "", bytes: 0, length: Number.POSITIVE_INFINITY };
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  };
  socket.on("error", reject);
  socket.on("connect", ask);
  socket.on("data", (chunk) => {
    answer.bytes += chunk.length;
    if (answer.length === Number.POSITIVE_INFINITY) {
      answer.head += chunk.toString("latin1");
      const end = answer.head.indexOf("\r\n\r\n");
      const [, length] = /content-length: (\d+)/i.exec(answer.head) ?? [];
      if (end !== -1) answer.length = end + 4 + Number(length);
    }
    if (answer.bytes < answer.length) return;
    times.push(performance.now() - answer.askedMs);
    if (performance.now() < untilMs) return ask();
    socket.destroy();
    resolve(times);
  });
  return promise;
}
