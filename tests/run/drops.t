#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The connection breaks at every stage: nothing is lost, and nothing comes
# twice unless the server had taken it before its reply got lost.

TEST_TIMEOUT=240
. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd
# What answers the last dot later than that gets the message twice.
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --reply-timeout 6

# survives CASE MIN MAX RULE: a message to two gets through, with MIN to MAX
# copies of it, although RULE matches once.
survives() {
	local case=$1 min=$2 max=$3 copies
	restart_smtpd --rule "$4"
	send_simple a@x.test one@y.test two@y.test
	ok "$case: delivered" flushing 20 has_messages "$min" &&
	    ok "$case: the queue is empty" flushing 20 queue_has 0
	is "$(queued failed)" 0 "$case: nothing is in failed/"
	copies=$(count_messages)
	for rcpt in one two; do
		copies="$copies $(messages_to $rcpt@y.test)"
	done
	if [ "$min" = "$max" ]; then
		is "$copies" "$min $min $min" "$case: exactly once"
	else
		like "$copies" "^[$min-$max] [$min-$max] [$min-$max]$" \
		    "$case: at most $max times"
	fi
	ok "$case: the rule was met" wait_for 5 has_line "$smtpd_log" \
	    ' -- (drop|rst|mute|stall|data broken off)'
}

for how in drop rst; do
	for stage in connect ehlo mail rcpt data dot quit; do
		[ "$stage" != quit ] || continue
		survives "$how at $stage" 1 1 "$stage n=1 $how"
	done
	survives "$how at the second recipient" 1 1 "rcpt n=2 $how"
done
survives "drop after half a greeting" 1 1 'connect n=1 drop-after "220 he"'
survives "drop after half of EHLO's reply" 1 1 \
    'ehlo n=1 drop-after "250-smtpd.test\r\n250-PIPE"'
survives "drop after half a reply to MAIL" 1 1 'mail n=1 drop-after "25"'
survives "drop after a reply to RCPT without its end" 1 1 \
    'rcpt n=1 drop-after "250 ok"'
survives "drop after 354" 1 1 'data n=1 drop-after "354 go\r\n"'
survives "drop amid the data" 1 1 'data n=1 mid-data-drop 20'
survives "rst amid the data" 1 1 'data n=1 mid-data-rst 20'
survives "421 and drop at MAIL" 1 1 'mail n=1 drop-after "421 4.3.2 bye\r\n"'
survives "421 and drop at RCPT" 1 1 'rcpt n=1 drop-after "421 4.3.2 bye\r\n"'
survives "421 and drop at the end" 1 1 'dot n=1 drop-after "421 4.3.2 bye\r\n"'
survives "silence at MAIL" 1 1 'mail n=1 mute'
survives "silence at the end" 1 1 'dot n=1 mute'
survives "silence for a greeting" 1 1 'connect n=1 mute'

# The server took it and its reply got lost: who sends again sends twice.
survives "taken, then drop" 2 2 'dot n=1 store; drop'
survives "taken, then half a reply" 2 2 'dot n=1 store; drop-after "25"'
survives "taken, then silence" 2 2 'dot n=1 store; mute'
at_most 1 "$(events uncertain)" "the journal says that it is uncertain"

# The journal says whose words they are.
unclear() {
	cat "$spool"/.journal.jsonl* |
	    grep -E '"event":"(lost|uncertain)"' | grep -oE '"reply":"[^"]*"'
}
for phase in MAIL RCPT DATA "end of message"; do
	like "$(unclear)" "\"\[local\] $phase: the server closed the" \
	    "closed at $phase: the journal says why"
done
is "$(unclear | grep -vE '"reply":"(\[local\] |([A-Z]+: )?[2-5][0-9][0-9] )')" \
    "" "what the server did not say begins with [local]"

# The last reply is the server's word, whatever follows.
survives "250, then drop" 1 1 'dot n=1 reply "250 2.0.0 taken"; drop'
survives "250, then rst" 1 1 'dot n=1 reply "250 2.0.0 taken"; delay 0.1; rst'
survives "250 dripped slowly" 1 1 'dot n=1 drip 20; default; drop'

# A big message into a wall: the data's loss is noticed.
head -c 3000000 /dev/urandom | base64 >"$dir/body"
for how in drop rst stall; do
	restart_smtpd --rule "data n=1 mid-data-$how 500000"
	{ printf 'Subject: big\n\n'; cat "$dir/body"; } |
	    sm -i -f a@x.test -- big@y.test
	ok "$how in a big message: delivered" flushing 40 has_messages 1
	sed '1,/^\r*$/d' "$smtpd_out/000001.eml" | tr -d '\r' >"$dir/got"
	ok "$how in a big message: whole" cmp "$dir/body" "$dir/got"
	ok "$how in a big message: once" flushing 10 queue_has 0
	is "$(count_messages)" 1 "$how in a big message: exactly once"
done

is "$(grep -c 'agent .* died' "$spoold_log")" 0 "no agent died of all that"
ok "spoold stops" stop_spoold
done_testing
