#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# doc/SPOOL.md, invariant 6: messages on which the relay stalls do not hold
# back the others for the same relay.

TEST_TIMEOUT=150
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

agent=$builddir/spoold/smtp/spoold-smtp
make_spool
cd "$spool" || bail "no spool"
mkfifo "$dir/commands"

# start_agent SETTING...: ready for "send" on descriptor 9
start_agent() {
	: >"$dir/said"
	"$agent" <"$dir/commands" >"$dir/said" 2>>"$dir/agent.log" &
	agent_pid=$!
	exec 9>"$dir/commands"
	printf 'set %s\n' "host 127.0.0.1" "port $smtpd_port" "tls none" \
	    "reply_timeout 100" "$@" >&9
	echo go >&9
	wait_for 10 has_line "$dir/said" '^ready$' || bail "no agent"
}

end_agent() {
	exec 9>&-
	ok "$1: the agent ends" wait_for 10 is_gone "$agent_pid" ||
	    kill -KILL "$agent_pid"
	wait "$agent_pid"
	is "$?" 0 "$1: well"
}

# put FROM TO SENDER: so many messages
put() {
	local i
	for ((i = $1; i <= $2; i++)); do
		printf 'Subject: %d\n\nsmall\n' "$i" | crlf |
		    put_message queue "$(id_of "$i")" 1763770000123456 \
		        "$3@x.test" "$3$i@y.test"
	done
}

id_of() {
	printf '3286A1B%03X' "$1"
}

send_all() { # FROM TO
	local i
	for ((i = $1; i <= $2; i++)); do
		printf 'send %s *\n' "$(id_of "$i")"
	done >&9
}

has_done() { # N
	[ "$(grep -c '^done' "$dir/said")" -ge "$1" ]
}

slow_is() { # N
	[ "$(grep '^slow' "$dir/said" | tail -n 1)" = "slow $1" ]
}

were_at_once() { # N sessions, at least
	[ "$(stat_of max_concurrent)" -ge "$1" ]
}

put 1 12 slow
put 13 52 fine
put 60 69 fine

# held STAGE: the relay holds twelve messages there until it is told to go on
held() {
	local stage=$1 seen
	rm -f "$dir/go"
	smtpd_name=$stage start_smtpd \
	    --rule "$stage match=$2 wait-file \"$dir/go\"; default"
	start_agent "connections 4" "connections_max 16" "slow_after 1" \
	    "linger_ms 60000"
	send_all 1 52
	ok "$stage: the others pass" wait_for 30 has_done 40
	is "$(count_messages)" 40 "$stage: while twelve are held"
	ok "$stage: spoold is told that more are welcome" wait_for 10 slow_is 12
	wait_for 10 were_at_once 13 ||
	    fail "$stage: a session for each that is held"
	seen=$(stat_of max_concurrent)
	at_most "$seen" 16 "$stage: not more sessions than the limit"
	: >"$dir/go"
	ok "$stage: they pass, too" wait_for 20 has_done 52
	ok "$stage: nobody is slow any more" wait_for 10 slow_is 0
	is "$(count_messages)" 52 "$stage: each once"
	ok "$stage: the sessions that are too many have ended" \
	    wait_for 10 eval '[ "$(stat_of current)" -le 4 ]'
	# There is work again: then the sessions that are too many end.
	send_all 60 69
	ok "$stage: later ones pass" wait_for 20 has_done 62
	end_agent "$stage"
	stop_smtpd || fail "$stage: the server ends"
}

held rcpt 'slow*@y.test'
held dot 'slow@x.test'

# ---- without a second limit --------------------------------------------

rm -f "$dir/go"
smtpd_name=one start_smtpd \
    --rule "dot match=slow@x.test wait-file \"$dir/go\"; default"
start_agent "connections 2" "connections_max 2" "slow_after 1"
send_all 1 3
ok "no second limit: two are held" wait_for 10 eval \
    '[ "$(stat_of current)" = 2 ]'
# Longer than it takes to be slow.
pause 2
is "$(grep -c '^slow [1-9]' "$dir/said")" 0 "no second limit: none is asked for"
: >"$dir/go"
ok "no second limit: all pass" wait_for 20 has_done 3
is "$(stat_of max_concurrent)" 2 "no second limit: two sessions"
end_agent "no second limit"
stop_smtpd || fail "the server ends"

done_testing
