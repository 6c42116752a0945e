#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What spoold does at each signal, and in the background.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
start_smtpd --rule 'rcpt match=busy* times=1 reply "451 4.2.0 busy"'
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)

# in_a_group: spoold as a shell with job control would run it
in_a_group() {
	set -m
	start_spoold "${relay[@]}"
	set +m
}

in_a_group
send_simple a@x.test one@y.test
ok "mail is delivered" wait_for 10 has_messages 1
# Control-C at a terminal reaches the agents too.
kill -INT -- "-$spoold_pid"
ok "SIGINT to all of the group stops spoold" \
    wait_for 10 is_gone "$spoold_pid"
wait "$spoold_pid"
is "$?" 0 "in order"
unlike "$(<"$spoold_log")" "died" "and no agent dies of it"
like "$(<"$spool/.status.json")" '"pid":0' "the status says that it ended"

start_spoold "${relay[@]}"
send_simple a@x.test busy@y.test
ok "a recipient is deferred" wait_for 10 has_events 1 deferred
kill -USR1 "$spoold_pid"
ok "SIGUSR1 writes the status" wait_for 10 \
    grep -q '"reply":"451 4.2.0 busy' "$spool/.status.json"
mkdir "$spool/.status.json.new"
kill -USR1 "$spoold_pid"
ok "that it cannot be written, and which file, is said" \
    wait_for 10 has_line "$spoold_log" \
    "cannot write the status, '.status.json.new': Is a directory"
rmdir "$spool/.status.json.new"
kill -URG "$spoold_pid"
ok "SIGURG makes everything due" wait_for 10 has_messages 2

# What directory events say nothing of.
echo foreign >"$spool/queue/foreign"
kill -HUP "$spoold_pid"
ok "SIGHUP scans the spool" \
    wait_for 10 test -e "$spool/failed/foreign.damaged"
send_simple a@x.test hup@y.test
ok "and mail goes on" wait_for 10 has_messages 3
kill -TERM "$spoold_pid"
ok "SIGTERM stops" wait_for 10 is_gone "$spoold_pid"
wait "$spoold_pid"
is "$?" 0 "in order, too"
ok "no socket is left" test ! -e "$spool/.control"

# The agents of before a reload may be the last to end.
was_read_again() { # N times
	[ "$(count_log 'read again' "$spoold_log")" -ge "$1" ]
}
for _ in 1 2 3 4 5; do
	start_spoold "${relay[@]}"
	reads=$(count_log 'read again' "$spoold_log")
	kill -HUP "$spoold_pid"
	kill -CONT "$spoold_pid"
	wait_for 10 was_read_again $((reads + 1)) || fail "it is read again"
	kill -TERM "$spoold_pid"
	wait "$spoold_pid"
	is "$?" 0 "a stop right after a reload is in order"
done

# Before it can do anything about them: it waits for its configuration.
is_paused() {
	has_line "$spool/.status.json" '"paused"'
}
reads=$(count_log 'read again' "$spoold_log")
for signal in HUP USR1 TSTP; do
	mkfifo "$dir/slow.conf"
	config=$dir/slow.conf launch_spoold "${relay[@]}"
	# Opened as soon as somebody is about to read.
	exec {slow}>"$dir/slow.conf"
	kill "-$signal" "$spoold_pid"
	cp "$config" "$dir/quick.conf"
	mv "$dir/quick.conf" "$dir/slow.conf"
	cat "$config" >&"$slow"
	exec {slow}>&-
	ok "SIG$signal while it starts" wait_for 20 _serves_or_gone
	case $signal in
	HUP) ok "is obeyed" wait_for 20 was_read_again $((reads + 1)) ;;
	USR1) fails 1 "does not end it" is_gone "$spoold_pid" ;;
	TSTP) ok "is a pause" wait_for 20 is_paused ;;
	esac
	is "$(sed -n 's/^SigBlk:\t0*//p' "/proc/$spoold_pid/status")" "" \
	    "and none is blocked any more"
	stop_spoold || fail "it stops in order"
	rm "$dir/slow.conf"
done

# In the background.
ok "--daemon returns" run_spoold --daemon "${relay[@]}"
ok "and serves" wait_for 10 test -S "$spool/.control"
ok "the status has its number" wait_for 10 \
    grep -q '"pid":[1-9]' "$spool/.status.json"
pid=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$spool/.status.json")
at_cleanup "kill -KILL $pid 2>/dev/null"
send_simple a@x.test background@y.test
ok "it delivers" wait_for 10 has_messages 4
fails 75 "a second one is refused" run_spoold --daemon "${relay[@]}"
is "$(readlink "/proc/$pid/fd/0")" /dev/null "it has left the terminal"
kill -TERM "$pid"
ok "SIGTERM stops it" wait_for 10 is_gone "$pid"
done_testing
