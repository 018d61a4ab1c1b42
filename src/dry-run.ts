// What the agent would do if manifests said something else: the same reading, planning and translating, and nothing done.

import { basename, join } from "node:path";
import { errorChain } from "./host/error.ts";
import type { ManifestDirectory } from "./manifest/directory.ts";
import { changedFields } from "./pod/changed-fields.ts";
import type { Desired, ManifestFile } from "./pod/desired.ts";
import { type ImageId, podKeyOf } from "./pod/names.ts";
import type { PlanAnswer, PlannedFile, PlannedPod, PlanQuestion } from "./pod/plan-question.ts";
import type { Pod } from "./pod/pod.ts";
import { formatProblem } from "./pod/problem.ts";
import { type Stage, serializeStage, stagesOf } from "./pod/stage.ts";
import type { Waiting } from "./pod/waiting.ts";
import type { Action } from "./reconcile/action.ts";
import type { Plan } from "./reconcile/plan.ts";
import type { Reconciler } from "./reconcile/reconciler.ts";
import { RuntimeError } from "./reconcile/runtime.ts";
import { type PreviewParts, previewRevision } from "./runtime/preview-revision.ts";
import type { ImagesView } from "./server/images.ts";
import type { PlanView } from "./server/plan.ts";

export interface DryRunOptions extends Omit<PreviewParts, "objects" | "findImage"> {
  readonly manifestPath: string;
  readonly manifests: Pick<ManifestDirectory, "desired" | "preview">;
  readonly reconciler: Pick<Reconciler, "preview">;
  readonly images: ImagesView;
}

interface Versions {
  readonly before: Desired;
  readonly after: Desired;
  readonly plan: Plan;
}

export class DryRun implements PlanView {
  readonly #options: DryRunOptions;

  constructor(options: DryRunOptions) {
    this.#options = options;
  }

