/** Shells with a completion script. */
export const shells = ['bash', 'fish', 'zsh'] as const;

/** A shell with a completion script. */
export type Shell = (typeof shells)[number];

const bash = String.raw`# bash completion of cloverctl
_cloverctl() {
  COMPREPLY=()
  local program=${'$'}{COMP_WORDS[0]/#\~/$HOME} answer
  type -P "$program" >/dev/null || program=cloverctl
  while IFS= read -r answer; do
    case $answer in
      :files) compopt -o default 2>/dev/null ;;
      :folders) compopt -o dirnames 2>/dev/null ;;
      *) COMPREPLY+=("${'$'}{answer%%$'\t'*}") ;;
    esac
  done < <("$program" __complete --line "${'$'}{COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  # A value follows in the same word.
  if [[ ${'$'}{#COMPREPLY[@]} -eq 1 && $COMPREPLY == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _cloverctl cloverctl
`;

const zsh = String.raw`#compdef cloverctl
# zsh completion of cloverctl
_cloverctl() {
  local program=${'$'}{words[1]/#\~/$HOME} answer
  whence -p -- "$program" >/dev/null || program=cloverctl
  local -a answers candidates unfinished
  answers=("${'$'}{(@f)$("$program" __complete -- "${'$'}{(@Q)words[2,CURRENT-1]}" "${'$'}{(Q)PREFIX}" 2>/dev/null)}")
  for answer in $answers; do
    case $answer in
      :files) _files; return ;;
      :folders) _files -/; return ;;
      *=) unfinished+=("${'$'}{answer//:/\\:}") ;;
      *$'\t'*) candidates+=("${'$'}{${'$'}{answer%%$'\t'*}//:/\\:}:${'$'}{answer#*$'\t'}") ;;
      ?*) candidates+=("${'$'}{answer//:/\\:}") ;;
    esac
  done
  # A value follows in the same word.
  _describe cloverctl candidates -- unfinished -S ''
}
if [[ $funcstack[1] == _cloverctl ]]; then
  _cloverctl "$@"
else
  compdef _cloverctl cloverctl
fi
`;

const fish = String.raw`# fish completion of cloverctl
function __cloverctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    command -q -- $program; or set program cloverctl
    set -e words[1]
    for answer in ($program __complete -- $words "$current" 2>/dev/null)
        switch $answer
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current" ''
            case '*'
                echo $answer
        end
    end
end
complete -c cloverctl -f -a '(__cloverctl_complete)'
`;

/** The script by which a shell asks `cloverctl __complete` what may stand at the cursor. */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, fish, zsh };
