#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# No relay configured: mail waits, and everybody says why.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_spoold
send_simple a@x.test b@y.test
ok "spoold sees the message" wait_for 10 has_events 1 admitted
is "$(queued)" 1 "it stays in the queue"
is "$(events attempt)" 0 "and is not tried"
like "$(cat "$spoold_log")" "[Nn]o relay" "the log says why"
like "$(spoolq list 2>&1)" "[Nn]o relay" "spoolq says why"
like "$(spoolq list 2>&1)" "b@y.test" "and shows the message"
like "$(spoolq mailq 2>&1)" "b@y.test" "mailq too"

# A snapshot knows nothing of what comes after it; that there is no relay, it
# does.
before=$(stat -c %y "$spool/.status.json")
kill -USR1 "$spoold_pid"
renewed() { [ "$(stat -c %y "$spool/.status.json")" != "$before" ]; }
ok "a snapshot is written" wait_for 10 renewed
send_simple a@x.test late@y.test
ok "another message comes" wait_for 10 has_events 2 admitted
is "$(spoolq list --ids --state no-relay | wc -l)" 2 "both lack a relay"
like "$(spoolq list 2>"$dir/err")" 'no relay +a@x.test -> late@y.test' \
    "and the list says so"
ok "spoold stops" stop_spoold
unlike "$(cat "$spool/.status.json")" '"relay": *"' \
    "the status has no relay"
fails 75 "--once leaves it" run_spoold --once

# Without spoold: nobody has looked at the queue, and it is told.
send_simple a@x.test c@y.test
like "$(spoolq list 2>&1)" "c@y.test" "spoolq works without spoold"

start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
ok "with a relay it is delivered" wait_for 20 has_messages 3
ok "and the queue is empty" wait_for 10 queue_has 0
unlike "$(spoolq list 2>&1)" "[Nn]o relay" "nobody complains any more"
ok "spoold stops in the end" stop_spoold
done_testing
