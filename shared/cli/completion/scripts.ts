/** The completion scripts: each asks the program itself (`knspan __complete WORDS...`, see `complete.ts`) for candidates. */

const bash = `# bash completion for knspan: source <(knspan completion bash)
_knspan() {
  local cur=\${COMP_WORDS[COMP_CWORD]} typed=\${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD out flags candidate
  # bash splits words at = and :, and replaces the last part only.
  [[ $cur == [=:] ]] && cur=
  while (( at > 1 )) && [[ \${COMP_WORDS[at]} == [=:] || \${COMP_WORDS[at - 1]} == [=:] ]]; do
    (( at-- ))
    typed=\${COMP_WORDS[at]}$typed
  done
  COMPREPLY=()
  out=$("\${COMP_WORDS[0]/#\\~/$HOME}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return 0
  flags=\${out##*:}
  while IFS=$'\\t' read -r candidate _; do
    [[ -n $candidate && $candidate != :* ]] && COMPREPLY+=("\${candidate:\${#typed} - \${#cur}}")
  done <<< "$out"
  (( flags & 2 )) && compopt -o nospace
  (( flags & 4 )) || compopt -o default
  return 0
}
complete -F _knspan knspan
`;

const zsh = `#compdef knspan
# zsh completion for knspan: source <(knspan completion zsh), after compinit
_knspan() {
  local out line flags=0
  local -a candidates
  out=$("\${words[1]/#\\~/$HOME}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null) || return 1
  for line in "\${(@f)out}"; do
    if [[ $line == :* ]]; then
      flags=\${line#:}
    else
      line=\${line//:/\\\\:}
      candidates+=("\${line/$'\\t'/:}")
    fi
  done
  if (( $#candidates == 0 )); then
    (( flags & 4 )) || _files
  elif (( flags & 2 )); then
    _describe -V candidate candidates -S ''
  else
    _describe -V candidate candidates
  fi
}
# Sourced, it registers itself; as a file of fpath it is the function.
if [[ \${funcstack[1]} == _knspan ]]; then
  _knspan "$@"
else
  compdef _knspan knspan
fi
`;

const fish = `# fish completion for knspan: knspan completion fish | source
function __knspan_complete
    set -l words (commandline -opc)
    eval (string escape -- $words[1]) __complete (string escape -- $words[2..-1] (commandline -ct)) 2>/dev/null
end
function __knspan_candidates
    __knspan_complete | string match -rv '^:'
end
function __knspan_wants_files
    set -l lines (__knspan_complete)
    test (count $lines) -eq 1; and test (math "floor("(string sub -s 2 -- $lines[-1])" / 4)") -eq 0
end
complete -c knspan -f -a '(__knspan_candidates)'
complete -c knspan -n __knspan_wants_files -F
`;

export const completionScripts = { bash, zsh, fish } as const;
