# The one shell in which all commands of a build run: variables, functions, the folder and shell options persist.
# A command that ends it loses them, but its successor takes over the exported variables and the folder.
__save() { export -p >/run/state/env; pwd >/run/state/cwd; }
if [ -e /run/state/env ]; then . /run/state/env; cd "$(cat /run/state/cwd)"; fi 2>/dev/null
while IFS= builtin read -r -d '' -u 3 __command; do
  builtin trap __save EXIT
  { builtin eval "$__command"; } 3<&- 4>&- # children never see our pipes; $? of the eval is the command's
  builtin printf '%s\0' "$?" >&4
done
trap - EXIT
: >/run/state/eof
