#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq why, log, trace and test: what happened and what comes next, with and
# without a spoold, for messages that wait, have left or never were.

. "${srcdir:?}/tests/run/lib.sh"

SPOOLD_EXEC_PATH=$SPOOLD_EXEC_PATH:$builddir/sendmail
unset COLUMNS
make_spool
# Nothing is tried again while we look.
echo 'retry = "1h"' >>"$config"
today=$(date +%F)

# ask ARGS...: $out, $err, $status
ask() {
	out=$(spoolq "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

id_of() { # RECIPIENT
	sed -n "s/.*\"admitted\",\"id\":\"\([0-9A-F]*\)\".*\"$1\".*/\1/p" \
	    "$spool"/.journal.jsonl* | head -n 1
}

has_left() { # ID
	grep -Eq "\"removed\",\"id\":\"$1\"" "$spool"/.journal.jsonl
}

was_deferred() { # RECIPIENT
	grep -Eq "\"deferred\".*\"$1\"" "$spool"/.journal.jsonl
}

# ---- nothing happened yet ---------------------------------------------

ask log
is "$out/$err/$status" //0 "an empty history"
ask why 3286A1B2C3
is "$out/$status" /66 "why: no such message"
like "$err" '3286A1B2C3: no such message' "which is named"
ask trace '<none@x.test>'
is "$out/$status" /66 "trace: no such Message-Id"
ask test bob@y.test
is "$status" 75 "test without a spoold"
like "$err" 'spoold is not running' "which is said"
like "$out" '^NOT YET: it is queued' "the message waits"
is "$(queued)" 1 "in queue/"
like "$out" 'goes when spoold runs' "until it runs"
while IFS='|' read -r args want; do
	# shellcheck disable=SC2086
	ask $args
	is "$out/$status" /64 "usage: $args"
	like "$err" "$want" "which says so: $args"
done <<'END'
why|which message
why nonsense|'nonsense' is no message id
log nonsense|'nonsense' is no message id
log --event dance|no event 'dance'
log --limit 2000000|at most
log --older yesterday|--older
log --state new|--state is for messages in the queue
log --attempts 2|--attempts is for messages in the queue
log --since yesterday|--since: 'yesterday' is no point in time
log --until 2026-02-30|--until: '2026-02-30' is no point in time
log --since +2h|--since: '\+2h' is no point in time
trace|which Message-Id
trace <>|Message-Id is needed
test|which address
test a@b c@d|superfluous argument 'c@d'
test --timeout soon a@b|--timeout is a time
END
ask test $'<a@b>\33[2J'
is "$status" 64 "test: no address"
like "$err" '\\x1B' "made harmless"

# ---- with a spoold -----------------------------------------------------

cat >"$dir/script" <<'END'
rcpt match=later* reply "450 4.2.0 come back"
rcpt match=never* reply "550 5.1.1 no such user"
END
start_smtpd --script "$dir/script"
start_spoold --tls none --relay "127.0.0.1:$smtpd_port"
ok "the test message leaves once a spoold runs" wait_for 20 queue_has 0

ask test --timeout 30s bob@y.test
is "$status" 0 "test: accepted"
like "$out" 'admitted from .* to bob@y\.test' "the way is told"
like "$out" 'delivered bob@y\.test by default' "… to its end"
like "$out" 'OK: the relay has accepted it$' "… and judged"
ask test --timeout 0 zed@z.test
unlike "$out" 'when spoold runs' "test: without waiting, for a spoold that runs"
ask test --from ann@x.test never@y.test
is "$status" 69 "test: refused"
like "$out" 'failed never@y\.test .*550 5\.1\.1 no such user' "why"
like "$out" 'FAILED: it was refused$' "… and judged"
ask test later@y.test
is "$status" 75 "test: put off"
like "$out" 'NOT YET: .*spoolq why [0-9A-F]{10} tells more$' "… and judged"

printf 'From: ann@x.test\nMessage-Id: <one.%%s@x.test>\n\nhello\n' |
    sm -i -f ann@x.test -- bob@y.test later@z.test
ok "one waits" wait_for 20 was_deferred later@z.test
id=$(id_of later@z.test)
ask why "$id"
is "$status" 0 "why of what waits"
like "$out" "admitted from ann@x\.test to bob@y\.test, later@z\.test" \
    "it was admitted"
like "$out" 'tried by default' "… tried"
like "$out" 'delivered bob@y\.test' "… delivered for one"
like "$out" 'deferred later@z\.test .*: 450 4\.2\.0 come back; again at' \
    "… deferred for the other"
like "$out" 'now deferred, given up after 100 attempts, or at 20' "its end"
like "$out" 'later@z\.test, 1 attempt so far, waits until .*did not succeed' \
    "and what comes next"
unlike "$out" 'bob@y\.test, [0-9]' "of who still waits only"
python3 "$srcdir/tests/run/on-terminal.py" "$dir/screen" -- \
    "$SPOOLQ" -C "$config" --spool "$spool" why "$id"
is "$?" 0 "why on a terminal"
is "$(tr -d '\r' <"$dir/screen" | sed 's/\x1b\[[0-9;]*m//g' |
    awk 'length > 80')" "" "… within 80 columns"
python3 "$srcdir/tests/run/on-terminal.py" "$dir/screen" -- \
    "$SPOOLQ" -C "$config" --spool "$spool" show "$id"
is "$(tr -d '\r' <"$dir/screen" | sed 's/\x1b\[[0-9;]*m//g' |
    awk '/^ *$/ { exit } length > 80')" "" "show, too"

