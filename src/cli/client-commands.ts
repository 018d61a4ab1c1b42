// The commands that look at pods through the agent, with kubectl's words and flags.

import { type Command, Option } from "commander";
import { defaultServer } from "./agent-client.ts";

/** The options that all of them have. */
export const serverOptionsGroup = "Where the agent is:";

/** Is told the exit code. */
export type Done = (exitCode: number) => void;

/** To a program that has no others yet. */
export function addClientCommands(program: Command, done: Done): void {
  addGet(program, done);
  addDescribe(program, done);
  addLogs(program, done);
  addEnter(program, done);
  addWait(program, done);
  addTop(program, done);
  program
    .command("plan")
    .description(
      "tell what would be started, replaced, kept or removed if files were put into the manifest directory",
    )
    .argument("[file...]", "all that are there unless told")
    .option("--delete", "if the files were removed from it")
    .option("--show <parts>", "also the unit file and the appc manifest: unit,appc")
    .addOption(new Option("-o, --output <format>", "how to print it").choices(["json", "yaml"]))
    .action(async (files: string[], options) => {
      const { runPlan } = await import("./plan.ts");
      done(await runPlan(files, options));
    });
  program
    .command("confirm-delete")
    .description("say that manifests which went missing all at once are to be deleted")
    .action(async (options) => {
      const { runConfirmDelete } = await import("./confirm-delete.ts");
      done(await runConfirmDelete(options));
    });
  for (const command of program.commands)
    for (const option of serverOptions()) command.addOption(option.helpGroup(serverOptionsGroup));
}

function addGet(program: Command, done: Done): void {
  const get = async (what: readonly string[], options: Parameters<typeof import("./get.ts").runGet>[1]) => {
    const { runGet } = await import("./get.ts");
    done(await runGet(what, options));
  };
  listing(program.command("get"))
    .description("list pods, images, events, manifests or nodes")
    .argument("<what...>", "a type and names, or TYPE/NAME")
    .addOption(namespace())
    .option("-A, --all-namespaces", "of all namespaces")
    .option("-w, --watch", "go on with what changes, until interrupted")
    .option("-l, --selector <labels>", "only those with these labels: a=b,c!=d,e in (f,g),h,!i")
    .option("--field-selector <fields>", "only those with these values: status.phase=Running")
    .option("--show-labels", "with a column of labels")
    .action((what: string[], options) => get(what, options));
  listing(program.command("images"))
    .description("list the images of the store")
    .argument("[name...]")
    .action((names: string[], options) => get(["images", ...names], options));
  listing(program.command("manifests"))
    .description("list the manifest files, and what became of each")
    .argument("[file...]")
    .action((names: string[], options) => get(["manifests", ...names], options));
  listing(program.command("events"))
    .description("list what happened")
    .addOption(namespace())
    .option("-A, --all-namespaces", "of all namespaces")
    .option("-w, --watch", "go on with what happens, until interrupted")
    .option("--for <object>", "only what happened to it: pod/NAME, node/NAME")
    .option("--types <types>", "only these: Normal, Warning")
    .action(async (options) => {
      const { runEvents } = await import("./events.ts");
      done(await runEvents(options));
    });
}

function addDescribe(program: Command, done: Done): void {
  program
    .command("describe")
    .description("tell all that there is to know of pods, with what happened to them")
    .argument("<what...>", "pod and names, or pod/NAME")
    .addOption(namespace())
    .action(async (what: string[], options) => {
      const { runDescribe } = await import("./describe.ts");
      done(await runDescribe(what, options));
    });
  program
    .command("explain")
    .description("tell why a pod is not ready: the chain of causes")
    .argument("<what...>", "pod and names, or pod/NAME")
    .addOption(namespace())
    .action(async (what: string[], options) => {
      const { runExplain } = await import("./explain.ts");
      done(await runExplain(what, options));
    });
}

function addLogs(program: Command, done: Done): void {
  program
    .command("logs")
    .description("print what the containers of a pod wrote")
    .argument("[pod]", "NAME or pod/NAME")
    .argument("[container]")
    .addOption(namespace())
    .addOption(container())
    .option("--all-containers", "all of them, init containers too")
    .option("-l, --selector <labels>", "of all pods with these labels")
    .option("-f, --follow", "go on with what they write")
    .option("-p, --previous", "of the run before this one")
    .option("--all-revisions", "of all runs that are kept, and with -f of those to come")
    .option("--tail <lines>", "only so many of the last lines; -1: all, as it is without -l, and with it 10")
    .option("--since <duration>", "only what is not older: 30s, 5m, 1h")
    .option("--since-time <time>", "only what came after it: 2026-01-31T12:00:00Z")
    .option("--timestamps", "each line with its time")
    .option("--prefix", "each line with its pod and container")
    .option("--limit-bytes <bytes>", "not more than this")
    .action(async (pod: string | undefined, container: string | undefined, options) => {
      const { runLogs } = await import("./logs.ts");
      done(await runLogs(pod, container, options));
    });
}

