// rkt printed what it never prints. Pure: parsers throw it, the client says at which call (RktError).

export class RktOutputError extends Error {
  override readonly name = "RktOutputError";
  readonly output: string;
  constructor(what: string, output: string) {
    super(`unexpected output, ${what}: ${JSON.stringify(output.slice(0, 200))}`);
    this.output = output;
  }
}
