#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A relay that takes only so many recipients at once (RFC 5321, section
# 4.5.3.1.10): the others go again at once, and no attempt is counted.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
cat >"$dir/script" <<'EOS'
rcpt match=busy* reply "451 4.2.0 busy"
rcpt match=none* reply "550 5.1.1 no such user"
rcpt msg=4 reply "452 4.5.3 too many recipients"
rcpt msg=5 reply "552 too many recipients"
rcpt msg=6 reply "452 too many recipients"
rcpt msg=7 reply "550 5.5.3 too many recipients"
EOS
start_smtpd --script "$dir/script"
# An attempt that counted would be the last.
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --attempts 1 \
    --connections 1

send_simple ann@x.test r{1..7}@y.test
ok "seven recipients, three at once: delivered" wait_for 15 has_messages 3
ok "the queue is empty" wait_for 10 queue_has 0
for i in 1 2 3 4 5 6 7; do
	[ "$(messages_to "r$i@y.test")" = 1 ] || fail "r$i has it once"
done
is "$(events delivered) $(events deferred) $(events failed)" "7 0 0" \
    "each is delivered, none put off"
is "$(count_log '-- connected')" 1 "over one connection"
is "$(events attempt)" 1 "which is one attempt"

send_simple ann@x.test none1@y.test q{1..5}@y.test none2@y.test
ok "with refused ones among them: delivered" wait_for 15 eval \
    '[ "$(events delivered)" = 12 ]'
ok "and those have failed" wait_for 10 eval '[ "$(events failed)" = 2 ]'
ok "spoold stops" stop_spoold

# No progress, no next round.
rm -rf "$spool"
make_spool
restart_smtpd --rule 'rcpt reply "452 4.5.3 too many recipients"'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
before=$(count_log 'C: RCPT')
send_simple ann@x.test r{1..5}@y.test
ok "too many is one: all are put off" wait_for 10 has_events 5 deferred
is "$(($(count_log 'C: RCPT') - before))" 5 "after one round"
is "$(queued)" 1 "and the message waits"
ok "spoold stops again" stop_spoold

# The message is refused: for those that it was about, and the others go on.
rm -rf "$spool"
make_spool
restart_smtpd --rule 'rcpt msg=2 reply "452 4.5.3 too many recipients"' \
    --rule 'dot times=1 reply "554 5.7.1 one does not want it"'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_simple ann@x.test one@y.test two@y.test
ok "refused at the end: delivered to the other" wait_for 10 has_messages 1
ok "and gone" wait_for 10 queue_has 0
is "$(events delivered) $(events deferred) $(events failed)" "1 0 1" \
    "only the one has failed"
ok "spoold stops once more" stop_spoold

# The connection has had its messages: the rest takes another.
rm -rf "$spool"
make_spool
restart_smtpd --max-messages 1 \
    --rule 'rcpt msg=2 reply "452 4.5.3 too many recipients"'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --connections 1
send_simple ann@x.test one@y.test two@y.test
ok "one message a connection: both are delivered" wait_for 15 has_messages 2
ok "and the message is gone" wait_for 10 queue_has 0
is "$(events delivered) $(events deferred) $(events lost)" "2 0 0" \
    "without trouble"
ok "spoold stops at last" stop_spoold

# Put off as a whole, or each by itself: they come back, and end, together.
rm -rf "$spool"
make_spool
printf '%s\n' 'retry = {"5s"}' 'attempts = 3' 'freq = 1s' >"$config"
restart_smtpd --rule 'mail times=1 reply "451 4.7.1 come back later"' \
    --rule 'rcpt match=full* reply "452 4.2.2 mailbox full"' --without DSN
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --connections 1
send_simple ann@x.test r{1..40}@y.test
ok "forty put off by one reply: delivered" wait_for 40 \
    eval '[ "$(events delivered)" = 40 ]'
copies=$(grep -lF 'rcpt <r' "$smtpd_out"/*.env | wc -l)
at_most "$copies" 2 "in one copy, or two"
ok "which is counted" test "$copies" -ge 1
send_simple ann@x.test full{1..40}@y.test
ok "forty full mailboxes: given up" wait_for 60 \
    eval '[ "$(events failed)" = 40 ]'
ok "and all is told" wait_for 40 queue_has 0
at_most "$(messages_to ann@x.test)" 2 "in one report, or two"
ok "spoold stops for good" stop_spoold
done_testing
