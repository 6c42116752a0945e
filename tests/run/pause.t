#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Pauses: by SIGTSTP, with what is on its way, and by an operator.

. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/control.sh"

make_spool
start_smtpd --rule "dot match=slow@* wait-file $dir/go"
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)

# says N TEXT: the log has it so often
says() {
	[ "$(grep -Fc -- "$2" "$spoold_log")" -ge "$1" ]
}

# said TEXT: how often, until now
said() {
	grep -Fc -- "$1" "$spoold_log"
}

# suspend TEXT NAME: SIGTSTP, of which the log says so once more
suspend() {
	local before
	before=$(said "$1")
	kill -TSTP "$spoold_pid"
	ok "$2" wait_for 10 says $((before + 1)) "$1"
}

# not_tried WHO: spoold knows of the message, and of nothing to do
not_tried() {
	local journal=$spool/.journal.jsonl id
	ok "spoold has seen it" wait_for 10 has_line "$journal" \
	    "\"event\":\"admitted\".*$1"
	like "$(control flush)" '^ok \* ' "even flushed"
	# What the first one has begun is in the journal before the second is
	# answered.
	control flush >"$dir/flushed"
	id=$(grep "\"event\":\"admitted\".*$1" "$journal" | tail -n 1 |
	    sed 's/.*"id":"\([^"]*\)".*/\1/')
	is "$(grep '"event":"attempt"' "$journal" | grep -c "\"${id:?}\"")" 0 \
	    "$1: no attempt"
	is "$(count_log "RCPT TO:<$1")" 0 "$1 is not tried"
}

# ---- SIGTSTP -----------------------------------------------------------

# As a terminal does: the agents get it as well.
set -m
start_spoold "${relay[@]}"
set +m
send_simple slow@x.test on-its-way@y.test
ok "a message is on its way" wait_for 10 has_line "$smtpd_log" 'C: DATA'
kill -TSTP -- "-$spoold_pid"
ok "SIGTSTP pauses" wait_for 10 says 1 \
    "delivery is paused; 1 message is on the way"
send_simple a@x.test second@y.test
not_tried second@y.test
is "$(count_messages)" 0 "the first waits for its answer"
unlike "$(<"$spoold_log")" "the status is written" "and spoold for it"
kill -TSTP "$spoold_pid"
ok "a second SIGTSTP changes nothing" wait_for 10 says 1 "paused already"
touch "$dir/go"
ok "it gets it" wait_for 10 has_messages 1
ok "then the status is written" wait_for 10 says 1 "the status is written;"
like "$(<"$spool/.status.json")" '"paused":\{"since":[0-9.]+,"by":"SIGTSTP"\}' \
    "and tells of the pause"
unlike "$(<"$spool/.status.json")" 'on-its-way' "not of what was sent"
send_simple a@x.test third@y.test
not_tried third@y.test
kill -HUP "$spoold_pid"
ok "SIGHUP ends it" wait_for 10 has_messages 3
ok "and says so" says 1 "delivery goes on: SIGHUP"

for signal in URG CONT; do
	suspend "the status is written;" "before SIG$signal: written"
	send_simple a@x.test "$signal@y.test"
	not_tried "$signal@y.test"
	kill -"$signal" "$spoold_pid"
	ok "SIG$signal ends it" wait_for 10 has_line "$smtpd_log" \
	    "RCPT TO:<$signal@y.test>"
	says 1 "delivery goes on: SIG$signal" ||
	    fail "SIG$signal is named in the log"
done
ok "all came" wait_for 10 has_messages 5

# The pause is that process's.
for how in TERM KILL; do
	suspend "delivery is paused;" "SIGTSTP before SIG$how"
	send_simple a@x.test "$how@y.test"
	not_tried "$how@y.test"
	kill -"$how" "$spoold_pid"
	wait "$spoold_pid" 2>/dev/null
	status=$?
	[ "$how" = KILL ] || is "$status" 0 "it stops in order"
	like "$(spoolq list 2>&1)" "$how@y.test" "the message is there"
	start_spoold "${relay[@]}"
	ok "the next spoold delivers" wait_for 10 has_line "$smtpd_log" \
	    "RCPT TO:<$how@y.test>"
