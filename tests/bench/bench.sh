#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Figures, not tests: no part of "make check".
#
#	tests/bench/bench.sh [-b BUILDDIR] [drain|memory|latency|submit]...
#
#	drain	 10,000 messages of 2 KB to a relay that takes all, at most 10
#		 connections: messages a second
#	memory	 the peak memory of spoold and its agents with messages of
#		 2 KB and of 200 KB
#	latency	 from the start of sendmail to the relay's acceptance, 50 times
#	submit	 sendmail beside the least program that is as safe (put.c),
#		 whole processes in turns (race.c), alone and eight at a time
#
# All by default.  TMPDIR says on which file system; MESSAGES changes the
# number for drain, ROUNDS that for submit.  Needs smtp-sink (Debian package
# postfix) for drain and memory, a C compiler for submit.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
builddir=$PWD
if [ "${1:-}" = -b ]; then
	builddir=$(cd "$2" && pwd) || exit 64
	shift 2
fi
[ -x "$builddir/spoold/spoold" ] || {
	echo "$builddir is no build directory: use -b BUILDDIR" >&2
	exit 64
}
export SPOOLD_EXEC_PATH=$builddir/spoold/smtp:$builddir/spoold/maildir
umask 077
dir=$(mktemp -d "${TMPDIR:-/tmp}/spoold-bench.XXXXXX") || exit 1
PATH=$PATH:/usr/sbin

mine=()		# processes that end with us

