#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The status of a long queue is written by a process of its own: mail goes on
# meanwhile, and whoever is killed, nothing is lost and nothing stays behind.

: "${TEST_TIMEOUT:=300}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/control.sh"

need perl perl

n=15000
written=$spool/.status.json

make_spool
start_smtpd
relay=(--relay "127.0.0.1:$smtpd_port" --tls none --freq 1h)

# Names of one file: each is a message.
send_simple held@x.test held@y.test
ok "$n messages are held" perl -e '
	my ($spool, $n) = @ARGV;
	my ($first) = glob "$spool/queue/*";
	my ($id) = $first =~ m{([^/]+)$};
	for my $i (1 .. $n) {
		link $first, sprintf "%s/hold/%010X", $spool, hex($id) - $i
		    or die "link: $!\n";
	}
	unlink $first or die "unlink: $!\n";' "$spool" "$n"

messages() { # as the status has them
	grep -c '^{"id"' "$written"
}

_has_all() {
	[ -e "$written" ] && [ "$(messages)" -ge "$n" ]
}

# The number alone comes again: it is that of the one before the last.
which_one() {
	stat -c '%i %z' "$written"
}

_is_new() { # as which_one told before
	[ "$(which_one)" != "$1" ]
}

# whole: the status is one, to its end
whole() {
	[ "$(tail -n 1 "$written")" = ']}' ]
}

# writer: spoold's child that is no agent, in $writer; false: there is none
writer() {
	local children=() child name
	{ read -r -a children <"/proc/$spoold_pid/task/$spoold_pid/children"; } \
	    2>/dev/null
	for child in "${children[@]}"; do
		{ read -r name <"/proc/$child/comm"; } 2>/dev/null || continue
		[ "$name" = spoold ] || continue
		writer=$child
		return 0
	done
	return 1
}

# stop_writer: it stands still now, and has not come to its end
stop_writer() {
	kill -STOP "$writer" 2>/dev/null || return 1
	wait_for 10 _stopped_or_gone && ! is_gone "$writer"
}

_stopped_or_gone() {
	local stat
	is_gone "$writer" && return
	{ read -r stat <"/proc/$writer/stat"; } 2>/dev/null || return 0
	[[ ${stat##*) } = T* ]]
}

# catch_writer: ask for a status until the one who writes it is seen, with the
# file that it makes once it has left all that is not its own, and is stopped
catch_writer() {
	local tries end i
	for ((tries = 0; tries < 30; tries++)); do
		writer || rm -f "$written.new"
		kill -USR1 "$spoold_pid"
		end=$(($(now) + 1500000))
		while [ "$(now)" -lt "$end" ]; do
			for ((i = 0; i < 50; i++)); do
				[ -e "$written.new" ] && writer &&
				    stop_writer && return 0
			done
		done
	done
	return 1
}

# goes_out N: so many messages arrive, however busy the machine is, but none
# that was put off
goes_out() {
	wait_for 60 has_messages "$1" && wait_for 20 queue_has 0 &&
	    [ "$(not_delivered)" -eq 0 ] && return
	diag "$(grep -hE '"event":"(deferred|lost|back|relay-down)"' \
	    "$spool"/.journal.jsonl* | tail -n 5)"
	diag "$(queued) in queue/, $(events admitted) admitted"
	return 1
}

not_delivered() {
	cat "$spool"/.journal.jsonl* | grep -cE '"event":"(deferred|lost|back)"'
}

if ! [ -e /proc/self/task/self/children ] &&
    ! [ -e "/proc/$$/task/$$/children" ]; then
	skip_all "this kernel does not list the children of a process"
fi

start_spoold "${relay[@]}"
ok "all are seen" wait_for 60 has_events "$n" held
kill -USR1 "$spoold_pid"
ok "all are in the status" wait_for 20 _has_all
ok "which is whole" whole

# ---- what the writer has of spoold's -----------------------------------

if ok "a process of its own writes it" catch_writer; then
	before=$(which_one)
	is "$(find "/proc/$writer/fd" -lname '*/.lock' | wc -l)" 0 \
	    "it does not hold the lock"
	is "$(find "/proc/$writer/fd" -lname 'socket:*' | wc -l)" 0 \
	    "nor any socket"
	ok "mail is taken while it is writing" send_numbered 20
	ok "and goes out" goes_out 20
	kill -CONT "$writer"
	ok "then the new status is there" wait_for 20 _is_new "$before"
	ok "and whole" whole
fi

# ---- killed ------------------------------------------------------------

if ok "it is caught again" catch_writer; then
	before=$(which_one)
	kill -KILL "$writer"
	ok "it is killed, and spoold says so" wait_for 10 has_line \
	    "$spoold_log" 'cannot write the status: the process that did was'
	ok "it is not left as a zombie" wait_for 10 eval '! [ -e /proc/$writer ]'
	is "$(which_one)" "$before" "the old status stays"
	ok "and is whole" whole
	kill -USR1 "$spoold_pid"
	ok "the next one is written" wait_for 20 _is_new "$before"
	ok "whole" whole
fi
ok "mail is taken" send_numbered 40
ok "and goes on" goes_out 60

# Killed while another one is asked for, which waits for its end.
if ok "it is caught with one more to come" catch_writer; then
	before=$(which_one)
	kill -USR1 "$spoold_pid"
	# Signals come before whoever comes later.
	control flush >"$dir/flush.log"
	kill -KILL "$writer"
	ok "that one is written" wait_for 20 _is_new "$before"
fi

# spoold dies while it writes: the next one gets the lock at once.
if ok "it is caught once more" catch_writer; then
	kill_spoold
	ok "without spoold it ends" wait_for 10 is_gone "$writer"
	start_spoold "${relay[@]}"
	pass "and the next spoold begins"
	send_simple a@x.test after@y.test
	ok "and delivers" wait_for 60 has_messages 61
fi

# Told to stop while it writes: nobody waits for it.
if ok "it is caught a last time" catch_writer; then
	ok "spoold stops all the same" stop_spoold
	ok "it is gone" wait_for 10 is_gone "$writer"
	ok "the last status is whole" whole
	is "$(messages)" "$n" "and has all"
else
	stop_spoold
fi
is "$(find "$spool" -name '.status.json.new' | wc -l)" 0 \
    "nothing half written is left"
is "$(count_messages)" 61 "each message went out once"
unlike "$(<"$spoold_log")" 'damaged' "and no status was found damaged"
stop_smtpd || fail "smtpd ends"
done_testing
