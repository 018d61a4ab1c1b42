// How an app does, kept in a file of its own that systemd's hooks write and `status` reads.
// Invariant: each is one line of a fixed length that is there before the app starts and is only ever overwritten in place,
// so that a pod ends as it should on a full disk too.

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { hasErrorCode } from "../host/error.ts";

const lineLength = 64;

export type AppStatus =
  | { readonly kind: "waiting" }
  /** It was asked to stop: whatever its exit code will be, rkt records 0. */
  | { readonly kind: "stopping" }
  /** It was killed on purpose: rkt records no exit code. */
  | { readonly kind: "forced" }
  /** By itself or not; the number of the signal if one killed it. */
  | { readonly kind: "exited"; readonly exitCode: number };

export function writeAppStatus(file: string, kind: "waiting" | "forced"): void {
  const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT, 0o644);
  try {
    writeSync(fd, `${kind.padEnd(lineLength - 1)}\n`);
  } finally {
    closeSync(fd);
  }
}

/** Undefined where the app was never to be started. */
export function readAppStatus(file: string): AppStatus | undefined {
  try {
    const [kind, code] = readFileSync(file, "utf8").trim().split(" ");
    if (kind === "waiting" || kind === "stopping" || kind === "forced") return { kind };
    return kind === "exited" ? { kind, exitCode: Number(code) } : undefined;
  } catch (error) {
    if (hasErrorCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

const overwrite = `printf '%-${lineLength - 1}s\\n'`;

/** ExecStop=: `sh -c SCRIPT sh STATUS_FILE`. systemd runs it too when the main process has ended by itself, then without $MAINPID. */
export const stopScript = `[ -z "$MAINPID" ] || ${overwrite} stopping 1<>"$1"`;

const signals =
  "HUP 1 INT 2 QUIT 3 ILL 4 TRAP 5 ABRT 6 BUS 7 FPE 8 KILL 9 USR1 10 SEGV 11 USR2 12 PIPE 13 ALRM 14 TERM 15 XCPU 24 XFSZ 25 SYS 31";

const signalCases = [...signals.matchAll(/(\w+) (\d+)/g)]
  .map(([, name, number]) => `${name}) code=${number} ;;`)
  .join(" ");

/**
 * ExecStopPost=: `sh -c SCRIPT sh STATUS_DIRECTORY APP LOCK`. Records the exit code, and ends the pod, whose main process reads the lock,
 * with the code of an app that failed, or with 0 when this was the last one.
 */
export const stopPostScript = [
  'read -r state rest <"$1/$2"',
  `case $EXIT_CODE in exited) code=$EXIT_STATUS ;; *) case $EXIT_STATUS in ${signalCases} *) code=255 ;; esac ;; esac`,
  `case $state in forced) ;; stopping) code=0 ;; esac`,
  `[ "$state" = forced ] || ${overwrite} "exited $code $SERVICE_RESULT" 1<>"$1/$2"`,
  '[ "$code" = 0 ] || { echo "$code" 1<>"$3"; exit 0; }',
  'for app in "$1"/*; do read -r state rest <"$app"; case $state in waiting|stopping) exit 0 ;; esac; done',
  'echo 0 1<>"$3"',
].join("\n");

/**
 * The pod's main process: `sh -c SCRIPT sh APP_UNIT…`, its standard input the lock. Ends with the code of the first app that failed, once
 * nothing of the pod runs any more. `systemctl start --wait` would do as well until the D-Bus daemon is restarted: it ends then, and with
 * it every pod. `atEnd` is a command for then.
 */
export function mainScript(atEnd = ":"): string {
  return [
    `end() { systemctl stop "$@"; ${atEnd}; }`,
    `trap 'end "$@"; exit 0' TERM INT`,
    "read -r code",
    "trap : TERM INT",
    'end "$@"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    'exit "${code:-0}"',
  ].join("\n");
}