cleanup() {
	local pid
	for pid in "${mine[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

die() {
	echo "bench: $*" >&2
	exit 1
}

figure() { # NAME VALUE UNIT
	printf '%-44s %10s  %s\n' "$1" "$2" "$3"
}

now() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# per_second COUNT MICROSECONDS
per_second() {
	awk -v n="$1" -v us="$2" 'BEGIN { printf "%.0f", n * 1e6 / us }'
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# median FILE, of one number a line
median() {
	sort -n "$1" | awk '{ v[NR] = $1 }
	    END { print int((v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2) }'
}

message() { # BYTES
	printf 'Subject: bench\n\n'
	yes "$(printf '%071d' 0)" | head -c "$1"
}

new_spool() {
	spool=$dir/spool
	rm -rf "$spool"
	mkdir "$spool" "$spool"/{tmp,queue,hold,failed}
}

sendmail() {
	"$builddir/sendmail/sendmail" -C /dev/null --spool "$spool" -i \
	    -f ann@x.test -- "$@"
}

# queue_up COUNT BYTES: one message by sendmail, and copies of it, which take
# less time, under the names that follow
queue_up() {
	local first i
	message "$2" >"$dir/message"
	sendmail bob@y.test <"$dir/message" || die "sendmail does not work"
	first=$(ls "$spool/queue")
	for ((i = 1; i < $1; i++)); do
		printf '%s/queue/%010X\0' "$spool" $((16#$first + i))
	done | perl -0 -ne '
		BEGIN { local $/; open my $in, "<", shift; $text = <$in> }
		chomp; open my $out, ">", $_ or die "$_: $!\n";
		print $out $text; close $out or die "$_: $!\n";
	' "$spool/queue/$first" || die "cannot fill the queue"
	sync -f "$spool"
}

free_port() {
	perl -MIO::Socket::INET -e '
		print IO::Socket::INET->new(Listen => 1,
		    LocalAddr => "127.0.0.1")->sockport'
}

# start_sink: smtp-sink, counting messages into $dir/sink
start_sink() {
	command -v smtp-sink >/dev/null ||
		die "smtp-sink is missing (Debian package postfix)"
	port=$(free_port)
	local user=()
	[ "$(id -u)" -ne 0 ] || user=(-u nobody)
	smtp-sink -c "${user[@]}" "127.0.0.1:$port" 1000 >"$dir/sink" 2>&1 &
	sink=$!
	mine+=("$sink")
	until (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		kill -0 "$sink" 2>/dev/null || die "smtp-sink ended"
		sleep 0.05
	done
}

# sink_count: how many messages it has taken
sink_count() {
	tr '\r' '\n' <"$dir/sink" | sed -nE 's/.*mesg=([0-9]+).*/\1/p' |
		sort -n | tail -n 1
}

# peak PID...: the highest of their peaks, in KB
peak() {
	local pid
	for pid; do
		sed -n 's/^VmHWM:[ \t]*\([0-9]*\) kB/\1/p' \
		    "/proc/$pid/status" 2>/dev/null
	done | sort -n | tail -n 1
}

# drain COUNT BYTES: sets $took_us, $peak_spoold, $peak_agent, $taken
drain() {
	local start pid agents k
	new_spool
	queue_up "$1" "$2"
	start_sink
	peak_spoold=0 peak_agent=0
	start=$(now)
	"$builddir/spoold/spoold" -C /dev/null --quiet --tls none \
	    --connections 10 --relay "127.0.0.1:$port" --drain "$spool" \
	    2>>"$dir/spoold.log" &
	pid=$!
	mine+=("$pid")
	while kill -0 "$pid" 2>/dev/null; do
		k=$(peak "$pid")
		[ "${k:-0}" -le "$peak_spoold" ] || peak_spoold=$k
		agents=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
		# shellcheck disable=SC2086
		k=$(peak $agents)
		[ "${k:-0}" -le "$peak_agent" ] || peak_agent=$k
		sleep 0.1
	done
	wait "$pid" || die "spoold ended with $?: $(tail -n 3 "$dir/spoold.log")"
	took_us=$(($(now) - start))
	sleep 1.2	# smtp-sink shows its count once a second
	kill "$sink"
	wait "$sink" 2>/dev/null
	taken=$(sink_count)
	delivered=$(sed -nE '1s/.*"delivered":([0-9]+).*/\1/p' \
	    "$spool/.status.json")
	left=$(find "$spool/queue" "$spool/failed" -type f | wc -l)
}

show_account() { # COUNT
	figure "  by spoold's account" "${delivered:-?}" "of $1 delivered"
	figure "  by the relay's account" "${taken:-?}" "of $1 taken"
	figure "  left in the spool" "$left" "messages"
}

bench_drain() {
	local n=${MESSAGES:-10000}
	drain "$n" 2000
	figure "drain: $n of 2 KB, 10 connections" \
	    "$(per_second "$n" "$took_us")" "messages/s"
	show_account "$n"
	figure "  peak memory of spoold" "$peak_spoold" "KB"
	figure "  peak memory of an agent" "$peak_agent" "KB"
}

bench_memory() {
	local n=500 small_spoold small_agent
	drain "$n" 2000
	small_spoold=$peak_spoold
	small_agent=$peak_agent
	drain "$n" 200000
	figure "memory: $n of 200 KB, 10 connections" \
	    "$(per_second "$n" "$took_us")" "messages/s"
	show_account "$n"
	figure "  peak of spoold, 2 KB messages" "$small_spoold" "KB"
	figure "  peak of spoold, 200 KB messages" "$peak_spoold" "KB"
	figure "  peak of an agent, 2 KB messages" "$small_agent" "KB"
	figure "  peak of an agent, 200 KB messages" "$peak_agent" "KB"
}

# The scripted server writes each message's files the moment it accepts it.
bench_latency() {
	local pid server i start limit want
	[ -x "$builddir/tests/smtpd/smtpd" ] ||
		die "make tests/smtpd/smtpd is needed for latency"
	new_spool
	message 2000 >"$dir/message"
	rm -rf "$dir/port" "$dir/out"
	"$builddir/tests/smtpd/smtpd" --with-parent --port-file "$dir/port" \
	    --out "$dir/out" --log "$dir/smtpd.log" &
	server=$!
	mine+=("$server")
	until [ -s "$dir/port" ]; do sleep 0.05; done
	"$builddir/spoold/spoold" -C /dev/null --quiet --tls none \
	    --relay "127.0.0.1:$(<"$dir/port")" "$spool" \
	    2>>"$dir/spoold.log" &
	pid=$!
	mine+=("$pid")
	until [ -S "$spool/.control" ]; do sleep 0.05; done
	: >"$dir/times"
	for ((i = 1; i <= 50; i++)); do
		want=$(printf '%s/out/%06d.eml' "$dir" "$i")
		start=$(now)
		limit=$((start + 20000000))
		sendmail bob@y.test <"$dir/message" || die "sendmail fails"
		until [ -e "$want" ]; do
			[ "$(now)" -lt "$limit" ] || die "nothing arrives"
		done
		echo $(($(now) - start)) >>"$dir/times"
		sleep 0.1
	done
	kill "$pid" "$server"
	wait "$pid" "$server" 2>/dev/null
	figure "latency: sendmail's start to acceptance" \
	    "$(median "$dir/times")" "us, median of 50"
	figure "  best" "$(sort -n "$dir/times" | head -n 1)" "us"
	figure "  worst" "$(sort -n "$dir/times" | tail -n 1)" "us"
}

# Whole processes, both in turns, on the same file system.  The configuration
# is a file as an installation has it.
bench_submit() {
	local rounds=${ROUNDS:-60} at i names ours theirs submit
	"${CC:-cc}" -O2 -o "$dir/put" "$here/put.c" &&
	    "${CC:-cc}" -O2 -o "$dir/race" "$here/race.c" ||
		die "cannot build put.c and race.c"
	message 2000 >"$dir/message"
	printf 'relay = "mail.example.org"\norigin = "example.org"\n' \
	    >"$dir/conf"
	new_spool
	mkdir -p "$dir/put.d"/{tmp,queue}
	submit=("$builddir/sendmail/sendmail" -C "$dir/conf" --spool "$spool"
	    -i -f ann@x.test -- bob@y.test --and "$dir/put" "$dir/put.d")
	figure "submit: 2 KB, on" "$(stat -f -c %T "$dir")" ""
	for at in 1 8; do
		# The first round of each is only to warm up.
		"$dir/race" 1 "$at" "$dir/message" "${submit[@]}" >"$dir/times" &&
		    "$dir/race" $((at == 1 ? rounds : rounds / 4 + 1)) "$at" \
			"$dir/message" "${submit[@]}" >"$dir/times" ||
			die "a submission failed"
		rm -f "$spool/queue"/* "$dir/put.d/queue"/*
		{
			read -ra ours
			read -ra theirs
		} <"$dir/times"
		names=("median" "ninth decile" "share of the time")
		for i in 0 1 2; do
			figure "submit: $at at a time, sendmail, ${names[i]}" \
			    "${ours[i]}" "us"
			figure "  the least program" "${theirs[i]}" "us"
			figure "  sendmail takes" \
			    "$(ratio "${ours[i]}" "${theirs[i]}")" "times as long"
		done
	done
}

[ $# -gt 0 ] || set -- drain memory latency submit
for each; do
	case $each in
	drain | memory | latency | submit) "bench_$each" ;;
	*) die "there is no benchmark '$each'" ;;
	esac
done
