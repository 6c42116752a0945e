#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# From sendmail to the relay in plaintext: the bytes, the envelope, the time.

. "${srcdir:?}/tests/run/lib.sh"

to_crlf() {
	sed 's/$/\r/' "$1"
}

# received N FILE NAME: message N of the relay is FILE with CRLF
received() {
	to_crlf "$2" >"$dir/want"
	ok "$3" cmp "$dir/want" "$smtpd_out/00000$1.eml"
}

make_spool
# All of them in one transaction.
echo "recipients_per_message = 200" >>"$config"
start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

# What a careless agent would change: dots, repeated fields, odd spelling of
# names, long lines, 8-bit, trailing spaces, an end without anything.
{
	cat <<'EOM'
Received: from a by b; Sat, 22 Nov 2025 10:00:00 +0000
Received: from b by c; Sat, 22 Nov 2025 10:00:01 +0000
DKIM-Signature: v=1; a=rsa-sha256; h=from:to:subject;
	b=AAAA
  BBBB
from: Ann  <ann@x.test>
To: bob@y.test
TO: second@y.test
Cc: c1@y.test
Cc: c2@y.test
Subject: one
Subject: two
X-Empty:
Reply-To: r1@x.test
Reply-To: r2@x.test
Date: Sat, 22 Nov 2025 10:00:02 +0000
Date: Sat, 22 Nov 2025 10:00:03 +0000
Message-ID: <1@x.test>
Message-Id: <2@x.test>
Sender: s1@x.test
Sender: s2@x.test
Disposition-Notification-To: d@x.test
Original-Recipient: rfc822;o@y.test
Resent-From: rf@x.test
Resent-Date: Sat, 22 Nov 2025 10:00:04 +0000
Resent-Message-Id: <3@x.test>
Resent-Reply-To: rr@y.test

.
..
.leading
...more
trailing spaces   
	tab
From the beginning
EOM
	printf '%s\n' "$(printf '%0997d' 0)"
	printf 'caf\303\251 \377\n\n\n'
} >"$dir/exact"
sm -i -f ann@x.test -- bob@y.test <"$dir/exact" 2>"$dir/sm.err"
is "$? $(cat "$dir/sm.err")" "0 " "sendmail succeeds and is silent"
ok "the message arrives" wait_for 10 has_messages 1
received 1 "$dir/exact" "byte for byte"
is "$(sed -E 's/ SIZE=[0-9]+$/ /' "$smtpd_out/000001.env" |
    grep -E '^(mail|rcpt|auth|tls)')" \
    $'tls none\nauth \nmail <ann@x.test> \nrcpt <bob@y.test> ' \
    "with its envelope, and nothing that was not asked for"
ok "the queue is empty then" wait_for 10 queue_has 0
is "$(queued failed)" 0 "and nothing is in failed/"
is_empty() {
	[[ $(spoolq list) == *"the queue is empty"* ]]
}
# It knows by the journal, which comes after the file.
ok "spoolq says so too" wait_for 10 is_empty

to_crlf "$dir/exact" | sm -i -f ann@x.test -- bob@y.test
ok "a message with CRLF arrives" wait_for 10 has_messages 2
received 2 "$dir/exact" "as the same bytes"

{
	sed '/^$/q' "$dir/exact"
	head -c 4000000 /dev/urandom | base64 -w 900 | sed 's/^[A-D]/./'
} >"$dir/big"
printf 'no end of line' >>"$dir/big"
sm -i -f ann@x.test -- bob@y.test <"$dir/big"
ok "five megabytes arrive" wait_for 30 has_messages 3
echo >>"$dir/big"
received 3 "$dir/big" "byte for byte, with its last line ended"

# The envelope.
rcpts=()
for i in {1..200}; do
	rcpts+=("r$i@y.test")
done
printf 'Subject: many\n\n' | sm -i -f '<>' -B 8BITMIME -- "${rcpts[@]}"
ok "a message to 200 arrives" wait_for 20 has_messages 4
like "$(grep ^mail "$smtpd_out/000004.env")" "mail <>.* BODY=8BITMIME" \
    "from the null sender, declared as 8BITMIME"
is "$(sed -n 's/^rcpt <\(.*\)> $/\1/p' "$smtpd_out/000004.env" | sort)" \
    "$(printf '%s\n' "${rcpts[@]}" | sort)" "in one go, to each of them"
like "$(cat "$smtpd_out/000004.eml")" \
    $'Date: .*\r\n' "a missing Date was added"

sm -t -i -f ann@x.test <<'EOM'
From: ann@x.test
To: Bob <t1@y.test>, "C, D" <t2@y.test>
Cc: group: t3@y.test, t4@y.test;
Bcc: t5@y.test,
 t6@y.test
Subject: -t

Hello
EOM
ok "-t arrives" wait_for 10 has_messages 5
is "$(sed -n 's/^rcpt <\(.*\)> $/\1/p' "$smtpd_out/000005.env" | sort |
    tr '\n' ' ')" \
    "t1@y.test t2@y.test t3@y.test t4@y.test t5@y.test t6@y.test " \
    "at the recipients of the header"
unlike "$(cat "$smtpd_out/000005.eml")" "[Bb]cc *:|t5@|t6@" "without Bcc"

# Sessions are used again, and new mail does not wait for a rescan.
best=999999
for i in {6..15}; do
	start=$(now)
	send_simple ann@x.test bob@y.test
	until [ -e "$smtpd_out/$(printf %06d "$i").eml" ]; do
		[ $(($(now) - start)) -lt 10000000 ] || break
		pause 0.001
	done
	took=$(($(now) - start))
	[ "$took" -ge "$best" ] || best=$took
done
at_most "$best" 500000 "at best, microseconds from sendmail to the relay"
ok "all that was sent arrived" wait_for 10 has_messages 15
at_most "$(count_log ' -- connected')" 14 "connections are used again"
ok "the queue is empty" wait_for 10 queue_has 0
is "$(events delivered)" 219 "each recipient is delivered by the journal"

ok "spoold stops in order" stop_spoold
ok "smtpd too" stop_smtpd

# What is offered decides what is used.
smtpd_name=plain start_smtpd --ehlo ''
start_spoold --relay "127.0.0.1:$smtpd_port" --tls opportunistic
printf 'Subject: plain\n\n\303\251\n' | sm -i -f a@x.test -B 8BITMIME -- b@y.test
ok "a server without extensions gets it too" wait_for 10 has_messages 1
is "$(grep ^mail "$smtpd_out/000001.env")" "mail <a@x.test> " \
    "without parameters it did not offer"
ok "spoold stops" stop_spoold
stop_smtpd

smtpd_name=helo start_smtpd --rule 'ehlo reply "502 5.5.1 not implemented"'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_simple a@x.test b@y.test
ok "a server that knows HELO only gets it too" wait_for 10 has_messages 1
ok "spoold stops again" stop_spoold
stop_smtpd

# IPv6, where the machine has it.
if grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null
then
	smtpd_name=ipv6 start_smtpd --listen ::1
	start_spoold --relay "[::1]:$smtpd_port" --tls none
	send_simple a@x.test b@y.test
	ok "an IPv6 literal is connected to" wait_for 10 has_messages 1
	ok "and spoold stops" stop_spoold
	stop_smtpd
else
	skip "an IPv6 literal is connected to" "no IPv6 here"
fi

done_testing
