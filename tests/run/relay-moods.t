#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A server that is tired of us, or wants a login at an odd place, has said
# nothing about the message: no attempt is counted, and no relay is down of a
# connection that merely was used up.  Then spoold-smtp, spoken to as spoold
# does.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

# ---- no attempt is counted ---------------------------------------------

make_spool
start_smtpd
# The first attempt that counts would be the last.
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --attempts 1

# unharmed RULE: a message to two survives it
unharmed() {
	local lost
	lost=$(events lost)
	restart_smtpd --rule "$1"
	send_simple a@x.test one@y.test two@y.test
	ok "$1: a result without an answer" wait_for 15 \
	    has_events $((lost + 1)) lost
	ok "$1: delivered" flushing 20 eval \
	    '[ "$(messages_to one@y.test) $(messages_to two@y.test)" = "1 1" ]'
	ok "$1: the queue is empty" wait_for 10 queue_has 0
	is "$(queued failed) $(events deferred) $(events failed)" "0 0 0" \
	    "$1: not an attempt"
}

for code in 421 530 534 535 538; do
	for stage in rcpt data dot; do
		unharmed "$stage n=1 reply \"$code 4.7.0 moody\""
	done
done
unharmed 'rcpt n=2 reply "421 4.7.0 moody"'
is "$(events relay-down)" 0 "nor is the relay down"
ok "spoold stops" stop_spoold

# ---- a connection that is used up --------------------------------------

rm -rf "$spool"
make_spool
restart_smtpd --rule 'mail conn=2 reply "421 4.7.0 no more over this one"'
for i in {1..8}; do
	send_simple a@x.test "used$i@y.test"
done
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none --connections 1
ok "421 to each second MAIL: all are delivered, unflushed" \
    wait_for 20 queue_has 0
is "$(count_messages) $(events delivered)" "8 8" "each once"
is "$(events relay-down) $(events lost) $(events deferred)" "0 0 0" \
    "without any trouble"
ok "spoold stops again" stop_spoold

# ---- the agent alone ---------------------------------------------------

agent=$builddir/spoold/smtp/spoold-smtp
rm -rf "$spool"
make_spool
cd "$spool" || bail "no spool"
mkfifo "$dir/commands"

# put ID RCPT...
put() {
	local id=$1
	shift
	printf 'Subject: %s\n\nsmall\n' "$id" | crlf |
	    put_message queue "$id" 1763770000123456 ann@x.test "$@"
}

# start_agent SETTING...: ready for "send" on descriptor 9
start_agent() {
	: >"$dir/said"
	"$agent" <"$dir/commands" >"$dir/said" 2>>"$dir/agent.log" &
	agent_pid=$!
	exec 9>"$dir/commands"
	printf '%s\n' >&9 "set host 127.0.0.1" "set port $smtpd_port" \
	    "set tls none" "set connections 1" "set reply_timeout 100" \
	    "${@/#/set }" go
	wait_for 10 has_line "$dir/said" '^ready$' || bail "no agent"
}

# said: all but the times and "ready", without the server's name
said() {
	sed -E -e '/^(ready|smtputf8 no)$/d' -e 's/^(start [^ ]+) .*/\1/' \
	    -e 's/^(rcpt [^ ]+ [0-9]+ [a-z]+) [0-9]+ ([0-9]{3}).*/\1 \2/' \
	    -e 's/^(rcpt .*) [0-9]+ \[local\].*/\1/' \
	    -e 's/^(back [^ ]+ [a-z]+) .*/\1/' "$dir/said"
}

# agent_ends NAME: by itself, with status 0
agent_ends() {
	ok "$1: it ends" wait_for 10 is_gone "$agent_pid" ||
	    kill -KILL "$agent_pid"
	wait "$agent_pid"
	is "$?" 0 "$1: well"
}

put 3286A1B2C1 bob@y.test
put 3286A1B2C2 bob@y.test
both=("send 3286A1B2C1 *" "send 3286A1B2C2 *")

restart_smtpd --rule 'mail n=2 reply "421 4.7.0 tired"'
start_agent
printf '%s\n' "${both[@]}" >&9
ok "421 to the second MAIL: both jobs end" wait_for 10 \
    has_line "$dir/said" '^(done|back) 3286A1B2C2'
is "$(said)" "start 3286A1B2C1
rcpt 3286A1B2C1 0 delivered 250
done 3286A1B2C1
start 3286A1B2C2
start 3286A1B2C2
rcpt 3286A1B2C2 0 delivered 250
done 3286A1B2C2" "once more over a fresh connection"
is "$(count_log ' C: EHLO' "$smtpd_log")" 2 "of which there are two"
echo quit >&9
agent_ends "quit"
exec 9>&-

