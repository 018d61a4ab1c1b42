// A server that answers with whatever bytes a test wants, and remembers what it was asked.

export interface RawServer extends Disposable {
  readonly port: number;
  /** The head of each request, CRLFs as line ends. */
  readonly requests: readonly string[];
}

/** What is written once a request is there. `end` closes the connection after it, as servers do that are asked to. */
export interface RawAnswer {
  readonly text: string;
  readonly end: boolean;
}

/** The n-th request gets the n-th answer, further ones the last; none: silence. */
export function rawServer(...answers: readonly (string | RawAnswer)[]): RawServer {
  const requests: string[] = [];
  const server = Bun.listen<{ received: string }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { received: "" };
      },
      data: (socket, chunk) => {
        socket.data.received += chunk.toString("latin1");
        if (!socket.data.received.endsWith("\r\n\r\n")) return;
        const answer = answers[Math.min(requests.length, answers.length - 1)];
        requests.push(socket.data.received);
        socket.data.received = "";
        if (answer === undefined) return;
        socket.write(Buffer.from(typeof answer === "string" ? answer : answer.text, "latin1"));
        if (typeof answer === "string" || answer.end) socket.end();
      },
    },
  });
  return { port: server.port, requests, [Symbol.dispose]: () => server.stop(true) };
}
