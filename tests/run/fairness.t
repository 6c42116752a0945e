#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Who does not have to wait for whom: messages on which the relay stalls, a
# sender with thousands of messages, a newsletter, and one with thousands of
# recipients hold up nobody else.  Not measured in seconds, but in what the
# relay got before what.

: "${TEST_TIMEOUT:=240}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

times=$dir/times
smtpd_log=$dir/smtpd.log

# send_many SENDER N [FIELD]: so many messages of that sender
send_many() {
	local sender=$1 n=$2 field=${3:-X-Nothing: 1} part i pids=() status=0
	for part in 1 2 3 4; do
		(
			for ((i = part; i <= n; i += 4)); do
				printf '%s\n\nx\n' "$field" |
				    sm -i -f "$sender" -- "r$i@y.test" ||
				    exit 1
			done
		) &
		pids+=("$!")
	done
	for part in "${pids[@]}"; do
		wait "$part" || status=1
	done
	return "$status"
}

# begin SMTPD-ARGS... -- LINES...: a fresh server and spool, and spoold.conf
begin() {
	local args=()
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	rm -rf "$spool" "$times"
	: >"$times"
	# Of thousands of messages only the times matter.
	"$SMTPD" --with-parent --port-file "$dir/port" --times "$times" \
	    "${args[@]}" 2>>"$dir/smtpd.err.log" &
	smtpd_pid=$!
	wait_for 10 test -e "$dir/port" || bail "smtpd does not start"
	smtpd_port=$(<"$dir/port")
	rm -f "$dir/port"
	config=$dir/fair.conf
	{
		echo "relay = \"127.0.0.1:$smtpd_port\""
		printf '%s\n' 'tls = none' 'aliases = none' "$@"
	} >"$config"
	make_spool
}

end() {
	ok "$1: spoold stops" stop_spoold
	stop_smtpd || fail "$1: smtpd ends"
}

# from SENDER: how many of that sender the relay has accepted
from() {
	grep -Fc "<$1>" "$times"
}

has_from() { # N SENDER
	[ "$(from "$2")" -ge "$1" ]
}

# place N SENDER: how many messages the relay had accepted with the N-th of that
# sender
place() {
	grep -Fn "<$2>" "$times" | sed -n "$1{s/:.*//;p}"
}