done
unlike "$(<"$spoold_log")" "delivery is paused, by" "without a warning"
ok "it is all out" wait_for 10 has_messages 7

# One that ended with its spoold is not in an operator's way.
paused=$(events paused)
suspend "delivery is paused;" "SIGTSTP before a crash"
ok "it is in the journal" wait_for 10 has_events $((paused + 1)) paused
kill_spoold
is "$(spoolq pause)" "delivery is paused, when spoold starts and until 'spoolq resume'" \
    "an operator pauses then"
like "$(spoolq pause)" "^delivery is paused already, .*by spoolq" "once"
start_spoold "${relay[@]}"
ok "it lasts" says 1 "delivery is paused, by spoolq"
suspend "the status is written;" "SIGTSTP, too"
is "$(control resume)" \
    "ok * the%20status%20is%20read,%20then%20delivery%20goes%20on
end" "a resume tells what comes first"
ok "delivery goes on" wait_for 10 says 1 "delivery goes on: spoolq"

# ---- an operator's -----------------------------------------------------

is "$(control pause)" "ok * delivery%20is%20paused
end" "an operator pauses"
send_simple a@x.test fourth@y.test
not_tried fourth@y.test
ok "spoold stops" stop_spoold
fails 75 "--once delivers nothing then" run_spoold --once "${relay[@]}"
start_spoold "${relay[@]}"
like "$(<"$spoold_log")" \
    "delivery is paused, by spoolq, uid $(id -u): 'spoolq resume'" \
    "it lasts, and is warned of"
not_tried fourth@y.test
suspend "SIGTSTP: delivery is paused;" "SIGTSTP on top of it"
stop_spoold || fail "it stops in order"
start_spoold "${relay[@]}"
not_tried fourth@y.test
is "$(control resume)" "ok * delivery%20goes%20on
end" "until it is resumed"
ok "then it is delivered" wait_for 10 has_messages 8

is "$(control pause nobody)" "error * no%20relay%20of%20that%20name
end" "an unknown relay"
is "$(control pause a b)" "error * no%20relay%20of%20that%20name
end" "a list of them"
stop_spoold || fail "it stops in order"
first=$smtpd_out
smtpd_name=second start_smtpd
second=$smtpd_out
cat >>"$config" <<END
relay one {
  host = "127.0.0.1"
  port = $(<"$dir/smtpd.port")
  tls = none
}
relay two {
  host = "127.0.0.1"
  port = $smtpd_port
  tls = none
}
route {
  recipient = "*@two.test"
  relay = "two"
}
END
start_spoold
is "$(control pause two)" "ok * the%20relay%20is%20paused
end" "one relay is paused"
send_simple a@x.test x@two.test
send_simple a@x.test x@one.test
ok "the other one delivers" wait_for 10 has_messages 9 "$first"
ok "and this one's message is known" wait_for 10 has_line \
    "$spool/.journal.jsonl" 'admitted.*x@two.test'
is "$(count_messages "$second")" 0 "it does not"
# What waits there can go another way.
ok "it alone is left" wait_for 10 queue_has 1
id=$(ls "$spool/queue")
is "$(control "reroute one $id")" "ok $id rerouted
end" "a message takes the other way"
ok "which is open" wait_for 10 has_messages 10 "$first"
send_simple a@x.test y@two.test
ok "another one is known" wait_for 10 has_line \
    "$spool/.journal.jsonl" 'admitted.*y@two.test'
is "$(count_messages "$second")" 0 "it still waits"
is "$(control resume two)" "ok * the%20relay%20is%20used%20again
end" "the relay is used again"
ok "and delivers" wait_for 10 has_messages 1 "$second"

stop_spoold || fail "it stops in order"
done_testing