restart_smtpd --rule 'mail from=2 reply "421 4.7.0 really tired"'
start_agent
printf '%s\n' "${both[@]}" >&9
ok "421 to that as well: the job ends" wait_for 10 \
    has_line "$dir/said" '^(done|back) 3286A1B2C2'
is "$(said | tail -n 1)" "back 3286A1B2C2 message" \
    "now it comes back"
is "$(count_log 'C: MAIL' "$smtpd_log")" 3 "after one try more"
echo quit >&9
agent_ends "quit again"
exec 9>&-

restart_smtpd --rule 'mail n=1 reply "421 4.7.0 down"'
start_agent
echo "send 3286A1B2C1 *" >&9
ok "421 to the first MAIL: the job ends" wait_for 10 \
    has_line "$dir/said" '^(done|back)'
is "$(said)" "start 3286A1B2C1
back 3286A1B2C1 message" "it is handed back at once"
exec 9>&-
agent_ends "end of input"

# ---- quit, and the end of input after it -------------------------------

restart_smtpd --rule "dot wait-file \"$dir/go\"; default"
start_agent
echo "send 3286A1B2C1 *" >&9
ok "quit: a message is on its way" wait_for 10 has_line "$smtpd_log" \
    'C: \.$|C: DATA'
echo quit >&9
: >"$dir/go"
agent_ends "quit with the pipe open"
is "$(said)" "start 3286A1B2C1
rcpt 3286A1B2C1 0 delivered 250
done 3286A1B2C1" "it waits for the answer"
exec 9>&-

restart_smtpd --rule "rcpt mute"
start_agent
echo "send 3286A1B2C1 *" >&9
ok "end of input: a message is on its way" wait_for 10 \
    has_line "$smtpd_log" 'C: RCPT'
echo quit >&9
exec 9>&-
agent_ends "quit, then end of input"
is "$(said)" "start 3286A1B2C1
back 3286A1B2C1 stop" "it does not wait for the server"

# ---- how much over a connection, and how fast --------------------------

ids=()
for i in {1..5}; do
	put "3286A1B2D$i" bob@y.test
	ids+=("send 3286A1B2D$i *")
done
restart_smtpd
start_agent "session_messages 2"
printf '%s\n' "${ids[@]}" >&9
ok "two messages a connection: all are delivered" wait_for 10 has_messages 5
echo quit >&9
agent_ends "two messages a connection"
exec 9>&-
ok "two messages a connection: three of them" wait_for 5 has_line \
    "$smtpd_out/stats" '"per_connection":\[2, ?2, ?1\]'

restart_smtpd --without DSN
start_agent "pause_ms 150"
start=$(now)
printf '%s\n' "${ids[@]}" >&9
ok "a pause: all are delivered" wait_for 10 has_messages 5
[ $(($(now) - start)) -ge 600000 ] || fail "a pause: four of them"
echo quit >&9
agent_ends "a pause"
exec 9>&-
is "$(count_log ' -- connected')" 1 "a pause: over one connection"
is "$(sed -n 's/^start 3286A1B2D5 [^ ]* //p' "$dir/said")" "-" \
    "without NOTIFY=SUCCESS nothing is to be reported"

# ---- settings, limits, addresses ---------------------------------------

printf 'set maildir /x\n' | "$agent" 2>"$dir/agent2.log"
is "$?" 64 "a Maildir is no setting of a server's"
(
	ulimit -f 0
	printf 'set colour red\n' | "$agent" 2>"$dir/no.log"
)
is "$?" 64 "a log that takes no more does not end the agent"

restart_smtpd
put 3286A1B2C3 'caf%C3%A9@y.test' bob@y.test \
    'cy@y.test NOTIFY=FAILURE,DELAY ORCPT=rfc822;c%20y@z.test'
start_agent
echo "send 3286A1B2C3 *" >&9
ok "addresses: the job ends" wait_for 10 has_line "$dir/said" '^(done|back|bad)'
is "$(said)" "start 3286A1B2C3
rcpt 3286A1B2C3 0 failed
rcpt 3286A1B2C3 1 delivered 250
rcpt 3286A1B2C3 2 delivered 250
done 3286A1B2C3" "8-bit addresses are refused, the others go"
like "$(<"$dir/said")" 'start 3286A1B2C3 [^ ]+ -' \
    "a relay with DSN reports itself"
like "$(<"$dir/said")" 'rcpt [^ ]* 0 failed [0-9]+ [^ ]*SMTPUTF8' \
    "which it says"
like "$(grep ^rcpt "$smtpd_out"/*.env)" \
    'cy@y.test> .*ORCPT=rfc822;c\+20y@z.test' "ORCPT is passed on"
echo quit >&9
agent_ends "the last one"
exec 9>&-

done_testing
