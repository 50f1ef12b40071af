# Completion of gilua's options and scripts for bash.
_gilua() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  case $before in
    --strategy) mapfile -t COMPREPLY < <(compgen -W "random pct pos all" -- "$word") ;;
    --policy) mapfile -t COMPREPLY < <(compgen -W "fair interval ticks" -- "$word") ;;
    -e | -l | --switch-interval | --seed | --runs | --seconds | --depth | --jobs) COMPREPLY=() ;;
    --gearman | --queue | --processes | --require | --max-tasks | --memory-limit | --max-payload) COMPREPLY=() ;;
    *)
      if [[ $word == -* && ${COMP_WORDS[1]} == explore ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--runs --seconds --strategy --depth --jobs --seed --races --count --save" -- "$word")
      elif [[ $word == -* && ${COMP_WORDS[1]} == replay ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--trace" -- "$word")
      elif [[ $word == -* && ${COMP_WORDS[1]} == worker ]]; then
        mapfile -t COMPREPLY < <(compgen -W "--gearman --queue --processes --require --token-file --max-tasks --memory-limit --max-payload
          --quiet --version --help" -- "$word")
      elif [[ $word == -* && ${COMP_WORDS[1]} == bind ]]; then
        mapfile -t COMPREPLY < <(compgen -W "-o" -- "$word")
      elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "-e -i -l -v -E -W - -- --policy --switch-interval --seed --stats --stats=json --trace
          --version --help" -- "$word")
      else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        [ "$COMP_CWORD" -eq 1 ] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "bind explore replay worker" -- "$word")
      fi
      ;;
  esac
}
complete -o filenames -F _gilua gilua