  async plan({ files, isDetailed }: PlanQuestion, signal: AbortSignal): Promise<PlanAnswer> {
    const { manifests, reconciler } = this.#options;
    const texts = new Map(files.map(({ name, text }) => [this.#pathOf(name), text]));
    const before = manifests.desired;
    const after = manifests.preview(texts);
    const plan = reconciler.preview(after);
    if (plan === undefined) return { unreadable: "the agent has not looked at the machine yet", files: [] };
    const versions = { before, after, plan };
    const asked = (path: string) => files.length === 0 || texts.has(path);
    const planned = after.files.filter(({ path }) => asked(path)).map((file) => plannedFile(file, versions));
    const gone = [...texts]
      .filter(([, text]) => text === undefined)
      .map(([path]) => goneFile(path, versions));
    const answer = [...planned, ...gone];
    return {
      unreadable: after.unreadable,
      files: isDetailed
        ? await Promise.all(answer.map((file) => this.#withDetails(file, after, signal)))
        : answer,
    };
  }

  /** Of a single manifest file any name is its. */
  #pathOf(name: string): string {
    const { manifestPath, manifests } = this.#options;
    const isFile = manifests.desired.files.some(({ path }) => path === manifestPath);
    return isFile || basename(manifestPath) === name ? manifestPath : join(manifestPath, name);
  }

  async #withDetails(
    file: PlannedFile,
    { pods, objects }: Desired,
    signal: AbortSignal,
  ): Promise<PlannedFile> {
    const images = await this.#options.images.list(signal);
    const findImage = (name: string) =>
      images.find(({ names }) => names.includes(name))?.id as ImageId | undefined;
    const parts = { ...this.#options, objects, findImage };
    const detailed = file.pods.map(async (planned) => {
      const pod = pods.find(
        ({ namespace, name }) => namespace === planned.namespace && name === planned.name,
      );
      return pod === undefined ? planned : { ...planned, ...(await details(pod, parts, signal)) };
    });
    return { ...file, pods: await Promise.all(detailed) };
  }
}

async function details(
  pod: Pod,
  parts: PreviewParts,
  signal: AbortSignal,
): Promise<Pick<PlannedPod, "stages" | "unknown"> & { problem?: string }> {
  try {
    const stages = await Promise.all(
      stagesOf(pod.spec).map(async (stage) => ({
        stage,
        made: await previewRevision(pod, stage, parts, signal),
      })),
    );
    return {
      unknown: [...new Set(stages.flatMap(({ made }) => made.unknown))],
      stages: stages.map(({ stage, made }) => ({
        stage: serializeStage(stage),
        unit: made.unit,
        appc: made.manifest,
      })),
    };
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { problem: `${error.reason}: ${errorChain(error)}`, unknown: [], stages: [] };
  }
}

function plannedFile(file: ManifestFile, versions: Versions): PlannedFile {
  const { path } = file;
  const { after } = versions;
  const problems = file.state === "rejected" ? file.problems.map(formatProblem) : [];
  const wanted = after.pods.filter(({ source }) => source.file === path);
  return {
    path,
    problems,
    pods: [...wanted.map((pod) => plannedPod(pod, versions)), ...removedOf(path, versions)],
  };
}

function goneFile(path: string, versions: Versions): PlannedFile {
  return { path, problems: [], pods: removedOf(path, versions) };
}

/** Pods that the file held, and that nothing holds any more. */
function removedOf(path: string, { before, after }: Versions): readonly PlannedPod[] {
  const wanted = new Set(after.pods.map(podKeyOf));
  const change = after.unreadable === undefined ? ("remove" as const) : ("keep" as const);
  const why = after.unreadable ?? "no manifest has it any more";
  return before.pods
    .filter((pod) => pod.source.file === path && !wanted.has(podKeyOf(pod)))
    .map(({ namespace, name }) => ({ namespace, name, change, why, unknown: [], stages: [] }));
}

function plannedPod(pod: Pod, { before, plan }: Versions): PlannedPod {
  const { namespace, name } = pod;
  const key = podKeyOf(pod);
  const action = plan.actions.find((each) => "key" in each && each.key === key);
  const old = before.pods.find((each) => podKeyOf(each) === key);
  const [waiting] = plan.waiting.get(key) ?? [];
  return { namespace, name, ...verdict(pod, { action, old, waiting }), unknown: [], stages: [] };
}

interface Known {
  readonly action: Action | undefined;
  readonly old: Pod | undefined;
  readonly waiting: Waiting | undefined;
}

function verdict(pod: Pod, { action, old, waiting }: Known): Pick<PlannedPod, "change" | "why"> {
  switch (action?.kind) {
    case "run":
      if (action.replaces.length > 0) return { change: "replace", why: changeText(pod, old) };
      return { change: "start", why: startReasons[action.reason] };
    case "refresh":
      return { change: "update", why: `${changeText(pod, old)}; nothing is restarted` };
    case "stop":
      return { change: "remove", why: "it is over, or too many of it run" };
    case "postStart":
    case "markReady":
    case "remove":
    case "removePodDirectory":
    case undefined:
      if (waiting !== undefined && waiting.kind !== "refresh")
        return { change: "wait", why: waitText(waiting) };
      return { change: "keep", why: "it is as it is written" };
    default:
      return action satisfies never;
  }
}

const startReasons: Readonly<Record<Extract<Action, { kind: "run" }>["reason"], string>> = {
  added: "nothing of it runs",
  changed: "it has changed, and nothing of it runs",
  next: "the stage before it is done",
  ended: "it has ended, and its restartPolicy asks for another",
  rolledBack: "the version before it was good",
};

const fieldsShown = 5;
/** What gantry itself writes into a Pod. */
const ownFields = /^metadata\.(uid$|annotations\.kubernetes\.io\/config\.)/;

function changeText(pod: Pod, old: Pod | undefined): string {
  const fields = old === undefined ? [] : changedFields(old.wire.spec, pod.wire.spec, "spec");
  const metadata = old === undefined ? [] : changedFields(old.wire.metadata, pod.wire.metadata, "metadata");
  const told = [...fields, ...metadata.filter((field) => !ownFields.test(field))];
  if (told.length === 0) return "its files or its manifest are not as they were when it was started";
  const more = told.length > fieldsShown ? ` and ${told.length - fieldsShown} more` : "";
  return `${told.slice(0, fieldsShown).join(", ")}${more} changed`;
}

function waitText(waiting: Waiting): string {
  switch (waiting.kind) {
    case "starting":
      return `${stageText(waiting.stage)} is being started`;
    case "restart":
      return `${stageText(waiting.stage)} crashed, and is started again ${waiting.backOffMs / 1000} s after that`;
    case "initializing":
      return `${stageText(waiting.stage)} is not done yet`;
    case "after":
      return `it comes after ${[...waiting.pods, ...waiting.unknown].join(", ")}`;
    case "retry":
    case "evicted":
    case "failed":
    case "rolledBack":
    case "ending":
      return `${waiting.failure.reason}: ${waiting.failure.message}`;
    case "refresh":
      return "its files are being brought up to date";
    default:
      return waiting satisfies never;
  }
}

function stageText(stage: Stage): string {
  return stage.kind === "containers" ? "it" : `${stage.kind} container ${stage.container}`;
}
