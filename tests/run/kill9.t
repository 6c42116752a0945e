#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# SIGKILL in the middle of a thousand messages, for spoold and for agents:
# all arrive, and what comes twice was in flight.

TEST_TIMEOUT=240
. "${srcdir:?}/tests/run/lib.sh"

messages=1000
connections=10
relay=(--tls none --connections "$connections")

agents_of() {
	ps -o pid= --ppid "$1"
}

has_agents() {
	[ -n "$(agents_of "$spoold_pid")" ]
}

all_gone() {
	local pid
	for pid in "$@"; do
		is_gone "$pid" || return 1
	done
}

make_spool
# Slow enough that there still is a middle when this script is late.
start_smtpd --rule 'dot delay 0.05'
ok "a thousand are submitted" send_numbered "$messages"
is "$(queued)" "$messages" "a thousand messages are queued"

# spoold itself.
kills=0
for target in 60 150 250 350 450; do
	start_spoold --relay "127.0.0.1:$smtpd_port" "${relay[@]}"
	wait_for 60 has_messages "$target" || break
	mapfile -t agents < <(agents_of "$spoold_pid")
	kill_spoold
	kills=$((kills + 1))
	ok "kill $kills: its agents end by themselves" \
	    wait_for 20 all_gone "${agents[@]}"
done
is "$kills" 5 "spoold was killed five times"
at_most "$(count_messages)" $((messages - 200)) "in the middle of it"

# Agents, under a spoold that lives on.
start_spoold --relay "127.0.0.1:$smtpd_port" "${relay[@]}"
agent_kills=0
for target in 550 650 750; do
	flushing 60 has_messages "$target" || break
	wait_for 10 has_agents
	for agent in $(agents_of "$spoold_pid"); do
		kill -KILL "$agent" && agent_kills=$((agent_kills + 1))
		break
	done
done
is "$agent_kills" 3 "an agent was killed three times"
ok "spoold says so" wait_for 10 has_line "$spoold_log" 'agent .* died'
ok "everything is delivered in the end" flushing 90 queue_has 0
is "$(queued failed)" 0 "nothing failed"
is "$(cat "$smtpd_out"/*.env | sed -n 's/^rcpt <r\([0-9]*\)@.*/\1/p' |
    sort -un | wc -l)" "$messages" "all thousand arrived"
duplicates=$(($(count_messages) - messages))
# Each kill can repeat what was in flight then: one message a connection, and
# one more that waited there.
at_most "$duplicates" $(((kills + agent_kills) * 2 * connections)) \
    "what came twice is bounded by what was in flight"
# recipients EVENT: one a line, as often as the journals have it
recipients() {
	cat "$spool"/.journal.jsonl* |
		sed -n "s/.*\"event\":\"$1\".*\"rcpt\":\"\([^\"]*\)\".*/\1/p"
}
# Once more than there were doubts about somebody.
is "$({
	recipients uncertain | sed 's/^/doubt /'
	cat "$smtpd_out"/*.env | sed -n 's/^rcpt <\([^>]*\)>.*/came \1/p'
} | awk '{ n[$2] += $1 == "came" ? 1 : -1 }
    END { for (rcpt in n) if (n[rcpt] > 1) print rcpt }')" "" \
    "the journal has a doubt for each of them"
ok "some were in doubt" [ "$(events uncertain)" -gt 0 ]
ok "spoold stops" stop_spoold

# sendmail, at any time: what exited 0 is queued, and no half is.
rm -rf "$spool"
make_spool
acknowledged=0
{ printf 'Subject: big\n\n'; head -c 300000 /dev/zero | tr '\0' x
    echo; } >"$dir/mail"
# big_mail N: a process becomes sendmail
big_mail() {
	exec "$SENDMAIL" -C "$config" --spool "$spool" -i -f a@x.test -- \
	    "k$1@y.test" <"$dir/mail"
}
# How long that takes here.
start=$(now)
(big_mail 0)
is "$?" 0 "nobody kills sendmail: it is queued"
took=$(($(now) - start))
echo k0 >"$dir/acknowledged"
for ((i = 1; i <= 60; i++)); do
	at=$((took * (i % 10) / 8))
	big_mail "$i" &
	pid=$!
	pause "$((at / 1000000)).$(printf '%06d' $((at % 1000000)))"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null && {
		acknowledged=$((acknowledged + 1))
		echo "k$i" >>"$dir/acknowledged"
	}
done
diag "$acknowledged of 60 had exited 0 before they were killed"
restart_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" "${relay[@]}"
ok "what a killed sendmail left is delivered" flushing 30 queue_has 0
is "$(queued failed)" 0 "none of it is damaged"
lost=0
while read -r name; do
	[ "$(messages_to "$name@y.test")" = 1 ] || lost=$((lost + 1))
done < <(cat "$dir/acknowledged" 2>/dev/null)
is "$lost" 0 "and all that was acknowledged is there once"
is "$(find "$smtpd_out" -name '*.eml' -size -290k | wc -l)" 0 \
    "no half message"
ok "spoold stops in the end" stop_spoold
done_testing
