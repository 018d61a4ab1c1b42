// Kubernetes' `$(VAR)` (third_party/forked/golang/expansion of v1.5). Pure.

/** Replaces `$(NAME)` by its value; `$$` stands for `$`, and an unknown name is left as written. Values are not expanded again. */
export function expand(text: string, variables: Pick<ReadonlyMap<string, string>, "get">): string {
  let result = "";
  let at = 0;
  for (;;) {
    const dollar = text.indexOf("$", at);
    if (dollar === -1) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    const close = next === "(" ? text.indexOf(")", dollar) : -1;
    if (close !== -1) {
      const name = text.slice(dollar + 2, close);
      result += variables.get(name) ?? text.slice(dollar, close + 1);
      at = close + 1;
    } else if (next === "(") {
      return result + unescaped(text.slice(dollar)); // no closing one in all the rest
    } else {
      result += "$";
      at = dollar + (next === "$" ? 2 : 1);
    }
  }
}

function unescaped(text: string): string {
  return text.replaceAll("$$", () => "$");
}
