#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail is killed before each of its system calls (invariants 1 and 5):
# what is visible in queue/ is a whole message to both recipients, whatever
# was acknowledged is there, and there is never a part of one.

TEST_TIMEOUT=300
. "${srcdir:?}/tests/fault/fault.sh"

points=0
declare -A naming=([nameless]=linkat [named]=renameat2
    [linked]="renameat2 linkat")

# kill_at WAY NAME N: sets $state to what was seen, or "wrong: why"
kill_at() {
	local status
	prepare "$1" "$2"
	traced_sendmail "${way[@]}" -e "inject=$2:signal=KILL:when=$3"
	status=$?
	visible "$1.$2.$3"
	in_dir "$spool/tmp"
	state=$seen
	if [ "$status" -ne 137 ]; then
		state="wrong: exit status $status"
	elif [ "$seen" -gt 1 ]; then
		state="wrong: $seen files"
	elif [ "${#entries[@]}" -gt 1 ]; then
		state="wrong: ${#entries[@]} files in tmp/"
	fi
	empty_spool
	points=$((points + 1))
}

# kill_all WAY: at each call of each name
kill_all() {
	local count name n before=0 after=0 wrong=()
	prepare "$1" none
	traced_sendmail "${way[@]}"
	is "$?" 0 "$1, $size: undisturbed, it exits 0"
	visible "$1.whole"
	is "$seen" 1 "$1, $size: with one message in queue/"
	is "$(grep -oE '^(linkat|renameat2)' "$trace" | xargs)" \
	    "${naming[$1]}" "$1, $size: it gets its name by ${naming[$1]}"
	calls >"$dir/calls"
	empty_spool
	while read -r count name; do
		for ((n = 1; n <= count; n++)); do
			kill_at "$1" "$name" "$n"
			case $state in
			0) before=$((before + 1)) ;;
			1) after=$((after + 1)) ;;
			*) wrong+=("$name $n: ${state#wrong: }") ;;
			esac
		done
	done <"$dir/calls"
	is "${wrong[*]}" "" "$1, $size: killed before every call, \
there is no message $before times and one $after times"
	# Before linkat or renameat2 nothing is there, afterwards it is: both
	# must have happened, or the kills did not hit what they should.
	ok "$1, $size: nothing before the message has its name" \
	    [ "$before" -ge 30 ]
	ok "$1, $size: and something afterwards" [ "$after" -ge 3 ]
	check_kept "$1, $size: what was visible is whole" "$input"
}

make_messages
make_spool
input=$dir/small
traced_sendmail
find_named_ways
empty_spool

for size in small large; do
	input=$dir/$size
	for each in nameless named linked; do
		kill_all "$each"
	done
done
diag "$points kills"

done_testing