function addEnter(program: Command, done: Done): void {
  program
    .command("exec")
    .description("run a command in a container")
    .argument("<pod>", "NAME or pod/NAME")
    .argument("[command...]", "after --")
    .addOption(namespace())
    .addOption(container())
    .option("-i, --stdin", "pass on standard input")
    .option("-t, --tty", "with a terminal")
    .option("-q, --quiet", "print only what the command prints")
    .action(async (pod: string, command: string[], options) => {
      const { runExec } = await import("./exec.ts");
      done(await runExec(pod, command, options));
    });
  program
    .command("attach")
    .description("print what a container writes from now on, until it ends or is interrupted")
    .argument("<pod>", "NAME or pod/NAME")
    .addOption(namespace())
    .addOption(container())
    .option("-q, --quiet", "print only what the container prints")
    .action(async (pod: string, options) => {
      const { runAttach } = await import("./exec.ts");
      done(await runAttach(pod, options));
    });
  program
    .command("port-forward")
    .description("make ports of a pod reachable on this machine, until interrupted")
    .argument("<pod>", "NAME or pod/NAME")
    .argument("<ports...>", "LOCAL:REMOTE; one number for both; :REMOTE for any that is free")
    .addOption(namespace())
    .option("--address <addresses>", "where to listen, with commas between several", "localhost")
    .action(async (pod: string, ports: string[], options) => {
      const { runPortForward } = await import("./port-forward.ts");
      done(await runPortForward(pod, ports, options));
    });
}

function addWait(program: Command, done: Done): void {
  program
    .command("wait")
    .description("wait until pods are as they should be, be they there yet or not")
    .argument("[what...]", "pod and names, or pod/NAME")
    .addOption(namespace())
    .requiredOption("--for <goal>", "condition=Ready[=false], delete, or jsonpath={.status.phase}=Running")
    .option("--timeout <duration>", "fail after this: 30s, 5m", "30s")
    .option("--all", "all pods of the namespace")
    .option("-l, --selector <labels>", "all pods with these labels")
    .action(async (what: string[], options) => {
      const { runWait } = await import("./wait.ts");
      done(await runWait(what, options));
    });
}

function addTop(program: Command, done: Done): void {
  program
    .command("top")
    .description("tell what pods or the machine use right now")
    .argument("[what...]", "pods and names, or node")
    .addOption(namespace())
    .option("-A, --all-namespaces", "of all namespaces")
    .option("--containers", "each container")
    .addOption(new Option("--sort-by <what>", "most first").choices(["cpu", "memory"]))
    .option("--no-headers", "without the line of titles")
    .action(async (what: string[], options) => {
      const { runTop } = await import("./top.ts");
      done(await runTop(what, options));
    });
}

function serverOptions(): readonly Option[] {
  return [
    new Option("-s, --server <address>", "unix:///PATH, http://HOST:PORT or https://HOST:PORT")
      .env("GANTRY_SERVER")
      .default(defaultServer),
    new Option("--token-file <file>", "file with a bearer token").env("GANTRY_TOKEN_FILE"),
    new Option("--client-certificate <file>", "certificate to show to the agent").env(
      "GANTRY_CLIENT_CERTIFICATE",
    ),
    new Option("--client-key <file>", "its key").env("GANTRY_CLIENT_KEY"),
    new Option("--certificate-authority <file>", "who must have signed the agent's certificate").env(
      "GANTRY_CERTIFICATE_AUTHORITY",
    ),
  ];
}

function listing(command: Command): Command {
  return command
    .addOption(
      new Option("-o, --output <format>", "how to print it").choices(["wide", "json", "yaml", "name"]),
    )
    .option("--no-headers", "without the line of titles");
}

function namespace(): Option {
  return new Option("-n, --namespace <name>", "of this namespace").default("default");
}

function container(): Option {
  return new Option("-c, --container <name>", "this container; the pod's first unless told");
}
