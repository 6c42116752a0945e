#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# One message, several answers: each recipient gets its own.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
cat >"$dir/script" <<'EOS'
rcpt match=busy*   reply "451 4.2.0 busy: <b\x01ell>"
rcpt match=none*   reply "550 5.1.1 no such user"
rcpt match=full*   reply "452 4.2.2 mailbox full"
mail match=later@* reply "450 4.7.1 greylisted"
mail match=never@* reply "550 5.7.1 not you"
data match=dumb@*  reply "354 go ahead"
data match=wait@*  reply "451 4.3.0 no data now"
dot  match=spam@*  reply "554 5.6.0 spam"
dot  match=soon@*  reply "451 4.3.0 soon"
dot  match=loop@*  reply "250"
EOS
start_smtpd --script "$dir/script"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

# result RCPT: the journal's last word, "event reply"
result() {
	grep -F "\"rcpt\":\"$1\"" "$spool/.journal.jsonl" |
	    sed -n 's/.*"event":"\([a-z]*\)".*"reply":"\([^"]*\)".*/\1 \2/p' |
	    tail -n 1
}

has_result() {
	[ -n "$(result "$1")" ]
}

send_simple ann@x.test ok1@y.test busy@y.test none@y.test ok2@y.test \
    full@y.test
ok "the message goes out" wait_for 10 has_messages 1
ok "every recipient has a result" wait_for 10 has_result full@y.test
is "$(grep ^rcpt "$smtpd_out/000001.env")" \
    $'rcpt <ok1@y.test> \nrcpt <ok2@y.test> ' "the accepted two have it"
like "$(result ok1@y.test)" "^delivered 250 " "the first is delivered"
like "$(result ok2@y.test)" "^delivered 250 " "the last but one too"
like "$(result busy@y.test)" "^deferred 451 4.2.0 busy" "451 is deferred"
unlike "$(result busy@y.test)" $'\x01' "its text is cleaned"
like "$(result none@y.test)" "^failed 550 5.1.1 no such user" "550 failed"
like "$(result full@y.test)" "^deferred 452 " "452 is deferred"
is "$(queued) $(queued failed)" "1 0" "the file is in queue/ still"
id=$(ls "$spool/queue")
like "$(spoolq show "$id")" "busy@y.test.*1 attempt.*451 4.2.0 busy" \
    "spoolq shows attempts and reply"
like "$(spoolq show "$id")" "no such user" "and the refusal"

# has_deferred N RCPT
has_deferred() {
	[ "$(grep '"event":"deferred"' "$spool/.journal.jsonl" |
	    grep -Fc "\"rcpt\":\"$2\"")" -ge "$1" ]
}
ok "flush makes it due" spoolq flush
# The last one, after which nothing of it is on its way any more.
ok "and it is tried again" wait_for 10 has_deferred 2 full@y.test
is "$(count_log 'C: RCPT TO:<busy@')" 2 "once"
is "$(count_log 'C: RCPT TO:<ok1@')" 1 "but not who has it"
is "$(count_log 'C: RCPT TO:<none@')" 1 "nor who was refused"

# The relay changes its mind.
restart_smtpd --rule 'rcpt match=full* reply "550 5.2.2 still full"'
ok "the deferred one is delivered then" flushing 15 has_messages 1
is "$(grep ^rcpt "$smtpd_out/000001.env")" 'rcpt <busy@y.test> ' \
    "and nobody else"
ok "the message leaves the queue" wait_for 10 queue_has 0
is "$(queued failed)" 1 "for failed/, as two were refused"
like "$(spoolq show "$id")" "still full" "where spoolq still shows it"
restart_smtpd --script "$dir/script"

# Answers about the whole message.
whole() { # SENDER EVENT REPLY
	local name=${1%@*}
	send_simple "$1" "$name-1@y.test" "$name-2@y.test"
	ok "$3 for $1 is an answer for all" wait_for 10 has_result "$name-2@y.test"
	like "$(result "$name-1@y.test")" "^$2 $3" "$3 for $1: the first is $2"
	like "$(result "$name-2@y.test")" "^$2 $3" "$3 for $1: the second too"
}
before=$(queued failed)
whole later@x.test deferred 450
whole never@x.test failed 550
whole wait@x.test deferred 451
whole spam@x.test failed 554
whole soon@x.test deferred 451
ok "the refused ones go to failed/" wait_for 10 queue_has $((before + 2)) failed
is "$(queued)" 3 "the others wait"
is "$(count_messages)" 0 "nobody got any of it"
whole loop@x.test delivered 250
is "$(count_messages)" 1 "a 250 without text is an acceptance"
is "$(events relay-down)" 0 "no answer about a message is the relay's trouble"
ok "all recipients refused: nothing is sent" send_simple ann@x.test \
    none1@y.test none2@y.test
ok "and the message failed" wait_for 10 queue_has $((before + 3)) failed
# A server that says 354 to DATA without recipients, as some do: what it
# takes then went to nobody.
send_simple dumb@x.test none3@y.test busy4@y.test
ok "354 without recipients: an answer for each" wait_for 10 \
    has_result busy4@y.test
like "$(result none3@y.test)" "^failed 550" \
    "354 without recipients: the refused one failed"
like "$(result busy4@y.test)" "^deferred 451" \
    "354 without recipients: the busy one waits"
is "$(messages_to none3@y.test) $(messages_to busy4@y.test)" "0 0" \
    "354 without recipients: nobody has it"
ok "spoold stops" stop_spoold

# A limit on attempts.
rm -rf "$spool"
make_spool
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --attempts 3
send_simple ann@x.test ok@y.test busy@y.test
ok "three attempts, then it is given up" flushing 20 queue_has 1 failed
is "$(events deferred) $(events failed) $(events delivered)" "2 1 1" \
    "with two deferrals before"
like "$(grep '"event":"failed"' "$spool/.journal.jsonl")" \
    "gave up|451 4.2.0" "and the last answer is the reason"
is "$(queued)" 0 "it is in one place only"
ok "spoold stops again" stop_spoold

done_testing