# attempts: the senders of the messages, in the order in which they were handed
# out; and, after "new", where each of them was admitted
attempts() {
	sed -n 's/.*"event":"attempt","id":"\([^"]*\)".*/try \1/p
	    s/.*"event":"admitted","id":"\([^"]*\)".*"sender":"/new \1 /
	    s/^\(new [^"]*\)".*/\1/p' \
	    "$spool/.journal.jsonl" |
	    awk '$1 == "new" { sender[$2] = $3; print "new", $3 }
		$1 == "try" { print sender[$2] }'
}

# between LINE N LINE M: lines of attempts from the Nth LINE to the Mth other one
between() {
	attempts | awk -v a="$1" -v n="$2" -v b="$3" -v m="$4" '
	    $0 == a { na++ }
	    $0 == b { nb++ }
	    na >= n && $1 != "new" { count++ }
	    nb >= m { exit }
	    END { print count + 0 }'
}

# --- 30 messages on which the relay stalls, and 100 others: all for one relay,
# which has ten connections
what="stalled"
begin --rule "dot match=stall@x.test wait-file $dir/go" -- \
    'connections = 10' 'connections_max = 50' 'slow_after = 2s' 'fair = none'
ok "$what: 30 messages are sent" send_many stall@x.test 30
start_spoold
ok "$what: 100 others are sent" send_many other@x.test 100
ok "$what: these arrive" wait_for 60 has_from 100 other@x.test
is "$(from stall@x.test)" 0 "$what: before any of the 30"
touch "$dir/go"
ok "$what: which arrive in the end" wait_for 30 has_from 30 stall@x.test
ok "$what: the queue is empty" wait_for 10 queue_has 0
is "$(wc -l <"$times")" 130 "$what: all came once"
rm "$dir/go"
end "$what"

# --- one sender has 2000, another 5
what="many"
begin -- 'rate = "50/s"' 'fair = sender'
ok "$what: 2000 of one sender" send_many loop@x.test 2000
start_spoold
ok "$what: some arrive" wait_for 30 has_from 50 loop@x.test
# However long they take to be sent.
ok "$what: a pause" spoolq pause
ok "$what: 5 of another" send_many invoice@x.test 5
all_known() {
	[ "$(attempts | grep -Fxc 'new invoice@x.test')" -eq 5 ]
}
ok "$what: they are known" wait_for 30 all_known
before=$(wc -l <"$times")
ok "$what: the pause ends" spoolq resume
ok "$what: they arrive" wait_for 30 has_from 5 invoice@x.test
at_most "$(between invoice@x.test 1 invoice@x.test 5)" 10 \
    "$what: one of one, one of the other"
ok "$what: soon" test "$(place 1 invoice@x.test)" -le $((before + 200))
ok "$what: long before the 2000" test "$(place 5 invoice@x.test)" -le 1000
end "$what"

# --- what is urgent, and a backlog of 500
what="lane"
lanes=('lane "urgent" {' 'priority = "urgent"' 'reserve = 2' '}')
begin -- 'rate = "30/s"' 'fair = none' "${lanes[@]}"
ok "$what: 500 messages" send_many news@x.test 500
start_spoold
ok "$what: some arrive" wait_for 30 has_from 20 news@x.test
ok "$what: an urgent one" send_many reset@x.test 1 'Priority: urgent'
before=$(wc -l <"$times")
ok "$what: it arrives" wait_for 20 has_from 1 reset@x.test
# Those that are on their way stay before it.
at_most "$(between 'new reset@x.test' 1 reset@x.test 1)" 3 \
    "$what: its turn is at once"
at_most $(($(place 1 reset@x.test) - before)) 25 "$what: so it arrives"
ok "$what: long before the 500" test "$(place 1 reset@x.test)" -le 300
end "$what"

# --- all connections but the reserved ones are busy
what="reserve"
begin --rule "dot match=news@x.test wait-file $dir/go" \
    --log "$smtpd_log" -- 'connections = 4' \
    'connections_max = 4' "${lanes[@]}"
ok "$what: 20 messages" send_many news@x.test 20
start_spoold
are_begun() {
	[ "$(count_log ' C: DATA$')" -ge "$1" ]
}
ok "$what: all but two connections are busy" wait_for 20 are_begun 2
ok "$what: an urgent one" send_many reset@x.test 1 'Priority: urgent'
ok "$what: it arrives" wait_for 20 has_from 1 reset@x.test
is "$(from news@x.test)" 0 "$what: while the relay has answered no other"
touch "$dir/go"
ok "$what: the others come later" wait_for 30 has_from 20 news@x.test
rm "$dir/go"
end "$what"

# --- 10,000 recipients
what="recipients"
begin --reply-delay 20 -- 'connections = 4' 'recipients_per_message = 100'
{
	printf 'Subject: x\nTo: undisclosed:;\n'
	seq -f 'Bcc: r%.0f@y.test' 10000
	printf '\nx\n'
} | sm -i -t -f news@x.test
is "$?" 0 "$what: one message for 10,000"
ok "$what: 20 for one" send_many single@x.test 20
start_spoold
ok "$what: the 20 arrive" wait_for 60 has_from 20 single@x.test
ok "$what: before half of the 10,000" \
    test "$(head -n "$(place 20 single@x.test)" "$times" |
	grep -Fc '<news@x.test>')" -lt 50
ok "$what: which arrive, too" wait_for 60 has_from 100 news@x.test
ok "$what: the queue is empty" wait_for 20 queue_has 0
is "$(from news@x.test)" 100 "$what: a hundred at once"
end "$what"
done_testing
