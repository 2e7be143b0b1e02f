#!/bin/bash
# Pid 1 of a build. 0: lifeline (end of file: the host is gone), 3: commands in, each ended by NUL, 4: "<exit code> NUL" for each.
# stdout and stderr belong to the user's commands alone: nothing of ours is ever written there.
serve() {
  while :; do
    bash --norc --noprofile /run/starling/shell.sh
    code=$?
    [ -e /run/state/eof ] && break
    printf '%s\0' "$code" >&4 # a command that leaves the shell (exit, exec, set -e, a signal): the shell's code is its code
  done
}
exec 5<&0
serve </dev/null 5<&- &
read -r _ <&5 3<&- 4>&- & # nothing ever comes
exec 0<&- 1>&- 2>&- 3<&- 4>&- 5<&-
wait -n # the host has died, or somebody killed the server: pid 1 ends, and the kernel ends everything else
