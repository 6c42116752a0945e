#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Two relays in one, Postfix preferred to Exim, while mail flows: Postfix is
# killed, and comes back.  Everything arrives, and once.

: "${TEST_TIMEOUT:=240}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/relays.sh"

need_relays postfix exim
start_relay postfix
start_relay exim
config=$dir/pair.conf
{
	echo 'relay "pair" {'
	echo "host = {\"localhost:${port[postfix]}\", \"localhost:${port[exim]}\"}"
	relay_config postfix
	echo 'connections = 5'
	# Who has a connection keeps it for so long, wherever it leads.
	echo 'messages_per_connection = 10'
	echo '}'
	echo 'aliases = none'
} >"$config"
make_spool
start_spoold

sent=0
# send_one: the next message
send_one() {
	sent=$((sent + 1))
	printf 'Subject: x\nMessage-ID: <%d@flow.x>\n\nx\n' "$sent" |
	    sm -i -f ann@x.test -- "r@y.test" || fail "message $sent was sent"
}

# flow N: so many more, one every 20 ms
flow() {
	local until=$((sent + $1))
	while [ "$sent" -lt "$until" ]; do
		send_one
		pause 0.02
	done
}

# arrivals: those at Postfix and Exim
arrivals() {
	{ relay_ids postfix; relay_ids exim; } | sort
}

all_arrived() {
	[ "$(arrivals | sort -u | wc -l)" -eq "$sent" ]
}

# accepted: each message as often as Postfix and Exim have accepted it: their ids
# in Received tell.  A relay that is killed may put one into its box twice.
accepted() {
	find "$(relay_box postfix)" "$(relay_box exim)" -type f -exec awk '
	    FNR == 1 { queue_id = "" }
	    queue_id == "" && match($0, /[ \t]id [A-Za-z0-9-]+/) {
		queue_id = substr($0, RSTART + 4, RLENGTH - 4)
	    }
	    /^Message-I[Dd]:/ { print $2, queue_id; nextfile }' {} + | sort -u |
	    cut -d ' ' -f 1
}

# someone_rests: there is an agent that would not use Postfix; each says once
# that it does not, and once that it does again
someone_rests() {
	local host="host 'localhost:${port[postfix]}'"
	[ "$(grep -Fc "$host rests for" "$spoold_log")" -gt \
	    "$(grep -Fc "$host is back" "$spoold_log")" ]
}

# postfix_has_new N: any that was sent after the Nth.  What it has of those
# before may be a copy in doubt, accepted before it was killed.
postfix_has_new() {
	relay_ids postfix | tr -cd '0-9\n.' | awk -F. -v n="$1" '
	    $1 > n { found = 1 } END { exit !found }'
}

# --- the first while it is there
flow 100
ok "both are there: all go to the first" wait_for 40 relay_has 100 postfix
is "$(relay_ids exim | wc -l)" 0 "both are there: none to the second"

# --- without the first, which is killed at work
for i in {1..50}; do
	send_one
done
kill_relay postfix
away=$(now)
flow 100
ok "the first is killed: mail goes to the second" \
    wait_for 40 relay_has 100 exim
# What was on its way at that moment waits for its second attempt.
ok "the first is killed: the queue is empty" flushing 30 queue_has 0
is "$(events failed)" 0 "the first is killed: nothing is refused"

# --- and back
ok "the first is killed: it rests" someone_rests
start_relay postfix
before=$(relay_ids exim | wc -l)
ok "it is back: it delivers what it had accepted" wait_for 40 all_arrived
last=$sent

# A host that failed is left alone for a minute, by each of the agents; some at
# once, so that all of them have something to send.
send_until_back() {
	local i
	spoolq pause >/dev/null
	for i in {1..6}; do
		send_one
	done
	spoolq resume >/dev/null
	pause 2
	postfix_has_new "$last" && ! someone_rests
}
ok "it is back: mail goes to it again" wait_for 100 send_until_back
diag "it was used again $((($(now) - away) / 1000000)) s after it was killed"
# What the second has accepted by now is in its box before it is counted.
ok "it is back: all is where it belongs" wait_for 40 all_arrived
at=$(relay_ids exim | wc -l)
flow 100
ok "it is back: the queue is empty" wait_for 40 queue_has 0
ok "it is back: all arrive" wait_for 40 all_arrived
at_most "$(($(relay_ids exim | wc -l) - at))" $((4 * 10)) \
    "it is back: the second has what its other connections were open for"
diag "$((at - before)) came to the second after the first was back"

# --- in all
is "$(arrivals | sort -u | wc -l)" "$sent" "in all: none is lost"
# A relay that dies between the final dot and its reply may have the message;
# that is known, and told.  No other may come twice.
uncertain=$(cat "$spool"/.journal* | grep '"event":"uncertain"' |
    sed -n 's/.*"id":"\([^"]*\)".*/\1/p' | sort -u | wc -l)
is "$(accepted | sort -u | wc -l)" "$sent" "in all: each has been accepted"
doubles=$(accepted | uniq -d | wc -l)
at_most "$doubles" "$uncertain" "in all: none is doubled, unless in doubt"
at_most "$uncertain" 5 "in all: at most one doubt a connection"
is "$(queued failed)" 0 "in all: nothing was given up"
ok "spoold stops" stop_spoold
kill_relay postfix
kill_relay exim
done_testing
