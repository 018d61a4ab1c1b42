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
  /** Something failed for want of space. */
  readonly onDiskFull: () => void;
  /** An image was removed for want of space. */
  readonly onImageCollected: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface BuiltRuntime {
  readonly runtime: RktRuntime;
  /** Runs until it is disposed of. */
  readonly garbage: ImageGarbage;
  readonly fetched: FetchedImages;
}

export async function buildRuntime(parts: RuntimeParts): Promise<BuiltRuntime> {
  const { directories, isBuiltin } = parts;
  const messages = new TerminationMessages({ directories, isBuiltin });
  const observer = new Observer({ ...parts, messages });
  const files = new PodFiles(parts);
  const { images, garbage, fetched } = await buildImages(parts);
  garbage.start();
  return { runtime: new RktRuntime({ ...parts, observer, files, images, garbage }), garbage, fetched };
}

async function buildImages(parts: RuntimeParts) {
  const { rkt, rktDir: dataDir, stateDir, runDir, objects, record, clock, log } = parts;
  const fetched = new FetchedImages(stateDir);
  const files = ["/etc/gantry/auth.json", `${homedir()}/.docker/config.json`];
  const credentials = new PullCredentials({ runDir, files, objects });
  await credentials.removeLeftovers();
  const onDiskFull = () => garbage.noteDiskFull();
  const atOnce = parts.maxParallelImagePulls;
  const pulls = new Pulls({ rkt, credentials, fetched, atOnce, clock, log, onDiskFull });
  const images = new Images({ rkt, pulls, log, onActivity: parts.onImageActivity, record });
  const isKept: ImageGarbageOptions["isKept"] = (id) => images.isKept(id);
  const onRemoved = () => {
    images.forget();
    parts.onImageCollected();
  };
  const garbage = new ImageGarbage({
    ...{ rkt, dataDir, fetched, isKept, onRemoved, record, clock, log },
    onDiskFull: parts.onDiskFull,
  });
  return { images, garbage, fetched };
}
