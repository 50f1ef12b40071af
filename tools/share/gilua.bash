# Completion of gilua's options and scripts for bash.
_gilua() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  case $before in
    --policy) mapfile -t COMPREPLY < <(compgen -W "fair interval ticks" -- "$word") ;;
    -e | -l | --switch-interval) COMPREPLY=() ;;
    *)
      if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "-e -i -l -v -E -W - -- --policy --switch-interval --stats --stats=json --trace
          --version --help" -- "$word")
      else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        [ "$COMP_CWORD" -eq 1 ] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "bind" -- "$word")
      fi
      ;;
  esac
}
complete -o filenames -F _gilua gilua
