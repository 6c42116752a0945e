#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq --wait: until messages have left or failed, or waiting is over.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
. "$srcdir/tests/run/steer.sh"

make_spool
one=5B000001
two=5B000002
none=5B0000FF

# begin_asking ARGS...: spoolq beside the test, until it waits;
# end_asking: $out, $err, $status
begin_asking() {
	rm -f "$dir/asked.err"
	"$SPOOLQ" -C "$config" --spool "$spool" "$@" \
	    >"$dir/asked.out" 2>"$dir/asked.err" </dev/null &
	asking=$!
	wait_for 20 has_line "$dir/asked.err" "[12] to go" || fail "$1 waits"
}
end_asking() {
	wait_for 40 is_gone "$asking" || fail "it ends"
	wait "$asking"
	status=$?
	out=$(<"$dir/asked.out")
	err=$(<"$dir/asked.err")
}

# end_agents: what was in flight is lost
end_agents() {
	local pid
	for pid in $(ps -o pid= --ppid "$spoold_pid"); do
		kill -KILL "$pid"
	done
}

echo ok >"$dir/mood"
start_moody

# ---- they leave --------------------------------------------------------

fresh hold bob@y.test
one=$id
fresh hold bob@y.test cy@y.test
two=$id
# Paused, for what has left before it looks is nothing to wait for.
ask pause
begin_asking release --wait --all
ask resume
end_asking
is "$out|$status|$(queued)" "$one released
$two released
2 messages: 2 left|0|0" "until they have left"
like "$err" $'(^|\n)0 of 2 have left, 2 to go(\n1 of 2 has left, 1 to go)?$' \
    "how far it is"
ask flush --wait
is "$out|$err|$status" "0 due now||0" "nothing to wait for"
ask flush --wait "$one"
is "$out|$err|$status" "|spoolq: $one: no such message|66" "what has left before"
put_many 40 hold
ok "many are known" wait_for 20 knows_all "${ids[-1]}" "${ids[0]}"
ask release --wait "${ids[@]}"
is "$(tail -n 1 <<<"$out")|$status" "40 messages: 40 left|0" "many"
at_most "$(wc -l <<<"$err")" 12 "a line now and then"

# An agent that dies with it.
echo mute >"$dir/mood"
fresh hold bob@y.test
two=$id
begin_asking release --wait "$two"
ok "an agent has it" wait_for 20 has_line "$dir/muted" "^$two$"
echo ok >"$dir/mood"
end_agents
ok "what was lost goes again" flushing 30 queue_has 0
end_asking
is "$out|$status" "$two released
1 message: 1 left|0" "it is waited for all the same"

# ---- they do not -------------------------------------------------------

echo no >"$dir/mood"
fresh hold bob@y.test
one=$id
ask release --wait "$one"
is "$out|$status" "$one released
1 message: 1 failed|75" "refused"
like "$err" "spoolq: $one: bob@y.test: 550 5.1.1 no such user\$" \
    "with the answer"
is "$(where "$one")" failed "it is in failed/"
echo busy >"$dir/mood"
ask requeue --wait --timeout 1s "$one"
like "$out|$status" "
1 message: 1 still in the queue\|75\$" "put off, until the time is over"
like "$err" "spoolq: the time is over; spoold goes on with what is left\$" \
    "which is said"
# does COMMAND ID: as soon as it is not being tried
does() {
	ask "$@"
	[ "$status" -eq 0 ]
}
begin_asking flush --wait
ok "hold" wait_for 20 does hold "$one"
end_asking
is "$(tail -n 1 <<<"$out")|$status" "1 message: 1 held|75" "held meanwhile"
begin_asking release --wait "$one" "$none"
ok "drop" wait_for 20 does drop "$one"
end_asking
is "$(tail -n 1 <<<"$out")|$status" "1 message: 1 dropped|66" \
    "dropped meanwhile; the first failure is the status"

# ---- on a terminal -----------------------------------------------------

fresh queue bob@y.test
one=$id
if command -v python3 >/dev/null; then
	unset COLUMNS
	timeout 60 python3 "$srcdir/tests/run/on-terminal.py" "$dir/said" \
	    'put off: 450 4\.2\.0' '\x03' -- \
	    "$SPOOLQ" -C "$config" --spool "$spool" flush --wait "$one"
	is "$?" 75 "^C at the bar"
	like "$(<"$dir/said")" \
	    '\[-{20}\] 0 of 1 have left, 1 to go, 1 put off: 450 4\.2\.0 come ' \
	    "the bar"
	at_most "$(tr '\r' '\n' <"$dir/said" | sed 's/\x1b\[K//g; s/\^C//' |
	    LC_ALL=C.UTF-8 wc -L)" 79 "is no wider than the terminal"
	like "$(tr -d '\r' <"$dir/said")" \
	    "spoolq: interrupted; spoold goes on with what is left
1 message: 1 still in the queue\$" "it ends cleanly"
	is "$(where "$one")" queue "and the message is where it was"
else
	for name in "^C at the bar" "the bar" "its width" "its end" "its mail"; do
		skip "$name" "no python3"
	done
fi

# ---- spoold ends -------------------------------------------------------

begin_asking flush --wait "$one"
kill_spoold
end_asking
like "$err/$status" \
    "spoold has ended; the mail goes when it starts again/75\$" "spoold is gone"

# ---- with reports to senders -------------------------------------------

echo no >"$dir/mood"
start_moody
sed -i 's/^bounces = no/bounces = yes/' "$config"
stop_spoold
start_spoold
fresh hold bob@y.test
ask release --wait "$id"
is "$(tail -n 1 <<<"$out")|$status|$(where "$id")" "1 message: 1 failed|75|" \
    "refused, and reported to its sender"
done_testing
