// Collects the Problems of one file, each with its place.

import type { Problem, ProblemCode } from "../pod/problem.ts";
import { type Place, YamlSource } from "./yaml-source.ts";

/** More help nobody, and a hostile file could have a million. */
const problemsMax = 100;

export interface Finding {
  readonly code: ProblemCode;
  /** Kubernetes' way of naming a place. */
  readonly field: string;
  readonly message: string;
  readonly hint?: string;
  /** Where in the text; without it, where the field's value stands, or the nearest thing around it. */
  readonly offset?: number;
}

/** A field that is accepted and ignored. */
export interface Note extends Place {
  readonly field: string;
  readonly reason: string;
}

export class Report {
  readonly source: YamlSource;
  readonly #file: string;
  readonly #problems: Problem[] = [];
  readonly #notes: Note[] = [];
  readonly #offsets = new Map<string, number>();

  constructor(file: string, text: string) {
    this.#file = file;
    this.source = new YamlSource(text);
    for (const { code, offset, message } of this.source.problems) {
      this.add({ code, field: "", message, offset });
    }
  }

  /** In the order of the file. */
  get problems(): readonly Problem[] {
    return this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  }

  get notes(): readonly Note[] {
    return this.#notes;
  }

  /** Forgets the places of the document before. */
  startDocument(): void {
    this.#offsets.clear();
  }

  /** Remembers where the value of a field stands. */
  remember(field: string, offset: number): void {
    this.#offsets.set(field, offset);
  }

  add({ code, field, message, hint = "", offset }: Finding): void {
    if (this.#problems.length >= problemsMax) return;
    const place = offset === undefined ? this.placeOf(field) : this.source.place(offset);
    this.#problems.push({ code, file: this.#file, ...place, field, message, hint });
  }

  note({ field, offset, reason }: { field: string; offset: number; reason: string }): void {
    if (this.#notes.length < problemsMax) this.#notes.push({ field, reason, ...this.source.place(offset) });
  }

  placeOf(field: string): Place {
    for (let at = field; at !== ""; at = at.slice(0, Math.max(0, at.search(/(\.[^.[]*|\[[^[]*\])$/)))) {
      const offset = this.#offsets.get(at);
      if (offset !== undefined) return this.source.place(offset);
    }
    return this.source.place(this.#offsets.get("") ?? 0);
  }
}
