#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoold --once and --drain.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd --rule 'rcpt match=busy* times=2 reply "451 4.2.0 busy"' \
    --rule 'rcpt match=none* reply "550 5.1.1 none"'
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)

fails 0 "--once with an empty queue exits 0" run_spoold --once "${relay[@]}"
is "$(count_log '-- connected')" 0 "without a connection"
echo left >"$spool/tmp/old"
echo begun >"$spool/tmp/new"
touch -d '2 days ago' "$spool/tmp/old"
fails 0 "--once finds something in tmp/" run_spoold --once "${relay[@]}"
is "$(ls "$spool/tmp")" new "and sweeps what nobody wrote to for long"
rm "$spool/tmp/new"
for i in 1 2 3; do
	send_simple a@x.test "ok$i@y.test"
done
fails 0 "--once that delivers all exits 0" run_spoold --once "${relay[@]}"
is "$(count_messages) $(queued)" "3 0" "and has delivered all"

send_simple a@x.test busy@y.test
send_simple a@x.test ok4@y.test
fails 75 "--once that leaves something exits 75" \
    run_spoold --once "${relay[@]}"
is "$(count_messages) $(queued)" "4 1" "and has delivered the rest"
fails 75 "it does not wait for what is not due" \
    run_spoold --once "${relay[@]}"
is "$(count_log 'C: RCPT TO:<busy')" 1 "and does not try it"
ok "spoolq flush works without a spoold" spoolq flush
fails 75 "what was flushed is tried" run_spoold --once "${relay[@]}"
is "$(count_log 'C: RCPT TO:<busy')" 2 "once"
like "$(spoolq show "$(ls "$spool/queue")")" "2 attempts" \
    "attempts are remembered from run to run"

# --drain waits.
launch_spoold --drain "${relay[@]}"
# (While none runs, spoolq has the lock for a moment.)
wait_for 20 _serves_or_gone
ok "--drain delivers what is left" flushing 20 has_messages 5
ok "and ends" wait_for 10 is_gone "$spoold_pid"
wait "$spoold_pid"
is "$?" 0 "with 0"
is "$(queued)" 0 "the queue is empty"
fails 0 "--drain with an empty queue ends at once" \
    run_spoold --drain "${relay[@]}"

send_simple a@x.test none@y.test
fails 0 "a refused message does not keep --once from 0" \
    run_spoold --once "${relay[@]}"
is "$(queued) $(queued failed)" "0 1" "it is in failed/"

# Nobody there.
port=$smtpd_port
stop_smtpd || fail "smtpd ends"
send_simple a@x.test later@y.test
fails 75 "--once without a relay that answers exits 75" \
    run_spoold --once "${relay[@]}"
is "$(queued)" 1 "and keeps the message"
start_smtpd --port "$port"
spoolq flush
fails 0 "the next one delivers it" run_spoold --once "${relay[@]}"
is "$(queued)" 0 "for good"

# One spoold a spool.
start_spoold "${relay[@]}"
fails 75 "a second spoold does not start" run_spoold --once "${relay[@]}"
ok "the first one works on" send_simple a@x.test "last@y.test"
ok "and delivers" wait_for 10 eval '[ "$(messages_to last@y.test)" = 1 ]'
ok "and stops" stop_spoold
done_testing
