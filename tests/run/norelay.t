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
ok "spoold stops" stop_spoold
unlike "$(cat "$spool/.status.json")" '"relay": *"' \
    "the status has no relay"
fails 75 "--once leaves it" run_spoold --once

# Without spoold: nobody has looked at the queue, and it is told.
send_simple a@x.test c@y.test
like "$(spoolq list 2>&1)" "c@y.test" "spoolq works without spoold"

start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
ok "with a relay it is delivered" wait_for 20 has_messages 2
ok "and the queue is empty" wait_for 10 queue_has 0
unlike "$(spoolq list 2>&1)" "[Nn]o relay" "nobody complains any more"
ok "spoold stops in the end" stop_spoold
done_testing
