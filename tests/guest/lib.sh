# What the cases are written with. Sourced by bash in the guest: `. /rig/lib.sh`.
# The library: changer /dev/sg0, drives /dev/sg1, /dev/sg2 with /dev/nst0, /dev/nst1; see scripts/test-guest.
set -uo pipefail
changer=/dev/sg0
drive=/dev/sg1
tape=/dev/nst0
other_drive=/dev/sg2
other_tape=/dev/nst1
out=''

fail() {
    echo "FAILED at line ${BASH_LINENO[-2]}: $*"
    exit 1
}
# run STATUS COMMAND...: it must end with this exit status; what it says is in $out.
run() {
    local wanted=$1 status=0
    shift
    out=$("$@" 2>&1) || status=$?
    printf '$ %s\n' "$*"
    [ -z "$out" ] || printf '%s\n' "$out" | head -n 200
    [ "$status" = "$wanted" ] || fail "exit status $status instead of $wanted: $*"
}
# says PATTERN...: extended regular expressions that lines of $out must match.
says() {
    local pattern
    for pattern; do
        grep -Eq -- "$pattern" <<<"$out" || fail "it does not say \"$pattern\""
    done
}
says_not() {
    local pattern
    for pattern; do
        ! grep -Eq -- "$pattern" <<<"$out" || fail "it says \"$pattern\""
    done
}
# is WHAT FOUND EXPECTED
is() {
    [ "$2" = "$3" ] || fail "$1 is \"$2\" instead of \"$3\""
}
version_of() { # version_of PACKAGE
    awk -v name="$1" '$1 == name { print $2 }' /.versions
}
# client PACKAGE WHAT [NAME VERSION]: a row of the table in the README, once the case has passed.
client() {
    printf '%s\t%s\t%s\n' "${3:-$1}" "${4:-$(version_of "$1")}" "$2" >>/rig/out/clients
}
# host WHAT: the host does it to the daemon (stop, start, kill) or the cable (unplug, plug), or runs that command of
# `tapeloft`; returns when it is done.
host() {
    echo "$*" >/rig/share/ask.new
    mv /rig/share/ask.new /rig/share/ask
    until [ -e /rig/share/done ]; do sleep 0.1; done
    rm /rig/share/done
}
load() { # load SLOT DRIVE: and the attention that the kernel has not seen is taken
    run 0 mtx -f $changer load "$1" "$2"
}
# numbered FIRST COUNT SIZE: blocks to standard output that each begin with their number, no two alike
numbered() {
    awk -v first="$1" -v count="$2" -v size="$3" 'BEGIN {
        while (length(filler) < size) filler = filler "the quick brown fox jumps over the lazy dog "
        for (i = first; i < first + count; i++) printf "%s", sprintf("%09d ", i) substr(filler, i % 97 + 1, size - 10 - i % 97) substr(filler, 1, i % 97)
    }'
}
# object NODE: the logical object number where the drive behind an sg node stands, by READ POSITION
object() {
    local bytes
    bytes=$(sg_raw -b -r 32 "$1" 34 06 00 00 00 00 00 00 00 00 2>/dev/null | od -An -v -tu1 -j8 -N8) || fail "READ POSITION of $1"
    awk '{ n = 0; for (i = 1; i <= 8; i++) n = n * 256 + $i; print n }' <<<"$bytes"
}
login() { # login [ARGUMENT...]: discovery and login, as the arguments of iscsiadm -m node say
    pidof iscsid >/dev/null || iscsid || fail "iscsid does not start"
    run 0 iscsiadm -m discovery -t sendtargets -p "$PORTAL"
    run 0 iscsiadm -m node "$@" --login
    for _ in {1..50}; do [ ! -c $other_tape ] || break; sleep 0.1; done
    first_contact
}
# session STATE: waits until the session is in it, at most 60 s
first_contact() { # takes the attention of a session that is new
    local unit
    for unit in $changer $drive $other_drive; do sg_turs $unit >/dev/null 2>&1; done
}
session() {
    for _ in {1..600}; do
        [ "$(cat /sys/class/iscsi_session/session*/state 2>/dev/null | head -n 1)" != "$1" ] || return 0
        sleep 0.1
    done
    fail "the session does not become $1"
}
. /rig/env
for node in $changer $drive $tape $other_drive $other_tape; do
    # A tool that writes to a node which is not there makes a file of that name, and seems to work.
    [ "${WITHOUT_NODES:-}" ] || [ -c $node ] || fail "$node is not there: the kernel did not find the library"
done
[ "${WITHOUT_NODES:-}" ] || first_contact
