#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What others do to the spool while spoold serves it.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd
relay=(--relay "127.0.0.1:$smtpd_port" --tls none --freq 1)

# A backup by hard links.
send_simple a@x.test linked@y.test
mkdir "$dir/backup"
ln "$spool"/queue/* "$dir/backup"
fails 0 "a message with a second name is delivered" \
    run_spoold --once "${relay[@]}"
is "$(messages_to linked@y.test)" 1 "once"

# The socket goes, and comes again.
start_spoold "${relay[@]}"
rm "$spool/.control"
ok "a removed socket is made again" wait_for 10 test -S "$spool/.control"
ok "and serves" spoolq flush

# The journal goes: what happened is in the status.
send_simple a@x.test before@y.test
ok "mail is delivered" wait_for 10 eval '[ "$(messages_to before@y.test)" = 1 ]'
ok "and what became of it is written" wait_for 10 \
    grep -q '"delivered".*before@y.test' "$spool/.journal.jsonl"
rm "$spool/.journal.jsonl"
ok "a removed journal is begun anew" \
    wait_for 10 test -e "$spool/.journal.jsonl"
send_simple a@x.test after@y.test
ok "and delivery goes on" wait_for 10 \
    eval '[ "$(messages_to after@y.test)" = 1 ]'
ok "and is journalled there" wait_for 10 \
    grep -q '"delivered".*after@y.test' "$spool/.journal.jsonl"

# The spool is replaced: mail goes where this spoold does not look.
mv "$spool" "$spool.old"
make_spool
send_simple a@x.test new@y.test
ok "spoold ends when its spool is another one" \
    wait_for 10 is_gone "$spoold_pid"
wait "$spoold_pid"
is "$?" 72 "with EX_OSFILE"
like "$(<"$spoold_log")" "was removed or replaced" "and says so"
fails 0 "the next one finds the mail" run_spoold --once "${relay[@]}"
is "$(messages_to new@y.test)" 1 "and delivers it"

# Another copy of the status for others to read.
send_simple a@x.test copy@y.test
fails 0 "a copy of the status is written" \
    run_spoold --once --json "$dir/copy.json" "${relay[@]}"
ok "with all that the status has" cmp "$dir/copy.json" "$spool/.status.json"

# A FIFO holds nobody up.
rm "$spool/.journal.jsonl"
mkfifo "$spool/.journal.jsonl"
fails 71 "a FIFO for a journal is refused" run_spoold --once "${relay[@]}"
ok "and spoolq does not wait for it" spoolq list
rm "$spool/.journal.jsonl"
done_testing
