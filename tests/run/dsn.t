#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Delivery status notifications (RFC 3461): what the sender asked for reaches
# a relay that offers DSN, and no other; what libESMTP has no room for is
# refused before it comes near it.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

# sent COMMAND...: it succeeds, and $env is the envelope that arrived
sent() {
	local before
	before=$(count_messages)
	printf 'Subject: x\n\nx\n' | "$@" 2>"$dir/err.txt"
	ok "$*: exits 0" [ "${PIPESTATUS[1]}" -eq 0 ]
	wait_for 20 has_messages $((before + 1)) || fail "$*: arrives"
	env=$(cat "$(find "$smtpd_out" -name '*.env' | sort | tail -n 1)" |
	    sed -n 's/ *$//; /^mail\|^rcpt/p' | sed 's/ SIZE=[0-9]*//')
}

make_spool
start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

# ---- a relay with DSN --------------------------------------------------

sent sm -i -f s@x.test a@y.test
is "$env" "mail <s@x.test>
rcpt <a@y.test>" "nothing asked for, nothing sent"
sent sm -i -N success,delay -R hdrs -V QQ314 -f s@x.test a@y.test b@y.test
is "$env" "mail <s@x.test> RET=HDRS ENVID=QQ314
rcpt <a@y.test> NOTIFY=SUCCESS,DELAY
rcpt <b@y.test> NOTIFY=SUCCESS,DELAY" "all of it"
sent sm -i -N never -R full -f s@x.test a@y.test
is "$env" "mail <s@x.test> RET=FULL
rcpt <a@y.test> NOTIFY=NEVER" "the other values"
sent sm -i -V 'a+b=c d' -f s@x.test a@y.test
like "$env" 'ENVID=a\+2Bb\+3Dc\+20d' "ENVID is encoded"

smtp() { # MAIL-PARAMETERS RCPT-PARAMETERS
	printf '%s\r\n' "EHLO x" "MAIL FROM:<s@x.test> $1" \
	    "RCPT TO:<a@y.test> $2" DATA "Subject: x" "" x . QUIT |
	    sm -bs >"$dir/replies"
}
sent smtp "RET=FULL ENVID=q+2Bq" "NOTIFY=FAILURE ORCPT=rfc822;o+2Bo@z.test"
is "$env" "mail <s@x.test> RET=FULL ENVID=q+2Bq
rcpt <a@y.test> NOTIFY=FAILURE ORCPT=rfc822;o+2Bo@z.test" "all of -bs"

# The longest, in bytes as sent: 250.
e250=$(printf '+%.0s' {1..83})a
sent sm -i -V "$e250" -f s@x.test a@y.test
like "$env" $'ENVID=(\\+2B){83}a\n' "an ENVID of 250 bytes"
long=$(printf 'o%.0s' {1..236})
sent smtp "" "ORCPT=rfc822;$long@z.test"
like "$env" "ORCPT=rfc822;$long@z\.test" "an ORCPT of 250 bytes"
sent sm -i -V "${e250}b" -f s@x.test a@y.test
unlike "$env" ENVID "one more: without it"
is "$(wc -l <"$dir/err.txt")" 1 "one more: with a warning"
printf '%s\r\n' "EHLO x" "MAIL FROM:<s@x.test> ENVID=${long}123456789012345" \
    "RCPT TO:<a@y.test> ORCPT=rfc822;${long}1234567890123@z.test" QUIT |
    sm -bs >"$dir/replies"
is "$(grep -c '^501' "$dir/replies")" 1 "-bs: an ENVID of 251 bytes is refused"

# Files that nobody here wrote.
printf 'Subject: x\n\nx\n' | crlf | put_message "$spool/queue" 3286A1B2C3 \
    1763770000123456 ann@x.test "a@y.test ORCPT=rfc822;$long$long"
ok "a file with a longer one is set aside" wait_for 20 queue_has 0
is "$(find "$spool/failed" -name '*.damaged' | wc -l)" 1 \
    "a file with a longer one: in failed/"
ok "and spoold-smtp lives" eval 'sent sm -i -f s@x.test z@y.test'

# ---- a relay without ---------------------------------------------------

# What was not answered when the server ended would come to the next one.
ok "all has been sent" wait_for 20 queue_has 0
restart_smtpd --ehlo PIPELINING --ehlo 8BITMIME
sent sm -i -N success,delay -R hdrs -V QQ314 -f s@x.test a@y.test
is "$env" "mail <s@x.test>
rcpt <a@y.test>" "without DSN: nothing of it"
sent smtp "RET=FULL ENVID=q+2Bq" "NOTIFY=FAILURE ORCPT=rfc822;o+2Bo@z.test"
is "$env" "mail <s@x.test>
rcpt <a@y.test>" "without DSN: nothing of -bs"

is "$(events lost) $(events failed)" "0 0" "no agent died, nobody failed"
ok "spoold stops" stop_spoold
done_testing
