// Which names in a manifest directory are manifests. Invariant: what is not is listed with the reason, so that nobody wonders.

const leftovers: readonly (readonly [RegExp, string])[] = [
  [/[\u0000-\u001f\u007f\ufffd]/, "its name is not printable UTF-8"], // it would break every line that names it
  [/^\./, "a dot-file"], // also vim's swap files, and the `..data` of a projected volume
  [/~$|^#.*#$|\.sw[a-p]$|^4913$|\.bak$|\.orig$/, "an editor's leftover"],
  [
    /\.dpkg-[a-z]+$|\.ucf-[a-z]+$|\.rpm(new|save|orig)$|\.pac(new|save|orig)$/,
    "a package manager's leftover",
  ],
  [/(?<!\.(yaml|yml|json))$/, "its name does not end in .yaml, .yml or .json"],
];

/** Undefined for a manifest. */
export function skipReason(name: string): string | undefined {
  return leftovers.find(([pattern]) => pattern.test(name))?.[1];
}
