// A container cannot be put into an appc pod: its image does not say enough, or says nonsense.

export class PodManifestError extends Error {
  override readonly name = "PodManifestError";
}
