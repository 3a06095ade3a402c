#!/usr/bin/env bash
# Runs the walk-through of README.md, line by line as it stands there, against a server with the
# demonstration town, and checks where it leads.
#
#   tests/walkthrough.sh BINARY [PICTURE]     PICTURE: a JPEG; otherwise one of the town's own
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=$(realpath "$1")
picture=${2:+$(realpath "$2")}

folder=$(mktemp -d "${TMPDIR:-/tmp}/gridpatrol-walkthrough.XXXXXX")
server=
finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
  rm -rf "$folder"
}
trap finish EXIT

env -i PATH="$PATH" "$binary" serve --demo --bind 127.0.0.1:0 --data-dir "$folder/data" --log-format json >"$folder/log" 2>&1 &
server=$!
address=
for _ in $(seq 600); do
  address=$(jq -rR 'fromjson? | .. | .address? // empty' "$folder/log" | head -n 1)
  [ -z "$address" ] || break
  kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
  sleep 0.1
done
[ -n "$address" ] || { echo "the server did not start within a minute" >&2; cat "$folder/log" >&2; exit 1; }

mkdir "$folder/reader"
cp "${picture:-$(find "$folder/data/photos/original" -type f | head -n 1)}" "$folder/reader/photo.jpg"
{
  echo 'set -euo pipefail'
  # The lines of the ```sh blocks between the marks.
  awk '/<!-- walk-through: begin -->/ { inside = 1 } /<!-- walk-through: end -->/ { inside = 0 }
       /^```/ { block = inside && /^```sh$/; next } block' "$here/README.md" |
    sed "s|http://127.0.0.1:8080|http://$address|"
  cat <<'CHECKS'
check() { [ "$1" = "$2" ] || { echo "the walk-through ends with $1 where $2 is expected" >&2; exit 1; }; }
check "$(as $leader /v1/reports/$report | jq -r '[.status, .outcome, .complete] | join(" ")')" "closed handled true"
check "$(as $leader /v1/reports/$report/events | jq -r '[.items[].kind] | join(" ")')" \
  "filed escalated photo_arrived approved approved assigned resolved photo_arrived closed"
check "$(head -c 3 thumbnail.jpg | od -An -tx1 | tr -d ' \n')" ffd8ff
CHECKS
} >"$folder/walk-through"
[ "$(grep -c '^as ' "$folder/walk-through")" -ge 8 ] || { echo "README.md has no walk-through between its marks" >&2; exit 1; }
(cd "$folder/reader" && bash ../walk-through) || { tail -n 20 "$folder/log" >&2; exit 1; }
