#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# When spoold sends and when it gives up: time to live, not before, what is
# uncertain, waiting times, attempts and lifetime, transactions, lanes, senders'
# limits.

: "${TEST_TIMEOUT:=240}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd --without DSN --times "$dir/times" \
    --rule 'rcpt match=busy* reply "450 4.2.0 busy"' \
    --rule 'dot match=unsure@* times=1 store; drop' \
    --rule 'mail match=first@* wait-file "go"'

configure() { # LINE...
	printf '%s\n' 'aliases = none' 'tls = none' 'freq = 1s' \
	    'origin = "here.test"' "relay = \"127.0.0.1:$smtpd_port\"" "$@" \
	    >"$config"
}
got() { # PATTERN [N]: so many messages of that envelope
	[ "$(grep -lE -- "$1" "$smtpd_out"/*.env 2>/dev/null | wc -l)" -ge \
	    "${2:-1}" ]
}
gets_not() {
	! got "$1"
}
text_of() { # PATTERN: of the first message with that envelope
	local env
	env=$(grep -lE -- "$1" "$smtpd_out"/*.env | head -n 1)
	cat "${env%.env}.eml"
}
journal() {
	cat "$spool"/.journal.jsonl
}
# waits ID: the seconds, rounded down, from each deferral to the next time
waits() {
	journal | sed -nE "s/.*\"time\":([0-9.]+),\"event\":\"deferred\",\"id\":\"$1\".*\"next\":([0-9.]+).*/\1 \2/p" |
	    awk '{ printf "%d ", $2 - $1 + 0.001 }'
}
only_id() { # [STATE]
	ls "$spool/${1:-queue}"
}
has_deferred() { # N
	has_events "$1" deferred
}

# ---- time to live ------------------------------------------------------

configure
start_spoold
send_simple ann@x.test busy@y.test
ok "a recipient is busy" wait_for 10 has_deferred 1
printf 'Subject: otp\n\n1\n' | sm -i --ttl 3s -f otp@x.test busy@y.test
ok "its time to live ends, its sender is told" \
    wait_for 20 got '^rcpt <otp@x.test>'
like "$(text_of '^rcpt <otp@x.test>' | tr -d '\r' | tr '\n' ' ')" \
    'time to live' "that it was for that"
ok "nothing of it is left" wait_for 10 queue_has 1
# Where it took three seconds to get there, not even once.
at_most "$(count_log 'RCPT TO:<busy')" 2 "nobody tried it again"
spoolq drop "$(only_id)" >/dev/null
stop_spoold

# ---- not before --------------------------------------------------------

configure
start_spoold
printf 'Subject: later\n\n1\n' | sm -i --not-before +6s -f later@x.test r@y.test
begin=$(sed -n 's/^not-before //p' "$spool"/queue/*)
send_simple soon@x.test r@y.test
ok "what was sent after it arrives" wait_for 10 got '^mail <soon@'
stop_spoold
start_spoold
spoolq flush >/dev/null
if gets_not '^mail <later@' || [ "$(now)" -ge "$begin" ]; then
	pass "it waits, over a restart and a flush"
else
	fail "it waits, over a restart and a flush"
fi
ok "then it goes" wait_for 20 got '^mail <later@'
# The relay's clock begins with the machine's start, as this file has it.
up=$(cut -d ' ' -f 1 /proc/uptime)
came=$(sed -n 's/ .* <later@.*//p' times | head -n 1)
passed_ms=$((10#${up/./} * 10 - came))
at_most "$begin" $(($(now) - passed_ms * 1000 + 50000)) "not before"
ok "and leaves" wait_for 10 queue_has 0
stop_spoold

# ---- uncertain ---------------------------------------------------------

configure 'on_uncertain = hold'
start_spoold
send_simple unsure@x.test r@y.test
ok "the relay went away with the message: held" wait_for 10 queue_has 1 hold
id=$(only_id hold)
like "$(spoolq show "$id")" 'the relay may have it already' \
    "spoolq shows why"
like "$(grep '"event":"held"' "$spool/.journal.jsonl")" 'uncertain' \
    "so does the journal"
is "$(grep -l '^mail <unsure@' "$smtpd_out"/*.env | wc -l)" 1 \
    "it is not sent again by itself"
ok "an operator releases it" spoolq release "$id"
ok "then it is" wait_for 70 got '^mail <unsure@' 2
ok "and leaves" wait_for 10 queue_has 0
is "$(queued hold)" 0 "it is not held again"
stop_spoold

# ---- waiting times -----------------------------------------------------

configure 'retry = {"1s", "2s"}' 'attempts = 4'
start_spoold
send_simple list@x.test busy@y.test
id=$(only_id)
ok "after four attempts it is given up" wait_for 30 got '^rcpt <list@x.test>'
is "$(waits "$id")" "1 2 2 " "the waits are those of the list, its last stays"
is "$(journal | grep -c "\"attempt\",\"id\":\"$id\"")" 4 "four attempts"
like "$(text_of '^rcpt <list@x.test>')" '450 4\.2\.0 busy' \
    "in the relay's words"
stop_spoold
rm -f "$spool"/failed/*

configure 'retry = exponential' 'bounces = no'
start_spoold
send_simple exp@x.test busy@y.test
id=$(only_id)
deferred_times() {
	[ "$(waits "$id" | wc -w)" -ge "$1" ]
}
for n in 1 2 3 4; do
	wait_for 10 deferred_times "$n" || break
	spoolq flush "$id" >/dev/null
done
read -ra got_waits <<<"$(waits "$id")"
# With up to a tenth more, so that they do not come together.
for n in 0 1 2 3; do
	min=$((60 << n))
	like "$((${got_waits[n]:-0} >= min && ${got_waits[n]:-0} <= min * 11 / 10))" \
	    1 "wait $((n + 1)) is about $min s"
done
spoolq drop "$id" >/dev/null
stop_spoold

configure 'retry = {"1s"}' 'lifetime = 4s' 'bounces = no'
start_spoold
send_simple life@x.test busy@y.test
ok "when its lifetime is over it is given up" wait_for 30 queue_has 1 failed
id=$(only_id failed)
ok "after some attempts" [ "$(waits "$id" | wc -w)" -ge 2 ]
stop_spoold
rm -f "$spool"/failed/*

# ---- transactions ------------------------------------------------------

configure 'recipients_per_message = 3' 'connections = 1'
start_spoold
send_simple many@x.test r{0..9}@y.test
ok "ten recipients arrive" wait_for 10 eval \
    '[ "$(cat "$smtpd_out"/*.env | grep -c "^rcpt <r[0-9]@")" -eq 10 ]'
ok "the message leaves" wait_for 10 queue_has 0
is "$(grep -l '^mail <many@' "$smtpd_out"/*.env | wc -l)" 4 \
    "in four transactions of three at most"
is "$(cat "$smtpd_out"/*.env | grep -o '^rcpt <r[0-9]@' | sort -u | wc -l)" 10 \
    "each of them once"
stop_spoold

# ---- lanes, with one connection ----------------------------------------

rm -f go
configure 'connections = 1' 'connections_max = 1' \
    'lane "otp" { sender = "code@*" }' \
    'lane "normal" { }' 'lane "bulk" { sender = "news@*" }'
start_spoold
send_simple first@x.test r@y.test
send_simple first@x.test r@y.test
ok "the only connection is taken" wait_for 10 has_line "$smtpd_log" \
    'MAIL FROM:<first@'
for n in 1 2 3; do
	send_simple news@x.test r@y.test
done
for n in 1 2 3; do
	send_simple "normal$n@x.test" r@y.test
done
for n in 1 2 3; do
	send_simple code@x.test r@y.test
done
all_known() {
	[ "$(grep -cE '"admitted".*"sender":"(code|news|normal.)@x.test"' \
	    "$spool/.journal.jsonl")" -eq 9 ]
}
ok "all are known" wait_for 10 all_known
touch go
ok "all arrive" wait_for 20 queue_has 0
order=$(grep -oE 'MAIL FROM:<(news|normal|code)' "$smtpd_log" |
    sed 's/.*<//' | head -n 9 | tr '\n' ' ')
# One of eight goes from behind, so that nothing waits for ever.
like "$order" '^(news )?code (news )?code (news )?code (news )?normal ' \
    "the first lane goes first"
like "$order" 'news (normal )?news $' "the last one last"
stop_spoold

# ---- one message, two relays, one of them mute -------------------------

first_out=$smtpd_out first_port=$smtpd_port
smtpd_name=mute start_smtpd --rule 'mail mute'
mute_port=$smtpd_port mute_log=$smtpd_log
smtpd_out=$first_out smtpd_port=$first_port
configure "relay \"mute\" { host = \"127.0.0.1:$mute_port\" }" \
    'route { recipient = "@mute.test" relay = "mute" }'
start_spoold
send_simple both@x.test a@mute.test b@y.test c@mute.test
ok "the mute relay has its part" wait_for 10 has_line "$mute_log" 'MAIL FROM'
ok "the other one's recipient does not wait for it" wait_for 10 \
    got '^rcpt <b@y.test'
ok "the message stays" queue_has 1
ok "spoold ends all the same" stop_spoold
start_spoold
send_simple after@x.test d@y.test
ok "after another start" wait_for 10 got '^mail <after@'
is "$(cat "$smtpd_out"/*.env | grep -c '^rcpt <b@y.test')" 1 \
    "who had it does not get it again"
stop_spoold
rm -f "$spool"/queue/*

# ---- senders' limits ---------------------------------------------------

configure 'sender_rate = "2/h"' 'bounces = no'
start_spoold
for n in 1 2 3 4; do
	send_simple loop@x.test "l$n@y.test"
done
send_simple other@x.test o@y.test
ok "another sender is not held back" wait_for 10 got '^mail <other@'
ok "the loop sends two" wait_for 10 got '^mail <loop@' 2
is "$(grep -l '^mail <loop@' "$smtpd_out"/*.env | wc -l)" 2 \
    "and waits for its time"
is "$(journal | grep -c '"event":"deferred".*loop')" 0 \
    "without an attempt for the others"
ok "two wait" wait_for 10 queue_has 2
stop_spoold
start_spoold
send_simple other2@x.test o@y.test
ok "after another start others go" wait_for 10 got '^mail <other2@'
is "$(grep -l '^mail <loop@' "$smtpd_out"/*.env | wc -l)" 2 \
    "and the loop still waits"
ok "spoold ends in order" stop_spoold
done_testing