spoolq hold "$id" >/dev/null
ask why "$id"
like "$out" 'now held' "why of what is held"
like "$out" "spoolq release $id" "what to do"
spoolq release "$id" >/dev/null
spoolq pause >/dev/null
ask why "$id"
like "$out" 'paused' "why during a pause"
spoolq resume >/dev/null

ask trace one.%s@x.test
is "$status" 0 "trace"
like "$out" "^$id" "… finds the message"
like "$out" 'later@z\.test .*450 4\.2\.0' "… and tells its story"
is "$(spoolq trace '<one.%s@x.test>')" "$out" "with angle brackets, too"

spoolq drop "$id" >/dev/null
ask why "$id"
is "$status" 0 "why of what has left"
like "$out" 'dropped' "its end is told"
unlike "$out" '^now' "nothing comes next"

# ---- log ---------------------------------------------------------------

# From here on nothing happens: who is not waited for above has left, too.
ok "all but one have left" wait_for 20 has_left "$(id_of zed@z.test)"
is "$(queued)" 1 "one is in the queue"

ask log --to bob@y.test --event delivered
is "$status/$(grep -c . <<<"$out")" 0/3 "log: who got something"
ask log --from ann@x.test --json
is "$(jq -r .event <<<"$out" | sort -u | tr '\n' ' ')" \
    "$(cat "$spool"/.journal.jsonl* | jq -rs '
	[.[] | select(.event == "admitted" and .sender == "ann@x.test").id] as
	    $ids | .[] | select(.id as $i | $ids | index($i)) | .event' |
	sort -u | tr '\n' ' ')" "log: all of a sender's messages, as jq sees them"
ask log "$id" --json
is "$(jq -r .id <<<"$out" | sort -u)" "$id" "log: of one message"
ask log --limit 1 "$id"
is "$(grep -c . <<<"$out")" 1 "log: the last one only"
like "$out" dropped "… which is the last"
ask log --error 'come BACK' --event deferred
like "$out" 'later@z\.test' "log: by the answer"
unlike "$out" 'never@' "… and no other"
ask log --older 1h
is "$out/$status" /0 "log: nothing is that old"
ask log --newer 1h --relay default --event attempt
like "$out" 'tried by default' "log: by relay and age"
ask log --relay other
is "$out/$status" /0 "log: no other relay"
ask log --user "$(id -u)" --event admitted
is "$(grep -c . <<<"$out")" "$(events admitted)" "log: by user"

tomorrow=$(date -d tomorrow +%F)
is "$(spoolq log --since "$today" --until "$tomorrow" --json)" \
    "$(spoolq log --json)" "log: a day's"
ask log --until "$today"
is "$out/$status" /0 "log: what was before"
ask log --since "$tomorrow"
is "$out/$status" /0 "log: what will be"
first=$(spoolq log --json | jq -s '.[0].time | floor')
ask log --since "@$first" --until "@$((first + 1))" --json
is "$(jq -r '.time | floor' <<<"$out" | sort -u)" "$first" "log: a second's"
size=$(spoolq log --event admitted --json | jq -s 'map(.size) | max')
ask log --event admitted --larger "$size"
is "$out/$status" /0 "log: larger is larger"
ask log --event admitted --larger "$((size - 1))"
like "$out" admitted "log: by a byte, too"

