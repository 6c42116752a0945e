#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A thousand messages over at most ten connections: each exactly once.

TEST_TIMEOUT=180
. "${srcdir:?}/tests/run/lib.sh"

messages=1000

make_spool
# No more than that when it is slow, either.
echo 'connections_max = 10' >"$config"
# A server that takes its time makes spoold want more connections.
start_smtpd --rule 'dot delay 0.01'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --connections 10
start=$(now)
ok "a thousand are submitted" send_numbered "$messages"
diag "submitted in $((($(now) - start) / 1000)) ms"
ok "all arrive" wait_for 90 has_messages "$messages"
diag "delivered in $((($(now) - start) / 1000)) ms"
ok "the queue is empty" wait_for 30 queue_has 0
is "$(queued failed)" 0 "and nothing is in failed/"
is "$(count_messages)" "$messages" "as many as were sent"
is "$(cat "$smtpd_out"/*.env | sed -n 's/^rcpt <r\([0-9]*\)@.*/\1/p' |
    sort -n | uniq -c | awk '$1 == 1' | wc -l)" "$messages" \
    "each of them once"
wrong=0
for env in "$smtpd_out"/*.env; do
	n=$(sed -n 's/^rcpt <r\([0-9]*\)@.*/\1/p' "$env")
	{ grep -q "^mail <s$n@x.test>" "$env" &&
	    grep -q "^number $n.\$" "${env%.env}.eml"; } || wrong=$((wrong + 1))
done
is "$wrong" 0 "with its own sender and text"
at_most "$(stat_of max_concurrent)" 10 "connections at once"
ok "more than one, though" test "$(stat_of max_concurrent)" -gt 1
is "$(events delivered)" "$messages" "by the journal too"
is "$(events relay-down)" 0 "without trouble on the way"
ok "spoold stops" stop_spoold

# One connection is one connection.
restart_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --connections 1
for i in {1..50}; do
	send_simple a@x.test "b$i@y.test"
done
ok "fifty over one connection arrive" wait_for 30 has_messages 50
ok "and the queue is empty" wait_for 10 queue_has 0
ok "the server saw one at a time" wait_for 5 eval \
    '[ "$(stat_of max_concurrent)" = 1 ]'
ok "spoold stops again" stop_spoold
done_testing
