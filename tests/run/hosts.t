#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The hosts of a relay: which one is taken, and what happens when one fails;
# addresses of all kinds, where we connect from and what we call ourselves.

. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/agent.sh"

make_spool

need perl perl

# A port at which nobody listens, and which nobody else gets: other tests run at
# the same time.  use_dead gives it up.
perl -MSocket -e '
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
	setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die "setsockopt: $!\n";
	bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!\n";
	$| = 1;
	print +(sockaddr_in(getsockname($s)))[0], "\n";
	sleep' >"$dir/dead.out" 2>"$dir/dead.log" &
holder=$!
wait_for 10 has_line "$dir/dead.out" . || bail "no port: $(<"$dir/dead.log")"
dead=$(<"$dir/dead.out")

# use_dead NAME: a server there
use_dead() {
	if [ -n "$holder" ]; then
		kill "$holder"
		wait "$holder" 2>/dev/null
		holder=
	fi
	smtpd_name=$1 start_smtpd --port "$dead"
}

smtpd_name=one start_smtpd
one=$smtpd_port one_log=$smtpd_log one_out=$smtpd_out one_pid=$smtpd_pid
smtpd_name=two start_smtpd
two=$smtpd_port two_out=$smtpd_out two_pid=$smtpd_pid

# each message gets a connection of its own
# (The timeout is for those that are silent: longer than a server that is well
# may take.)
common=(tls=none session_messages=1 helo=client.test reply_timeout=5)

ok "two hosts: the agent is ready" \
    start_agent "${common[@]}" host="127.0.0.1:$one" host="127.0.0.1:$two"
delivers "the first host"
delivers "and again"
is "$(count_messages "$one_out") $(count_messages "$two_out")" "2 0" \
    "both messages are the first one's"
ok "the agent ends" stop_agent

ok "the first is dead: ready" start_agent "${common[@]}" \
    host="127.0.0.1:$dead" host="127.0.0.1:$two" rest_ms=3600000
delivers "the second host"
delivers "the second host again"
is "$(server_of "$id")" "127.0.0.1:$two" "the server is told"
is "$(count_messages "$two_out")" 2 "both messages are there"
is "$(grep -c "127.0.0.1:$dead' rests" "$agent_log")" 1 \
    "the log says once that the first one rests"
ok "the agent ends" stop_agent

ok "all dead: ready" start_agent "${common[@]}" host="127.0.0.1:$dead" \
    host="[::1]:$dead" host=nowhere.invalid port=2525
in_trouble "127.0.0.1:$dead: Connection refused; connect to \[::1\]:$dead: .*; cannot resolve 'nowhere.invalid'" \
    "all dead: every host is named"
in_trouble "127.0.0.1:$dead: .*::1.*nowhere" "all rest: all are tried again"
ok "the agent ends" stop_agent

# moods CASE RULE: a server that listens, but is no good
moods() {
	smtpd_name=bad start_smtpd --rule "$2"
	ok "$1: ready" start_agent "${common[@]}" host="127.0.0.1:$smtpd_port" \
	    host="127.0.0.1:$two" rest_ms=3600000
	delivers "$1: the second host"
	like "$(cat "$agent_log")" "127.0.0.1:$smtpd_port' rests" \
	    "$1: the log says that it rests"
	delivers "$1: and the next message"
	stop_agent
	# Its figures are complete at its end.
	stop_smtpd
	is "$(stat_of connections)" 1 "$1: it was asked once"
}
moods "greeting 421" 'connect reply "421 4.3.2 too busy"'
moods "greeting 554" 'connect reply "554 5.7.1 go away"'
moods "EHLO refused" 'ehlo reply "421 4.3.2 not now"'
moods "drop" 'connect drop'
moods "silence" 'connect mute'
moods "MAIL 421" 'mail reply "421 4.3.2 going down"'
moods "a drop at MAIL" 'mail drop'
moods "silence at MAIL" 'mail mute'

# Fail-back: a rest ends.
ok "fail-back: ready" start_agent "${common[@]}" \
    host="127.0.0.1:$dead" host="127.0.0.1:$two" rest_ms=100