"$SPOOLQ" -C "$config" --spool "$spool" log -f --event delivered \
    >"$dir/followed" 2>&1 &
follower=$!
ok "log -f begins" wait_for 20 has_line "$dir/followed" \
    'delivered bob@y\.test'
send_simple ann@x.test eve@y.test
ok "log -f goes on" wait_for 20 has_line "$dir/followed" \
    'delivered eve@y\.test'
kill "$follower"
wait "$follower" 2>/dev/null

stop_spoold

# ---- probes ------------------------------------------------------------

for ((i = 0; i < 4; i++)); do
	printf '{"seq":9000%d0,"time":179000000%d.0,"event":"%s","id":"%s",%s}\n' \
	    "$i" "$i" attempt 0AAAAAAAA1 '"index":0,"relay":"main"' \
	    "$((i + 1))" "$((i + 1))" back 0AAAAAAAA1 '"index":0'
done >>"$spool/.journal.jsonl"
ask why 0AAAAAAAA1
is "$(grep -c 'came back' <<<"$out")" 2 "attempts that are alike"
like "$out" 'tried 3 more times, came back untried' "are counted"

# A history that is cut off, torn and full of nonsense is read as far as it goes.
cp "$spool/.journal.jsonl" "$dir/kept"
printf '%s\n' 'no json' '{"seq":1}' '{"event":"dance","seq":"x"}' \
    '{"seq":99999,"time":1e300,"event":"stop"}' >>"$spool/.journal.jsonl"
printf '{"seq":' >>"$spool/.journal.jsonl"
ask log --event delivered
is "$status/$(grep -c 'delivered' <<<"$out")" 0/"$(events delivered)" \
    "log: damaged lines are skipped"
ask why "$id"
is "$status" 0 "why: damaged lines are skipped"
cp "$dir/kept" "$spool/.journal.jsonl"
printf '{"seq":99998,"time":1.0,"event":"stop","note":"%s"}\n' \
    $'\33[31m' $'\xff\xfe' $'\302\233' fine >>"$spool/.journal.jsonl"
ask log --json --event stop
is "$(LC_ALL=C tr -d '\n -~' <<<"$out")" "" "log --json: passes on no harm"
like "$out" '"note":"fine"' "but what is well"
printf '{"seq":99999,"time":1.0,"event":"admitted","id":"A0000001",%s}\n' \
    '"arrival":1.0,"size":8,"uid":0,"sender":"","rcpts":["b@y.test"],"message_id":"<a\"b\\c@x.test>"' \
    >>"$spool/.journal.jsonl"
ask trace '<a"b\c@x.test>'
like "$out/$status" '^A0000001.*/0$' "trace: an id that JSON escapes"
cp "$dir/kept" "$spool/.journal.jsonl"

# ---- what remote servers say -------------------------------------------

stop_smtpd || true
printf 'rcpt reply "450 4.2.0 evil \033[31mred \302\233 \342\200\256"\n' \
    >"$dir/script"
start_smtpd --script "$dir/script"
start_spoold --tls none --relay "127.0.0.1:$smtpd_port"
send_simple ann@x.test evil@y.test
ok "an evil reply" wait_for 20 was_deferred evil@y.test
id=$(id_of evil@y.test)
for command in "why $id" "log $id"; do
	# shellcheck disable=SC2086
	out=$(spoolq $command | tr -d '\n\t -~' | tr -d '[:print:]')
	is "$out" "" "$command: no control characters"
done

# ---- other users -------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
	chmod 0711 "$spool"
	chmod 0755 "$dir"
	for command in log 'trace x@y'; do
		# shellcheck disable=SC2086
		setpriv --reuid 65534 --clear-groups "$SPOOLQ" -C /dev/null \
		    --spool "$spool" $command >"$dir/out" 2>"$dir/err"
		is "$?/$(<"$dir/out")" 77/ "not for others: $command"
		like "$(<"$dir/err")" "owner" "… which is said: $command"
	done
else
	skip 4 "not root"
fi
done_testing
