// What containers and servers have written, as it may be shown. Pure. Invariant: it does not speak to a person's terminal.

export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t]/gu, "\ufffd");
}
