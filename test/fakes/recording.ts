// One answer of a real rkt 1.30.0, as recorded in recordings/GROUP/NNN-NAME.txt: what was run, stdout, stderr, exit code.

import { readdirSync, readFileSync } from "node:fs";

export interface Recording {
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const directory = `${import.meta.dir}/recordings`;

/** `10-fly/105`, or with more of the file's name. */
export function recording(name: string): Recording {
  const [group = "", start = ""] = name.split("/");
  const file = readdirSync(`${directory}/${group}`).find((candidate) => candidate.startsWith(start));
  if (file === undefined) throw new Error(`no recording ${name}`);
  const text = readFileSync(`${directory}/${group}/${file}`, "latin1");
  const [head = "", stdout = "", stderr = "", exitCode = ""] = text.split(
    /^===== (?:stdout|stderr|exit code) =====\n/m,
  );
  return {
    command: /^\$ (.*)$/m.exec(head)?.[1] ?? "",
    stdout: withoutNote(stdout),
    stderr: withoutNote(stderr),
    exitCode: Number(exitCode),
  };
}

/** Output whose last line has no end is followed by a note that says so. */
function withoutNote(output: string): string {
  return output.replace(/\n\[no newline at end of \w+\]\n$/, "");
}
