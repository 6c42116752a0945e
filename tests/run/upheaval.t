#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# While mail flows: another configuration again and again, crashes while reports
# are written, ends while they wait, operators who change their minds.  Nothing
# is lost, nothing that can be helped is doubled.

: "${TEST_TIMEOUT:=240}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd
one_out=$smtpd_out one_port=$smtpd_port
smtpd_name=two start_smtpd
two_out=$smtpd_out two_port=$smtpd_port
smtpd_name=no start_smtpd --rule 'rcpt match=none* reply "550 5.1.1 no"'

configure() { # LINE...
	printf '%s\n' 'aliases = none' 'tls = none' 'origin = "here.test"' \
	    'freq = 1s' "$@" >"$dir/new.conf"
	mv "$dir/new.conf" "$config"
}
relay() { # NAME PORT
	echo "relay \"$1\" { host = \"127.0.0.1:$2\" }"
}
by_domain() {
	configure "$(relay one "$one_port")" "$(relay two "$two_port")" \
	    'route { recipient = "@two.test" relay = "two" }'
}
turned_round() {
	configure "$(relay two "$two_port")" "$(relay one "$one_port")" \
	    'route { recipient = "@one.test" relay = "one" }'
}
# figures REGEX DIR...: "N M": so many recipients that fit, M of them different
figures() {
	local regex=$1
	shift
	find "$@" -name '*.env' -exec cat {} + | grep -E "^rcpt <$regex" |
	    sort | uniq -c | awk '{ n += $1; m++ } END { print n + 0, m + 0 }'
}
count_agents() {
	# (Who writes a long status is another child.)
	pgrep -c -x -P "$spoold_pid" spoold-smtp
}
agents_are() {
	[ "$(count_agents)" -eq "$1" ]
}
told() { # NAME: of what that is about
	figures "$1[0-9]+@x.test" "$smtpd_out"
}

# ---- ten thousand recipients, two relays -------------------------------

by_domain
start_spoold
for n in {1..5000}; do
	printf 'u%d@one.test\nu%d@two.test\n' "$n" "$n"
done >"$dir/rcpts"
mapfile -t rcpts <"$dir/rcpts"
ok "ten thousand recipients" send_simple big@x.test "${rcpts[@]}"
send_simple small@x.test s@one.test
ok "a small message passes them" wait_for 10 \
    eval '[ "$(figures s@one.test "$one_out")" = "1 1" ]'
ok "all leave" wait_for 60 queue_has 0
is "$(figures 'u.*one.test' "$one_out") $(figures 'u.*two.test' "$two_out")" \
    "5000 5000 5000 5000" "each once, by its relay"

# ---- SIGHUP -------------------------------------------------------------

agents=$(count_agents)
cp "$config" "$dir/sendmail.conf"
(
	for n in {1..25}; do
		turned_round
		kill -HUP "$spoold_pid"
		pause 0.1
		by_domain
		kill -HUP "$spoold_pid"
		pause 0.1
	done
) &
changing=$!
for n in {1..150}; do
	printf 'Subject: h\n\nx\n' | "$SENDMAIL" -C "$dir/sendmail.conf" \
	    --spool "$spool" -i -f h@x.test -- "h$n@one.test" "h$n@two.test"
done
wait "$changing"
ok "fifty configurations later all have left" wait_for 60 queue_has 0
is "$(figures 'h[0-9]' "$one_out" "$two_out")" "300 300" "each once"
ok "as many agents as before" wait_for 20 agents_are "$agents"
ok "spoold ends in order" stop_spoold

# ---- SIGKILL and SIGTERM, among reports --------------------------------

# send_failing NAME N: from NAMEI@x.test, each to nobody
send_failing() {
	local n
	for ((n = 1; n <= $2; n++)); do
		send_simple "$1$n@x.test" "none$n@y.test" || return 1
	done
}

configure "$(relay no "$smtpd_port")"
start_spoold
send_failing killed 40 &
sending=$!
for n in 1 2 3 4; do
	pause 0.6
	kill_spoold
	start_spoold
done
wait "$sending"
ok "after SIGKILLs, the queue gets empty" wait_for 60 queue_has 0
like "$(told killed)" ' 40$' "everybody is told"
is "$(queued failed)" 0 "so nothing is kept"

send_failing ended 80 &
sending=$!
late=0
for n in 1 2 3; do
	pause 0.6
	begun=$(now)
	ok "spoold ends while reports wait ($n)" stop_spoold
	[ $(($(now) - begun)) -lt 2900000 ] || late=$((late + 1))
	start_spoold
done
wait "$sending"
ok "the queue gets empty" wait_for 60 queue_has 0
# After three seconds sessions are cut short: what was in doubt goes again.
if [ "$late" -eq 0 ]; then
	is "$(told ended)" "80 80" "everybody is told once"
else
	like "$(told ended)" ' 80$' "everybody is told ($late ends were late)"
fi
is "$(queued failed)" 0 "so nothing is kept"

# ---- operators ----------------------------------------------------------

in_dir() { # STATE: its ids
	find "$spool/$1" -type f -printf '%f\n'
}
for n in {1..40}; do
	send_simple "held$n@x.test" "none$n@y.test" "ok$n@y.test"
done &
sending=$!
for n in {1..20}; do
	in_dir queue | xargs -r "$SPOOLQ" -C "$config" --spool "$spool" hold
	in_dir hold | xargs -r "$SPOOLQ" -C "$config" --spool "$spool" release
	pause 0.05
done >"$dir/spoolq.out" 2>&1
wait "$sending"
in_dir hold | xargs -r "$SPOOLQ" -C "$config" --spool "$spool" release \
    >>"$dir/spoolq.out" 2>&1
ok "held and released at any time, all leave" wait_for 60 queue_has 0
is "$(queued hold) $(told held) $(figures 'ok' "$smtpd_out")" "0 40 40 40 40" \
    "each is told once and delivered once"
for n in {1..30}; do
	send_simple "dropped$n@x.test" "none$n@y.test"
	in_dir queue | xargs -r "$SPOOLQ" -C "$config" --spool "$spool" drop
done >>"$dir/spoolq.out" 2>&1
ok "dropped at any time, nothing is left" wait_for 60 queue_has 0
ok "spoold ends in order" stop_spoold
is "$(grep -cE 'no valid result|which it does not have' "$spoold_log")" 0 \
    "nobody is out of step"
done_testing
