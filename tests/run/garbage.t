#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Servers that do not speak SMTP, or nearly: no agent dies, nothing is lost,
# and the other messages get through.

TEST_TIMEOUT=240
. "${srcdir:?}/tests/run/lib.sh"

make_spool

# What a server may say instead of a reply.  The session is dead after it or
# goes on, as the client likes; the message must come through later.
nonsense=(
	'garbage'
	'garbage 20000'
	'long 600'
	'long 5000'
	'long 300000'
	'endless 0'
	'endless 20'
	'raw "hello\r\n"'
	'raw "\r\n"'
	'raw "\n\n\n"'
	'raw "250"; drop'
	'raw "\0\0\0\0\r\n"'
	'raw "250-a\r\n550 b\r\n"'
	'raw "250-a\r\nnonsense\r\n250 b\r\n"'
	'raw "250-a\r\n"; drop'
	'raw "250-a\r\n250-b\r\n250-c"; drop'
	'raw "999 what\r\n"'
	'raw "000 what\r\n"'
	'raw "25 short\r\n"'
	'raw "2500 long\r\n"'
	'raw "-250 minus\r\n"'
	'raw "354 go\r\n354 go\r\n354 go\r\n"; drop'
	'raw "\xff\xfe\xff\xfe\r\n"; drop'
	'raw "220 x\r\n220 y\r\n220 z\r\n220 a\r\n220 b\r\n"; drop'
	'raw "550 %s%s%s%n\r\n"; drop'
)
stages=(mail rcpt data dot)

# All cases at once, each with an address of its own that its rule knows.
: >"$dir/script"
n=0
for stage in "${stages[@]}"; do
	for how in "${nonsense[@]}"; do
		n=$((n + 1))
		# 550 is an answer, and may be understood as one.
		[[ $how == *550* ]] && continue
		# To DATA, 354 is the right word; at dot, 250 is.
		[[ $stage == data && $how == *354* ]] && continue
		case $stage in
		rcpt) match="c$n.1@y.test" ;;
		*) match="c$n@x.test" ;;
		esac
		printf '%s times=1 match=%s %s\n' "$stage" "$match" "$how" \
		    >>"$dir/script"
	done
done
rules=$(wc -l <"$dir/script")
start_smtpd --script "$dir/script"
# What answers the last dot later than that gets the message twice.
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --reply-timeout 5 \
    --connections 10
sent=0
while read -r stage _ match how; do
	match=${match#match=}
	n=${match#c}
	n=${n%%[.@]*}
	send_simple "c$n@x.test" "c$n.1@y.test" "c$n.2@y.test"
	sent=$((sent + 1))
done <"$dir/script"
send_simple fine@x.test fine@y.test
diag "$sent messages with $rules kinds of nonsense"

ok "a well-treated message gets through amid all that" \
    wait_for 60 eval '[ "$(messages_to fine@y.test)" = 1 ]'
ok "all of them get through in the end" flushing 120 queue_has 0
is "$(queued failed)" 0 "none failed"
lost=
twice=
while read -r stage _ match how; do
	n=${match#match=c}
	n=${n%%[.@]*}
	for r in 1 2; do
		case $(messages_to "c$n.$r@y.test") in
		0) lost="$lost [$stage $how]" ;;
		1) ;;
		2)
			# What began with 2 was the server's yes, although
			# nobody can rely on it.
			[[ $stage == dot && $how =~ ^(long|raw\ \"2) ]] ||
			    twice="$twice [$stage $how]"
			;;
		*) twice="$twice [$stage $how]" ;;
		esac
	done
done <"$dir/script"
is "$lost" "" "none is lost"
is "$twice" "" "none comes twice that was not half acknowledged"
is "$(grep -c 'agent .* died' "$spoold_log")" 0 "no agent died"

# The same at stages that are nobody's message: one session each.
for stage in connect ehlo; do
	for how in "${nonsense[@]}"; do
		[[ $stage == connect && $how == *220* ]] && continue
		restart_smtpd --rule "$stage n=1 $how"
		send_simple a@x.test b@y.test
		flushing 30 eval 'has_messages 1 && queue_has 0' ||
		    fail "$stage $how: delivered later"
		# EHLO's lines may be anything: it may have been understood.
		[ "$(count_messages) $(queued failed)" = "1 0" ] ||
		    fail "$stage $how: exactly once"
	done
	pass "$stage: whatever is said, mail is delivered later"
done
is "$(grep -c 'agent .* died' "$spoold_log")" 0 "no agent died of that"

# early RULE EVENT REPLY: who answers too early has not broken off
early() {
	restart_smtpd --rule "$1"
	send_simple a@x.test b@y.test
	ok "$1: delivered later" flushing 30 eval 'has_messages 1 && queue_has 0'
	is "$(count_messages)" 1 "$1: once"
	ok "$1: the journal says what happened" has_line \
	    "$spool/.journal.jsonl" "\"event\":\"$2\".*\"reply\":\"$3\""
}
unasked='the server answered before it was asked'
early 'connect n=1 inject "250 early\r\n"' relay-down \
    "EHLO: $unasked: 250 early"
early 'data n=1 inject "250 now\r\n"' lost \
    "\[local\] [a-z ]+: $unasked: 250 now"
early 'data n=1 inject "354 twice\r\n"' lost \
    "\[local\] [a-z ]+: $unasked: 354 twice"
like "$(tr -d '[:print:]\n\200-\377' <"$spoold_log" | od -An -c)" '^$' \
    "no control character got into the log"
ok "spoold stops" stop_spoold
done_testing