delivers "fail-back: the second host"
use_dead back
is_back() {
	deliver
	[ "$(server_of "$id")" = "127.0.0.1:$dead" ]
}
ok "fail-back: the first one is used again" wait_for 10 is_back
delivers "fail-back: and stays in use"
is "$(server_of "$id")" "127.0.0.1:$dead" "fail-back: as the first one"
like "$(cat "$agent_log")" "127.0.0.1:$dead' is back" \
    "fail-back: the log says so"
ok "the agent ends" stop_agent
stop_smtpd

# A connection that stands does not keep the mail from a better host.
ok "fail-back of a connection: ready" start_agent tls=none helo=client.test \
    host="127.0.0.1:$dead" host="127.0.0.1:$two" rest_ms=100 linger_ms=60000 \
    session_messages=100000
delivers "fail-back of a connection: the second host"
is "$(server_of "$id")" "127.0.0.1:$two" "fail-back of a connection: it is"
use_dead back2
ok "fail-back of a connection: the first one is used again" \
    wait_for 10 is_back
delivers "fail-back of a connection: and stays in use"
is "$(server_of "$id")" "127.0.0.1:$dead" \
    "fail-back of a connection: as the first one"
ok "the agent ends" stop_agent
stop_smtpd
is "$(stat_of connections)" 1 "fail-back of a connection: which stands"

# Where a host says no port.
ok "port: ready" start_agent "${common[@]}" host=127.0.0.1 port="$one"
delivers "port: for a host without one"
ok "the agent ends" stop_agent

# IPv6
if smtpd_name=six start_smtpd --listen ::1 2>/dev/null; then
	for form in "[::1]:$smtpd_port" ::1 '[::1]'; do
		ok "$form: ready" start_agent "${common[@]}" host="$form" \
		    port="$smtpd_port"
		delivers "$form"
		is "$(server_of "$id")" "[::1]:$smtpd_port" \
		    "$form: the server's name"
		ok "the agent ends" stop_agent
	done
	ok "::1, no name: ready" start_agent tls=none host=::1 \
	    port="$smtpd_port" source=::1
	delivers "source ::1"
	like "$(cat "$smtpd_log")" \
	    "C: EHLO ([a-z0-9-]+(\.[a-z0-9-]+)+|\[IPv6:::1\])" \
	    "EHLO has a whole name or our address"
	ok "the agent ends" stop_agent
	stop_smtpd
else
	skip "IPv6" "no IPv6 here"
fi

# Unix sockets
smtpd_name=unix start_smtpd --unix "$dir/relay.sock" --auth ann:secret \
    --require-auth
echo secret >"$dir/password"
ok "unix: ready" start_agent host="unix:$dir/relay.sock" user=ann \
    password_file="$dir/password" helo=client.test
delivers "unix: with a login in clear"
is "$(server_of "$id")" "unix:$dir/relay.sock" "unix: the server's name"
ok "the agent ends" stop_agent
ok "no socket: ready" start_agent host="unix:$dir/none.sock"
in_trouble "none.sock: No such file" "no socket"
ok "the agent ends" stop_agent
stop_smtpd

# Source address
ok "source: ready" start_agent "${common[@]}" host="127.0.0.1:$one" \
    source=127.0.0.7
delivers "source 127.0.0.7"
ok "the agent ends" stop_agent
ok "source not ours: ready" start_agent "${common[@]}" \
    host="127.0.0.1:$one" source=192.0.2.77
in_trouble "source '192.0.2.77': Cannot assign" "a source that is not ours"
ok "the agent ends" stop_agent
ok "source of another family: ready" start_agent "${common[@]}" \
    host="127.0.0.1:$one" source=::1
in_trouble "source does not fit" "a source of another family"
ok "the agent ends" stop_agent

# EHLO
ok "helo: ready" start_agent tls=none host="127.0.0.1:$one" helo=me.test
delivers "helo"
is "$(count_log 'C: EHLO me.test' "$one_log")" 1 "EHLO as configured"
ok "the agent ends" stop_agent

# What is no host.
for bad in '' 'a b' ':25' 'a:0' 'a:65536' 'a:x' '[::1' '[::1]25' 'unix:x' \
    'srv:'; do
	fails 1 "host '$bad' is refused" start_agent host="$bad"
	exec {_agent_in}>&-
	wait "$agent_pid"
	is "$?" 64 "host '$bad': usage"
done

kill "$one_pid" "$two_pid"
done_testing
