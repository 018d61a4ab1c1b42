// The built-in engine, as it is started by the agent, under a real systemd.

import { afterAll } from "bun:test";
import { chmod, copyFile } from "node:fs/promises";
import { executable } from "../e2e/executable.ts";
import { tempDir } from "../temp-dir.ts";
import { describeRktCommandLine } from "./rkt-command-line.ts";

// Where unprivileged users reach it too, which a checkout need not be.
const dir = await tempDir();
afterAll(() => dir[Symbol.asyncDispose]());
await chmod(dir.path, 0o755);
await copyFile(await executable(), `${dir.path}/gantry`);

describeRktCommandLine("the built-in engine", [`${dir.path}/gantry`, "rkt"]);
