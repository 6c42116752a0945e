#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The journal as history: when a new one begins, and how many are kept.

# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

journal=$spool/.journal.jsonl

# lines TIME MEGABYTES: so many of them that tell nothing, by somebody later
lines() {
	awk -v time="$1" -v bytes=$(($2 << 20)) 'BEGIN {
		rest = sprintf("%200s", "")
		for (seq = 1; n < bytes; seq++) {
			line = sprintf("{\"seq\":%d,\"time\":%d.000000," \
			    "\"event\":\"of tomorrow\",\"note\":\"%s\"}",
			    0, time, rest)
			print line
			n += length(line) + 1
		}
	}'
}

# kept: the numbers of the kept ones
kept() {
	local file numbers=()
	for file in "$journal".*; do
		[ -e "$file" ] && numbers+=("${file##*.}")
	done
	[ "${#numbers[@]}" -eq 0 ] ||
	    printf '%s\n' "${numbers[@]}" | sort -n | tr '\n' ' '
}

# _rotated INODE NUMBERS: that journal is the youngest of the kept ones, which
# have these numbers
_rotated() {
	[ "$(stat -c %i "$journal.1" 2>/dev/null)" = "$1" ] &&
	    [ "$(kept)" = "$2" ]
}

# round NUMBERS NAME: spoold begins, makes room for a new journal, and ends
round() {
	local inode
	inode=$(stat -c %i "$journal")
	start_spoold
	ok "$2" wait_for 30 _rotated "$inode" "$1"
	stop_spoold || fail "spoold stops"
	is "$(kept)" "$1" "$2: and no more"
}

make_spool
day_ago=$(($(date +%s) - 90000))
start_spoold
stop_spoold || fail "spoold stops"
is "$(kept)" "" "a short journal goes on"

# By size.
lines "$(date +%s)" 5 >>"$journal"
round "1 " "one of 5 MB makes room"
at_most "$(stat -c %s "$journal")" 10000 "for a short one"
lines "$(date +%s)" 5 >>"$journal"
round "1 2 " "the next is the second"
printf 'history_size = 12M\n' >>"$config"
lines "$(date +%s)" 5 >>"$journal"
round "1 2 " "with 12 MB to keep, of three the oldest goes"
is "$(stat -c %a "$journal" "$journal.1" | sort -u)" 640 "nobody else reads any"

# By age.
printf 'history = 3d\n' >>"$config"
touch -d '-4 days' "$journal.2"
touch -d '-2 days' "$journal.1"
lines "$(date +%s)" 5 >>"$journal"
sed -i '/history_size/d' "$config"
round "1 2 " "what nobody wrote to for longer than history goes"
is "$(find "$journal.2" -mtime 2 | wc -l)" 1 "but not what is younger"

# By the day: the first line tells when it began.
printf '{"seq":1,"time":%d.000000,"event":"of yesterday"}\n' "$day_ago" |
    cat - "$journal" >"$dir/aged"
cat "$dir/aged" >"$journal"
round "1 2 3 " "a short one that is a day old makes room too"

# With nothing to keep the youngest stays: readers may need it.
printf 'history = 0\n' >>"$config"
sed -i '/history = 3d/d' "$config"
lines "$(date +%s)" 5 >>"$journal"
touch -d '-1 hour' "$journal".[0-9]*
round "1 " "the youngest is always kept"

# Nothing was lost of what a message went through meanwhile.
start_smtpd --rule 'rcpt reply "451 4.2.0 busy"'
printf 'relay = "127.0.0.1:%s"\ntls = none\n' "$smtpd_port" >>"$config"
start_spoold
send_simple a@x.test b@y.test
ok "a message is tried" wait_for 10 has_events 1 deferred
kill_spoold
lines "$(date +%s)" 5 >>"$journal"
# Ages are whole seconds.
touch -d '-1 hour' "$journal".[0-9]*
round "1 " "again a new one"
rm -f "$spool/.status.json"
start_spoold
kill -USR1 "$spoold_pid"
ok "its attempt is known from the kept one, without a status" \
    wait_for 10 has_line "$spool/.status.json" '"tries":1'
ok "spoold stops" stop_spoold
stop_smtpd || fail "smtpd ends"

fails 78 "a history is a time" timeout 10 "$SPOOLD" -C <(
	printf 'history = ever\n'
) "$spool" 2>"$dir/ever.log"
like "$(<"$dir/ever.log")" "history 'ever' must be a time" "which is said"
fails 78 "its size a size" timeout 10 "$SPOOLD" -C <(
	printf 'history_size = some\n'
) "$spool" 2>"$dir/some.log"
like "$(<"$dir/some.log")" "history_size 'some' must be a size" "and said"
done_testing
