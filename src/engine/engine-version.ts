// `rkt version`, in the shape that a caller of rkt parses. It says 1.30.0, since that is whose command line this is.

import { appcVersion } from "../rkt/appc.ts";
import type { Command } from "./command.ts";

export const engineVersion: Command = {
  name: "version",
  synopsis: "",
  flags: {},
  run: ({ print }) => {
    const arch = process.arch === "x64" ? "amd64" : process.arch;
    print(
      [
        "rkt Version: 1.30.0",
        `appc Version: ${appcVersion}`,
        "Go Version: none",
        `Go OS/Arch: linux/${arch}`,
        "Features: -TPM +SDJOURNAL +GANTRY",
        "",
      ].join("\n"),
    );
    return 0;
  },
};
