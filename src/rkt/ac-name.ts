// appc's two kinds of names, made of any text as the appc library makes them. Pure.

/** An ACName: app, volume, mount point and port names. Undefined where the text has no letter or digit. */
export function sanitizeAcName(text: string): string | undefined {
  return trimmed(text.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-"));
}

/** An ACIdentifier: image and annotation names. Undefined where the text has no letter or digit. */
export function sanitizeAcIdentifier(text: string): string | undefined {
  return trimmed(text.toLowerCase().replaceAll(/[^a-z0-9\-._~/]/g, "_"));
}

/** Both kinds begin and end with a letter or digit. */
function trimmed(text: string): string | undefined {
  return /[a-z0-9](?:.*[a-z0-9])?/.exec(text)?.[0];
}
