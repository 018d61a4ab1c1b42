// The commands that look at pods through the agent, with kubectl's words and flags.

import { type Command, Option } from "commander";
import { defaultServer } from "./agent-client.ts";

/** Is told the exit code. */
export type Done = (exitCode: number) => void;

export function addClientCommands(program: Command, done: Done): void {
  clientCommand(program, "get")
    .description("list pods, images, events, manifests or nodes")
    .argument("<what...>", "a type and names, or TYPE/NAME")
    .addOption(namespace())
    .option("-A, --all-namespaces", "of all namespaces")
    .addOption(
      new Option("-o, --output <format>", "how to print it").choices(["wide", "json", "yaml", "name"]),
    )
    .option("-w, --watch", "go on with what changes, until interrupted")
    .option("-l, --selector <labels>", "only those with these labels: a=b,c!=d,e in (f,g),h,!i")
    .option("--field-selector <fields>", "only those with these values: status.phase=Running")
    .option("--show-labels", "with a column of labels")
    .option("--no-headers", "without the line of titles")
    .action(async (what: string[], options) => {
      const { runGet } = await import("./get.ts");
      done(await runGet(what, options));
    });
}

function clientCommand(program: Command, name: string): Command {
  return program
    .command(name)
    .addOption(
      new Option(
        "-s, --server <address>",
        "where the agent is: unix:///PATH, http://HOST:PORT, https://HOST:PORT",
      )
        .env("GANTRY_SERVER")
        .default(defaultServer),
    )
    .addOption(new Option("--token-file <file>", "file with a bearer token").env("GANTRY_TOKEN_FILE"))
    .addOption(
      new Option("--client-certificate <file>", "certificate to show to the agent").env(
        "GANTRY_CLIENT_CERTIFICATE",
      ),
    )
    .addOption(new Option("--client-key <file>", "its key").env("GANTRY_CLIENT_KEY"))
    .addOption(
      new Option("--certificate-authority <file>", "who must have signed the agent's certificate").env(
        "GANTRY_CERTIFICATE_AUTHORITY",
      ),
    );
}

function namespace(): Option {
  return new Option("-n, --namespace <name>", "of this namespace").default("default");
}
