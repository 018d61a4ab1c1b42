// `gantry completion SHELL`: a small script that asks `gantry __complete`, so that what is offered is always what there is.

export const shells = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell): string {
  return scripts[shell];
}

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for gantry; for all users: gantry completion bash >/etc/bash_completion.d/gantry
_gantry() {
  local IFS=$'\\n' words=() word taken='' joins='' line i
  for ((i = 1; i <= COMP_CWORD; i++)); do # bash takes --flag=value apart
    word=\${COMP_WORDS[i]}
    if [[ $word == = || $joins ]] && ((\${#words[@]})); then word=\${words[-1]}$word words[-1]=$word; else words+=("$word"); fi
    joins='' taken=''
    [[ \${COMP_WORDS[i]} != = ]] || joins=1
    [[ $word == "\${COMP_WORDS[i]}" ]] || taken=\${word%%=*}=
  done
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    case $line in
      :files) compopt -o default; return ;;
      "$word"*) COMPREPLY+=("\${line#"$taken"}") ;;
    esac
  done < <(gantry __complete -- "\${words[@]}" 2>/dev/null)
}
complete -F _gantry gantry
`,
  zsh: `#compdef gantry
# zsh completion for gantry; for all users: gantry completion zsh >/usr/local/share/zsh/site-functions/_gantry
_gantry() {
  local line name
  local -a offered
  for line in "\${(@f)$(gantry __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    name=\${line%%$'\\t'*}
    case $name in
      "") ;;
      :files) _files; return ;;
      *) offered+=("\${name//:/\\\\:}\${\${line#$name}/$'\\t'/:}") ;;
    esac
  done
  _describe gantry offered
}
if [ "$funcstack[1]" = _gantry ]; then _gantry "$@"; else compdef _gantry gantry; fi
`,
  fish: `# fish completion for gantry; for all users: gantry completion fish >/etc/fish/completions/gantry.fish
function __gantry_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in (gantry __complete -- $words[2..-1] 2>/dev/null)
    switch $line
      case :files
        __fish_complete_path (commandline -ct)
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c gantry -f -a '(__gantry_complete)'
`,
};
