#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Edits of the status again and again while mail flows: nothing goes out
# twice, nothing is lost but what was dropped, and what is dropped is named.

TEST_TIMEOUT=240
. "${srcdir:?}/tests/run/lib.sh"
need jq jq

make_spool
# A third is put off once, so that there is something to edit.
start_smtpd --rule 'rcpt every=3 reply "451 4.2.0 busy"' \
    --rule 'dot delay 0.03'
printf '%s\n' 'retry = "1s"' >>"$config"
relay=(--relay "127.0.0.1:$smtpd_port" --tls none --connections 4)
status=$spool/.status.json
start_spoold "${relay[@]}"
seconds=${LOAD_SECONDS:-15}

# A message to two recipients after the other, while this file is there.
touch "$dir/flow"
(
	for ((n = 1; ; n++)); do
		[ -e "$dir/flow" ] || break
		send_simple a@x.test "a$n@y.test" "b$n@y.test" || exit 1
		echo "$n" >"$dir/sent"
		pause 0.01
	done
) &
flow=$!

says() { # N TEXT
	[ "$(grep -Fc -- "$2" "$spoold_log")" -ge "$1" ]
}

filters=(
	'(.messages[].rcpts[] | select(.state == "pending")) |= (.next = 1)'
	'(.messages[].rcpts[] | select(.attempts > 0)).attempts = 0'
	'.messages |= reverse | .messages[].rcpts |= reverse'
	'(.messages[0:2][].state) = "hold"'
	'(.messages[] | select(.state == "hold").state) |= "queue"'
	'del(.messages[1])'
	'del(.messages[0].rcpts[0])'
	'(.messages[0].rcpts[0].state) |= "dropped"'
	'.messages[].rcpts[].state |= "pending"'
	'.messages[].rcpts |= map(del(.active))'
)
# edit HOW: with a filter of the above; false: there is too little to edit
edit() {
	local filter=${filters[RANDOM % ${#filters[@]}]}
	jq -ce "select(.messages | length > 1) | $filter" "$status" \
	    >"$dir/edited" || return 1
	case $1 in
	0) mv "$dir/edited" "$status" ;;
	*) cat "$dir/edited" >"$status" ;;
	esac
}

# At least some rounds, however slow they are.
end=$(($(now) + seconds * 1000000))
latest=$((end + 60000000))
rounds=0
while [ "$(now)" -lt "$end" ] ||
    { [ "$rounds" -le 5 ] && [ "$(now)" -lt "$latest" ]; }; do
	n=$(grep -Fc 'is taken over:' "$spoold_log")
	m=$(grep -Fc 'the status is written;' "$spoold_log")
	how=$((RANDOM % 8))
	# Who does not pause has to hope that nobody is killed.
	if [ "$how" -ge 6 ]; then
		edit $((RANDOM % 2)) || continue
		kill -HUP "$spoold_pid"
		rounds=$((rounds + 1))
		wait_for 20 says $((n + 1)) 'is taken over:' ||
		    fail "round $rounds: an edit without a pause"
		continue
	fi
	kill -TSTP "$spoold_pid"
	wait_for 20 says $((m + 1)) 'the status is written;' ||
	    fail "round $rounds: SIGTSTP"
	is_edited=
	edit $((RANDOM % 2)) && is_edited=yes && rounds=$((rounds + 1))
	case $how in
	0)
		# Of signals that wait the later ones may come first: it would
		# end the next pause.
		m=$(grep -Fc 'delivery goes on: SIGURG' "$spoold_log")
		kill -URG "$spoold_pid"
		wait_for 20 says $((m + 1)) 'delivery goes on: SIGURG' ||
		    fail "round $rounds: SIGURG"
		;;
	1) kill -USR1 "$spoold_pid" ;;
	2)
		kill_spoold
		start_spoold "${relay[@]}"
		;;
	3)
		stop_spoold || fail "round $rounds: it stops in order"
		start_spoold "${relay[@]}"
		;;
	esac
	kill -HUP "$spoold_pid"
	[ "$how" -lt 4 ] || [ -z "$is_edited" ] || wait_for 20 says $((n + 1)) 'is taken over:' ||
	    fail "round $rounds: the edit is taken over"
done
rm "$dir/flow"
ok "sendmail never failed" wait "$flow"
sent=$(<"$dir/sent")
ok "there were rounds ($rounds, $sent messages)" test "$rounds" -gt 5
# Only when the last edit has been taken over nothing is held any more.
m=$(grep -Fc 'the status is written;' "$spoold_log")
n=$(grep -Fc 'delivery goes on: SIGHUP' "$spoold_log")
kill -TSTP "$spoold_pid"
ok "it pauses" wait_for 20 says $((m + 1)) 'the status is written;'
kill -HUP "$spoold_pid"
ok "and goes on" wait_for 20 says $((n + 1)) 'delivery goes on: SIGHUP'
for id in "$spool"/hold/*; do
	[ ! -e "$id" ] || spoolq release "${id##*/}" >>"$dir/release.log" 2>&1
done
is "$(queued hold)" 0 "nothing is held"
ok "all that is left goes out" flushing 60 queue_has 0
stop_spoold || fail "it stops in order"

cat "$smtpd_out"/*.env | sed -n 's/^rcpt <\(.*\)>.*/\1/p' | sort \
    >"$dir/arrived"
is "$(uniq -d "$dir/arrived")" "" "nobody got anything twice"
# Everybody's mail arrived, or a line of the journal says who dropped it.
cat "$spool"/.journal.jsonl* >"$dir/journal"
jq -r 'select(.event == "admitted") | .id as $id | .rcpts[] | "\($id) \(.)"' \
    "$dir/journal" >"$dir/admitted"
jq -r 'select(.event == "dropped") | .id' "$dir/journal" >"$dir/dropped-ids"
jq -r 'select(.event == "edited" and .note == "dropped") | .rcpt' \
    "$dir/journal" >"$dir/dropped-rcpts"
is "$(wc -l <"$dir/admitted")" $((2 * sent)) "all were admitted"
grep -vFf "$dir/dropped-ids" "$dir/admitted" | cut -d' ' -f2 |
    grep -vxFf "$dir/dropped-rcpts" | sort >"$dir/wanted"
is "$(comm -23 "$dir/wanted" "$dir/arrived")" "" \
    "nobody's mail is lost who was not dropped"
done_testing
