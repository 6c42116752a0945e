#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Several relays, routes, and SIGHUP: another configuration while mail flows.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd
first_out=$smtpd_out first_port=$smtpd_port first_pid=$smtpd_pid
smtpd_name=second start_smtpd
second_out=$smtpd_out second_port=$smtpd_port

configure() { # LINE...
	printf '%s\n' 'aliases = none' 'bounces = no' 'tls = none' "$@" \
	    >"$config"
}
relay() { # NAME PORT
	echo "relay \"$1\" { host = \"127.0.0.1:$2\" }"
}
arrived() { # DIR N
	[ "$(cat "$1"/*.env 2>/dev/null | grep -c '^rcpt')" -ge "$2" ]
}
said() {
	has_line "$spoold_log" "$1"
}
# hup: what is sent behind it finds the new configuration, or the one that stays
hup() {
	local before
	before=$(answers)
	kill -HUP "$spoold_pid"
	wait_for 20 has_answered "$before" || fail "SIGHUP is answered"
}
answers() {
	grep -cE 'was read again|stays as it was' "$spoold_log"
}
has_answered() {
	[ "$(answers)" -gt "$1" ]
}

# ---- routes ------------------------------------------------------------

configure "$(relay one "$first_port")" "$(relay two "$second_port")" \
    'route { recipient = "@two.test" relay = "two" }' \
    'route { sender = "shop@*" relay = "two" }'
start_spoold
send_simple ann@x.test a@one.test b@two.test c@one.test
ok "two of three go by the default relay" wait_for 10 arrived "$first_out" 2
ok "the third one by the other" wait_for 10 arrived "$second_out" 1
is "$(cat "$second_out"/*.env | grep ^rcpt)" 'rcpt <b@two.test> ' \
    "as the route has it"
ok "the message leaves when both have it" wait_for 10 queue_has 0
send_simple shop@x.test d@one.test
ok "a sender's route" wait_for 10 arrived "$second_out" 2

# ---- another configuration ---------------------------------------------

agents() {
	pgrep -P "$spoold_pid" | sort | tr '\n' ' '
}
before=$(agents)
configure "$(relay one "$first_port")" "$(relay two "$second_port")"
hup
ok "it is read again" wait_for 10 said 'configuration was read again: 2 relays'
renewed() {
	local now
	now=$(agents)
	[ "$(wc -w <<<"$now")" = 4 ] &&
	    [ -z "$(comm -12 <(tr ' ' '\n' <<<"$before" | sort) \
	        <(tr ' ' '\n' <<<"$now" | sort) | grep .)" ]
}
ok "other agents take over" wait_for 10 renewed
send_simple ann@x.test e@two.test
ok "without the route it goes by default" wait_for 10 arrived "$first_out" 3

cp "$config" "$dir/good.conf"
echo 'relay "three" { hosts = "x.test" }' >>"$config"
hup
ok "a mistake is named" wait_for 10 said "$config:6: .*'hosts'.*stays as it was"
printf 'Subject: f\n\nf\n' | "$SENDMAIL" -C "$dir/good.conf" \
    --spool "$spool" -i -f ann@x.test f@one.test
ok "and spoold goes on as before" wait_for 10 arrived "$first_out" 4
fails 78 "spoold --check-config says it, too" "$SPOOLD" -C "$config" \
    --check-config 2>"$dir/check"
like "$(<"$dir/check")" "^spoold: $config:6: .*did you mean 'host'" \
    "and what is meant"

# What waits for a relay that is gone takes the one that is left.
dead_port=1
configure "$(relay one "$dead_port")"
hup
ok "a relay that nobody listens at" wait_for 10 said 'again: 1 relay$'
send_simple ann@x.test g@one.test
ok "is down" wait_for 10 said 'relay one is down'
ok "and the message waits" wait_for 10 queue_has 1
configure "$(relay two "$second_port")"
hup
ok "another one in its place" wait_for 10 arrived "$second_out" 3
ok "the queue is empty" wait_for 10 queue_has 0

# What is on its way when the configuration changes ends as it began.
restart_smtpd --rule "dot wait-file \"$dir/go\""
second_out=$smtpd_out
configure "$(relay two "$smtpd_port")"
hup
send_simple ann@x.test slow@one.test
ok "a message is being sent" wait_for 10 has_line "$smtpd_log" 'slow@one.test'
hup
ok "the configuration is read meanwhile" wait_for 10 eval \
    '[ "$(grep -c "was read again" "$spoold_log")" -ge 5 ]'
touch "$dir/go"
ok "it arrives" wait_for 10 arrived "$second_out" 1
ok "and leaves the queue" wait_for 10 queue_has 0
is "$(count_messages "$second_out")" 1 "once"

# What is on its way stays where it is, but only for this attempt.
restart_smtpd --rule \
    "rcpt match=stay* wait-file \"$dir/go2\"; reply \"450 4.2.0 not here\""
busy_port=$smtpd_port
smtpd_name=third start_smtpd
third_out=$smtpd_out third_port=$smtpd_port
configure "$(relay two "$busy_port")"
hup
send_simple ann@x.test stay@one.test
ok "another one is being sent" wait_for 10 eval \
    'cat "$dir"/smtpd*.log | grep -q "RCPT TO:<stay@"'
configure "$(relay three "$third_port")"
hup
ok "its relay is configured no more" wait_for 10 eval \
    '[ "$(grep -c "was read again" "$spoold_log")" -ge 7 ]'
touch "$dir/go2"
ok "it is refused for now" wait_for 10 has_events 1 deferred
ok "and goes by the relay that there is" flushing 10 arrived "$third_out" 1
ok "the queue is empty again" wait_for 10 queue_has 0

# A relay that is down and gets another address is asked at once.
configure "$(relay three "$dead_port")"
hup
send_simple ann@x.test h@one.test
ok "after a while it is asked every 8 s only" \
    wait_for 40 said 'relay three is down.*next probe in 8 s'
configure "$(relay three "$third_port")"
began=$(now)
hup
ok "with another address it is tried" wait_for 10 arrived "$third_out" 2
at_most $((($(now) - began) / 1000)) 7000 "at once, in ms"

# The last relay goes.
ok "all is delivered" wait_for 10 queue_has 0
configure
hup
ok "no relay is left: the log says it" \
    wait_for 10 said 'no relay is configured now: mail waits in the queue'
nobody_serves() {
	spoolq list 2>&1 | grep -x 'spoolq: no relay is configured' >/dev/null
}
ok "so does spoolq" wait_for 10 nobody_serves
came=$(events admitted)
send_simple ann@x.test i@one.test
ok "a message comes" wait_for 10 has_events $((came + 1)) admitted
is "$(spoolq list --state no-relay --json 2>"$dir/err" |
    grep -o '"waits": "[^"]*"' | sort -u)" '"waits": "no-relay"' \
    "it waits for a relay, and for nothing else"
configure "$(relay three "$third_port")"
hup
ok "with a relay it goes" wait_for 10 arrived "$third_out" 3
ok "spoold ends in order" stop_spoold
kill "$first_pid" 2>/dev/null
done_testing
