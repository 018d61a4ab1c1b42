// A thing that the user must fix, with its place.

/** The closed set of what can be wrong with a manifest. */
export type ProblemCode =
  | "Unreadable" // the file could not be read
  | "TooLarge"
  | "Syntax" // not YAML or JSON
  | "NotAPod" // another kind or version
  | "UnknownField"
  | "NotSupported" // a field or value of Kubernetes that gantry does not act on
  | "Required"
  | "Invalid"
  | "Duplicate" // within one file
  | "Conflict"; // with another file

export interface Problem {
  readonly code: ProblemCode;
  /** Absolute path of the manifest file. */
  readonly file: string;
  /** 1-based; 0 where the problem is the whole file's. */
  readonly line: number;
  readonly column: number;
  /** Kubernetes' way of naming a place: `spec.containers[0].image`; empty where there is none. */
  readonly field: string;
  /** One line, without the place: `Required value`. */
  readonly message: string;
  /** What to do; empty where the message says it. */
  readonly hint: string;
}

/** `FILE:LINE:COLUMN: FIELD: MESSAGE (HINT)`, as compilers print it. */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const field = problem.field === "" ? "" : `${problem.field}: `;
  const hint = problem.hint === "" ? "" : ` (${problem.hint})`;
  return `${place}: ${field}${problem.message}${hint}`;
}
