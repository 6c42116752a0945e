#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What waits for its relay outlives spoold, attempts included.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd --rule 'rcpt reply "451 4.2.0 busy"'
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)

attempts() { # as spoolq tells
	spoolq show "$id" | sed -n 's/.*, \([0-9]*\) attempts*.*/\1/p'
}

start_spoold "${relay[@]}"
send_simple a@x.test b@y.test
ok "the first attempt is answered" wait_for 10 has_events 1 deferred
id=$(ls "$spool/queue")
# Once: who flushes again and again may make a third of it.
spoolq flush >/dev/null 2>>"$dir/flush.log"
ok "the second too" wait_for 20 has_events 2 deferred
is "$(attempts)" 2 "spoolq tells two attempts"
ok "spoold stops on SIGTERM" stop_spoold
is "$(attempts)" 2 "spoolq still does"

start_spoold "${relay[@]}"
is "$(attempts)" 2 "so it does for the next spoold"
is "$(spoolq list --ids --relay default)" "$id" \
    "and the relay is known at once"
is "$(spoolq list --ids --state no-relay)" "" "nobody says that there is none"
fails 64 "one that nobody knows is refused" spoolq list --relay nowhere
ok "it is in the status when the spool was looked at" wait_for 10 has_line \
    "$spool/.status.json" "\"id\":\"$id\".*\"relay\":\"default\""
ok "which counts on" flushing 10 has_events 3 deferred
kill_spoold
tries=$(attempts)
like "$tries" '^[34]$' "a killed one forgets nothing"
rm "$spool/.status.json"
start_spoold "${relay[@]}"
ok "a lost snapshot loses no message" wait_for 10 eval \
    'spoolq list | grep -q b@y.test'
stop_spoold || fail "spoold stops"

# A journal that was torn.
printf '{"seq":99999,"time":17' >>"$spool/.journal.jsonl"
start_spoold "${relay[@]}"
ok "nor does a torn journal" wait_for 10 eval \
    'spoolq list | grep -q b@y.test'
stop_spoold || fail "spoold stops"
rm -f "$spool"/.journal.jsonl* "$spool/.status.json"

# The relay is away, then back.
port=$smtpd_port
stop_smtpd || fail "smtpd ends"
start_spoold "${relay[@]}"
ok "the relay is noticed to be down" wait_for 15 has_events 1 relay-down
like "$(spoolq list 2>&1; tail -n 5 "$spoold_log")" "refused" \
    "and why is told"
send_simple a@x.test c@y.test
ok "new mail is accepted meanwhile" wait_for 10 has_events 2 admitted
kill_spoold
# Each probe that fails is one.
downs=$(events relay-down)
start_spoold "${relay[@]}"
ok "it is down after a restart too" \
    wait_for 15 has_events $((downs + 1)) relay-down
is "$(queued) $(queued failed)" "2 0" "everything waits"
is "$(events deferred)" 0 "no attempt is counted"
smtpd_name=back start_smtpd --port "$port"
ok "the relay comes up, and both are delivered, without help" \
    wait_for 40 has_messages 2
ok "the queue is empty" wait_for 10 queue_has 0
is "$(count_messages)" 2 "each once"
ok "the journal knows that the relay is back" has_events 1 relay-up
ok "spoold stops" stop_spoold

# SIGTERM with a session going on: the answer is waited for, three seconds.  A
# machine that stood still for so long has another try.
is_ending() {
	[ "$(count_log 'stopping: SIGTERM' "$spoold_log")" -gt "$ends" ]
}
smtpd_name=slow start_smtpd --rule 'dot wait-file "go"'
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)
for try in 1 2 3; do
	rm -f go
	had=$(count_messages)
	start_spoold "${relay[@]}"
	send_simple a@x.test d@y.test
	wait_for 10 has_line "$smtpd_log" "^[^#]*#$try -- wait-file" ||
	    fail "the message is on its way"
	ends=$(count_log 'stopping: SIGTERM' "$spoold_log")
	begun=$(now)
	kill -TERM "$spoold_pid"
	wait_for 10 is_ending || fail "spoold begins to stop"
	touch go
	took=$(($(now) - begun))
	ok "spoold stops in the middle of it" stop_spoold
	result="$(($(count_messages) - had)) $(queued)"
	[ "$took" -ge 1000000 ] && [ "$result" != "1 0" ] || break
	rm -f "$spool"/queue/*
done
is "$result" "1 0" "with the answer"

# … but not for ever.
smtpd_name=mute start_smtpd --rule 'dot mute'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_simple a@x.test e@y.test
ok "a message goes to a server that never answers" wait_for 10 \
    has_line "$smtpd_log" ' -- mute'
start=$(now)
ok "spoold stops all the same" stop_spoold
at_most $(($(now) - start)) 12000000 "in time, microseconds"
is "$(queued)" 1 "and the message stays"

# Nothing in the spool is lost to what else lies there.
echo foreign >"$spool/queue/foreign"
mkdir "$spool/queue/ABCDEF0123"
ln -s /etc/passwd "$spool/queue/ABCDEF0124"
whole=("$spool"/queue/3*)
head -c 100 "${whole[0]}" >"$spool/queue/ABCDEF0125"
smtpd_name=last start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
ok "a queue with rubbish in it is delivered" flushing 20 has_messages 1
ok "the rubbish is put aside" wait_for 10 queue_has 0
is "$(cat "$spool/failed/foreign.damaged")" foreign "unchanged"
# Which is written behind it.
ok "with the reason" wait_for 10 test -s "$spool/failed/foreign.damaged.why"
is "$(grep -c root: "$smtpd_out"/*.eml)" 0 "and nothing of it is sent"
ok "spoold stops in the end" stop_spoold
done_testing
