// Programs for which the agent's own unit has too few rights, when it is hardened: they are run by systemd beside it.
// Invariant: what is run so ends with whoever started it, and is seen by no one but by what it does.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

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
 * A command that runs `argv` as a unit of its own, with root's rights and in the machine's own namespaces, our environment, standard streams
 * and exit code, which is 254 where systemd refuses to. SIGTERM ends both.
 */
export function outsideArgv(
  argv: readonly string[],
  { isTerminal = false }: OutsideOptions = {},
): [program: string, ...args: string[]] {
  const properties = [
    "LogLevelMax=err", // else systemd logs the beginning and the end of each
    "IgnoreSIGPIPE=no",
    // What entered a pod is in the unit's control group no more; by then it is not its main process either.
    "ExecStop=-/bin/sh -c 'kill -KILL -$MAINPID'",
    ...ownUnit().flatMap((unit) => [`BindsTo=${unit}`, `After=${unit}`]),
  ];
  return [
    "/bin/sh",
    "-c",
    isTerminal ? terminalScript : script,
    "sh",
    `for-gantry-${randomUUID()}.service`, // a name that is no pod's: the agent looks at the machine when units of pods change
    "--quiet",
    "--collect",
    "--wait",
    ...(isTerminal ? terminalOptions : ["--pipe"]),
    ...properties.map((property) => `--property=${property}`),
    ...Object.entries(process.env)
      .filter(([name, value = ""]) => !managersOwn.test(name) && isAssignment.test(`${name}=${value}`))
      .map(([name]) => `--setenv=${name}`),
    "--",
    // systemd puts in variables, also those of a unit that is not in a file.
    ...["/bin/sh", "-c", unitScript, "sh", ...argv].map((word) => word.replaceAll("$", "$$$$")),
  ];
}

/**
 * systemd calls it a success where SIGTERM has ended something, and systemd-run exits with 1 of its own accord too. So a bit of the exit
 * code is turned, and back in what follows: then 0 is a unit that was stopped, and 1 one that was not run, or, once in a while, 129.
 */
const unitScript = 'trap : INT QUIT; "$@"; exit $(($? ^ 128))';

/**
 * systemd-run itself leaves the unit alone when it is ended. What entered a pod is not in the unit's control group any
 * more, but in the process group (before which Debian's sh takes no `--`).
 */
const script = `unit=$1; shift
end() {
  trap '' TERM INT HUP
  pid=$(systemctl show --property=MainPID --value "$unit")
  [ "\${pid:-0}" -gt 0 ] && kill -KILL "-$pid"
  systemctl kill --signal=KILL "$unit"
  exit 143
} 2>/dev/null
trap end TERM INT HUP
exec 3<&0
systemd-run --unit="$unit" "$@" <&3 3<&- &
exec 3<&- </dev/null
wait $!
code=$?
[ $code -ne 1 ] || { echo 'outside: systemd has not run it' >&2; exit 254; }
exit $((code ^ 128))
`;

/** Our terminal becomes the unit's. Not --pty, which is another between: systemd 252 loses what a short program writes to it. */
const terminalOptions = [
  ...["Input=tty-force", "Output=tty", "Error=tty"].map((stream) => `--property=Standard${stream}`),
  "--setenv=TERM",
];
const terminalScript = script.replace(
  'systemd-run --unit="$unit"',
  () => 'systemd-run --unit="$unit" --property=TTYPath="$(tty <&3)"',
);

/** What systemd takes for a variable; it refuses all for one that it does not. */
const isAssignment = /^[A-Za-z_][A-Za-z0-9_]*=[^\x00-\x1f\x7f]*$/;

/** What systemd sets for each unit anew. */
const managersOwn =
  /^(INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|WATCHDOG_(PID|USEC)|LISTEN_\w+|MAINPID|MANAGERPID|SYSTEMD_\w+|\w+_DIRECTORY)$/;

/** None where we are not the service of one. */
function ownUnit(): readonly string[] {
  const [, unit] = /\/([^/\n]+\.service)$/m.exec(readFileSync("/proc/self/cgroup", "utf8")) ?? [];
  return unit === undefined ? [] : [unit];
}
