// The runtime port with all its parts, built.

import { homedir } from "node:os";
import type { Clock } from "../host/clock.ts";
import type { Log } from "../host/log.ts";
import type { ConfigObjects } from "../pod/config-objects.ts";
import type { RecordEvent } from "../pod/event.ts";
import type { RktClient } from "../rkt/rkt-client.ts";
import type { Systemd } from "../systemd/systemd.ts";
import { FetchedImages } from "./fetched-images.ts";
import type { RunHook } from "./hooks.ts";
import { ImageGarbage, type ImageGarbageOptions } from "./image-garbage.ts";
import { Images, type ImagesOptions } from "./images.ts";
import type { MachineActs } from "./machine-acts.ts";
import { Observer } from "./observe.ts";
import type { PodDirectories } from "./pod-directory.ts";
import { PodFiles } from "./pod-files.ts";
import { PullCredentials } from "./pull-credentials.ts";
import { Pulls } from "./pulls.ts";
import { RktRuntime } from "./rkt-runtime.ts";
import { TerminationMessages } from "./termination-message.ts";

export interface RuntimeParts {
  readonly rkt: RktClient;
  /** The built-in engine, not a real rkt. */
  readonly isBuiltin: boolean;
  /** rkt's data directory. */
  readonly rktDir: string;
  readonly systemd: Systemd;
  readonly directories: PodDirectories;
  readonly acts: MachineActs;
  readonly stateDir: string;
  readonly runDir: string;
  readonly unitDir: string;
  readonly network: string;
  readonly stage1Name: string;
  readonly stage1Path: string;
  readonly maxParallelImagePulls: number;
  readonly bootId: string;
  readonly objects: () => ConfigObjects;
  readonly hostIP: () => string;
  readonly runHook: RunHook;
  readonly missingPids: () => string | undefined;
  readonly onImageActivity: ImagesOptions["onActivity"];
  readonly record: RecordEvent;
  readonly clock: Clock;
  readonly log: Log;
}

/** `garbage` runs until it is disposed of. */
export async function buildRuntime(
  parts: RuntimeParts,
): Promise<{ readonly runtime: RktRuntime; readonly garbage: ImageGarbage }> {
  const { directories, isBuiltin } = parts;
  const messages = new TerminationMessages({ directories, isBuiltin });
  const observer = new Observer({ ...parts, messages });
  const files = new PodFiles(parts);
  const { images, garbage } = await buildImages(parts);
  garbage.start();
  return { runtime: new RktRuntime({ ...parts, observer, files, images, garbage }), garbage };
}

async function buildImages(parts: RuntimeParts): Promise<{ images: Images; garbage: ImageGarbage }> {
  const { rkt, rktDir: dataDir, stateDir, runDir, objects, clock, log } = parts;
  const fetched = new FetchedImages(stateDir);
  const files = ["/etc/gantry/auth.json", `${homedir()}/.docker/config.json`];
  const credentials = new PullCredentials({ runDir, files, objects });
  await credentials.removeLeftovers();
  const onDiskFull = () => void garbage.collect();
  const atOnce = parts.maxParallelImagePulls;
  const pulls = new Pulls({ rkt, credentials, fetched, atOnce, clock, log, onDiskFull });
  const images = new Images({ rkt, pulls, log, onActivity: parts.onImageActivity, record: parts.record });
  const isKept: ImageGarbageOptions["isKept"] = (id) => images.isKept(id);
  const onRemoved = () => images.forget();
  const garbage = new ImageGarbage({ rkt, dataDir, fetched, isKept, onRemoved, clock, log });
  return { images, garbage };
}
