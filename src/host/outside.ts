// Programs for which the agent's own unit has too few rights, when it is hardened: they are run by systemd beside it.
// Invariant: what is run so ends with whoever started it, is seen by no one but by what it does, and has no exit code but its own.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";

const CAP_SYS_ADMIN = 21n;

/** Whether this process, though root's, may neither mount nor enter namespaces: both take CAP_SYS_ADMIN. */
export function isConfined(): boolean {
  const [, effective = "0"] =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return (BigInt(`0x${effective}`) & (1n << CAP_SYS_ADMIN)) === 0n;
}

export interface OutsideOptions {
  /** Standard input is a terminal. */
  readonly isTerminal?: boolean;
}

/**
 * Makes a command that runs `argv` as a unit of its own, with root's rights and in the machine's own namespaces, our environment, standard streams
 * and exit code. Where systemd has not run it to its end, that is 254, and the last line on standard error begins with `outside: `. SIGTERM
 * ends both.
 */
export type Outside = (
  argv: readonly string[],
  options?: OutsideOptions,
) => [program: string, ...args: string[]];

/** `directory` is for nothing else; what one that was killed has left in it is removed. */
export async function openOutside(directory: string): Promise<Outside> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { mode: 0o700 });
  return (argv, options) => outsideArgv(directory, argv, options);
}

function outsideArgv(
  directory: string,
  argv: readonly string[],
  { isTerminal = false }: OutsideOptions = {},
): ReturnType<Outside> {
  const file = `${directory}/for-gantry-${randomUUID()}.service`; // no pod's name: the agent looks at the machine when units of pods change
  const properties = [
    "LogLevelMax=err", // else systemd logs the beginning and the end of each
    "IgnoreSIGPIPE=no",
    // What entered a pod is in the unit's control group no more, and may be another user's, whom a confined root cannot kill. Debian's sh takes no `--`.
    "ExecStop=-/bin/sh -c 'kill -KILL -$MAINPID'",
    "KillSignal=SIGKILL",
    ...ownUnit().flatMap((unit) => [`BindsTo=${unit}`, `After=${unit}`]),
  ];
  return [
    "/bin/sh",
    "-c",
    `unset ${Object.keys(process.env)
      .filter((name) => managersOwn.test(name))
      .join(" ")}\n${isTerminal ? terminalScript : script}`,
    file,
    "--quiet",
    "--collect",
    "--wait",
    ...(isTerminal ? terminalOptions : ["--pipe"]),
    ...properties.map((property) => `--property=${property}`),
    "--",
    // systemd puts in variables, also those of a unit that is not in a file.
    ...["/bin/sh", "-c", unitScript, file, ...argv].map((word) => word.replaceAll("$", "$$$$")),
  ];
}

/**
 * In the file, `$0`, is at first the environment, since everybody may read a unit's properties and a proxy's password is in them; then how
 * the command ended. Without the file nobody waits for it any more. A shell's variable could be one of the environment's, so none is set before.
 */
const unitScript = `. "$0"
: >"$0"
trap : INT QUIT
"$@"
echo "ended $?" >"$0"
exit 1 # after a success systemd would run what is to stop it
`;

/**
 * systemd-run's exit code tells nothing: it is 0 or 1 too when the bus goes away, and the unit is left alone then, as it is when
 * systemd-run is ended.
 */
const script = `end() {
  trap '' TERM INT HUP
  rm -f "$0"
  systemctl stop "\${0##*/}"
  exit "$1"
} 2>/dev/null
trap 'end 143' TERM INT HUP
umask 077
{ export -p; } >"$0" || { echo 'outside: its environment cannot be written' >&2; end 254; }
exec 3<&0
systemd-run --unit="\${0##*/}" "$@" <&3 3<&- &
exec 3<&- </dev/null
wait $!
word=''
read -r word code <"$0"
[ "$word" = ended ] || { echo 'outside: systemd has not run it to its end' >&2; end 254; }
rm -f "$0"
exit "$code"
`;

/** Our terminal becomes the unit's. Not --pty, which is another between: systemd 252 loses what a short program writes to it. */
const terminalOptions = ["Input=tty-force", "Output=tty", "Error=tty"].map(
  (stream) => `--property=Standard${stream}`,
);
const terminalScript = script.replace("systemd-run", () => 'systemd-run --property=TTYPath="$(tty <&3)"');

/** What systemd sets for each unit anew. */
const managersOwn =
  /^(INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|WATCHDOG_(PID|USEC)|LISTEN_\w+|MAINPID|MANAGERPID|SYSTEMD_\w+|\w+_DIRECTORY)$/;

/** None where we are not the service of one. */
function ownUnit(): readonly string[] {
  const [, unit] = /\/([^/\n]+\.service)$/m.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [];
  return unit === undefined ? [] : [unit];
}
