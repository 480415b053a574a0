# Prepares the working directory and fetches the input files. POSIX sh; needs mkdir, chmod, mv, rm, wc and, for files, curl or wget.
work=${LONGSHORE_WORKING_DIR:-/kestra/working-dir}
said=${LONGSHORE_TERMINATION_LOG:-/dev/termination-log}
umask 000

fail() {
  { printf '%s\n' "$2" >"$said"; } 2>/dev/null || :
  printf 'init-files: %s\n' "$2" >&2
  exit "$1"
}

# world-writable, whoever made it: the main container may run as another user
prepare() {
  mkdir -p "$1" || fail 1 "cannot make the directory $1"
  chmod 0777 "$1" 2>/dev/null || [ -w "$1" ] || fail 1 "cannot write to the directory $1"
}

# URL to file; 0, 77 when the server said 403, else 1
fetch_once() {
  rm -f "$2"
  if [ "$tool" = curl ]; then
    status=$(curl -sS -f -L --connect-timeout 20 -o "$2" -w '%{http_code}' --url "$1" 2>"$notes" </dev/null) && return 0
    [ "$status" = 403 ] && return 77
  else
    # no -T: a static busybox can crash on it
    wget -O "$2" "$1" >/dev/null 2>"$notes" </dev/null && return 0
    grep -q ' 403[: ]' "$notes" && return 77
  fi
  return 1
}

# URL to file, at most four times; $3 names it in messages
fetch() {
  pause=${LONGSHORE_PAUSE:-1}
  for try in 1 2 3 4; do
    fetch_once "$1" "$2" && { [ -e "$2" ] || : >"$2"; } && return 0
    [ $? -eq 77 ] && fail 77 "the grant to read $3 has expired or was refused"
    [ "$try" = 4 ] || sleep "$((pause * try))"
  done
  fail 1 "cannot fetch $3: $(tail -n 1 "$notes" 2>/dev/null)"
}

prepare "$work"
[ -z "${LONGSHORE_OUTPUT_DIR:-}" ] || prepare "$LONGSHORE_OUTPUT_DIR"
[ -n "${LONGSHORE_MANIFEST:-}" ] || exit 0

if command -v curl >/dev/null 2>&1; then tool=curl
elif command -v wget >/dev/null 2>&1; then tool=wget
else fail 79 'the image of init-files has neither curl nor wget'
fi

# beside the working directory, so that no glob finds them
list=${work%/*}/.longshore-manifest
part=${work%/*}/.longshore-part
notes=${work%/*}/.longshore-notes
fetch "$LONGSHORE_MANIFEST" "$list" 'the input manifest'

first=yes
count=0
while IFS='|' read -r size hash mode url path; do
  if [ "$first" = yes ]; then
    first=no
    [ "$size" = 'longshore-inputs 1' ] || fail 78 'the input manifest is not one of this version'
    continue
  fi
  path=${path%:}
  fetch "$url" "$part" "$path"
  found=$(($(wc -c <"$part")))
  [ "$found" = "$size" ] || fail 78 "$path has $found bytes instead of $size"
  if [ "$hash" != - ] && command -v sha256sum >/dev/null 2>&1; then
    found=$(sha256sum <"$part")
    [ "${found%% *}" = "$hash" ] || fail 78 "$path is not the file that was submitted (SHA-256 differs)"
  fi
  case $path in
  */*) mkdir -p "$work/${path%/*}" || fail 1 "cannot make the folder of $path" ;;
  esac
  mv -f "$part" "$work/$path" && chmod "$mode" "$work/$path" || fail 1 "cannot write $path"
  count=$((count + 1))
done <"$list"
[ "$first" = no ] || fail 78 'the input manifest is empty'
rm -f "$list" "$part" "$notes"
printf 'init-files: %s files\n' "$count"
