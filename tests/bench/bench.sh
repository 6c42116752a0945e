#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Figures, not tests: no part of "make check".
#
#	tests/bench/bench.sh [-b BUILDDIR] [drain|delay|memory|latency|submit|queue]...
#
#	drain	 10,000 messages of 2 KB on disk, to a relay that takes all
#		 (sink.c), over at most 10 connections: spoold, beside the least
#		 program that sends the same files (drain-client.c), beside who
#		 only removes them, which is what the disk allows, and beside
#		 Postfix (postfix.sh) with its own number of connections, three
#		 times in turns
#	delay	 spoold and Postfix, with each reply of the relay 50 ms late,
#		 over 1, 10, 50 and 200 connections
#	memory	 the peak memory of spoold and its agents with messages of
#		 2 KB and of 200 KB
#	latency	 from the start of sendmail to the relay's acceptance, 50 times
#	submit	 sendmail beside the least program that is as safe (put.c),
#		 whole processes in turns (race.c), alone and eight at a time
#	queue	 what 100,000 messages that wait (fill-queue.c) cost: spoold's
#		 memory, its start, its snapshot, how long its loop is busy with
#		 them (stall.pl), and spoolq list beside cat and jq
#
# All but queue by default.  TMPDIR says on which file system; MESSAGES changes
# the number for drain and queue, CONNECTIONS those for drain and (a list) for delay, ROUNDS
# the number for submit.  Needs a C compiler, and root for Postfix.

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
delay_ms=0

# shellcheck source=tests/bench/postfix.sh
. "$here/postfix.sh"

mine=()		# processes that end with us
postfix_master=
page_kb=$(($(getconf PAGESIZE) / 1024))

cleanup() {
	local pid
	[ ! -s "$dir/pid" ] || kill "$(<"$dir/pid")" 2>/dev/null
	[ -z "$postfix_master" ] || postfix_stop
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

build() { # NAME [OPTION]...: NAME.c as $dir/NAME
	[ -x "$dir/$1" ] || "${CC:-cc}" -O2 "${@:2}" -o "$dir/$1" \
	    "$here/$1.c" || die "cannot build $1.c"
}

# start_sink MILLISECONDS COUNT: sets $port; what it says is in $dir/sink.says
start_sink() {
	build sink
	rm -f "$dir/sink.says"
	"$dir/sink" "$1" "$2" >"$dir/sink.says" &
	sink=$!
	mine+=("$sink")
	until [ -s "$dir/sink.says" ]; do
		kill -0 "$sink" 2>/dev/null || die "the sink ended"
		sleep 0.05
	done
	port=$(head -n 1 "$dir/sink.says")
}

# stop_sink: sets $taken, the messages that it took
stop_sink() {
	kill "$sink"
	wait "$sink" 2>/dev/null
	read -r taken _ < <(tail -n 1 "$dir/sink.says")
}

# The following read /proc, and wait, without starting processes, which would
# take their share of the machine.

# pause SECONDS: nobody writes there
pause() {
	[ -n "${silence:-}" ] || exec {silence}<> <(:)
	read -rt "$1" -u "$silence"
}

# note_peak PID VARIABLE: its peak memory, in KB, unless that was more before
note_peak() {
	local key value
	while read -r key value _; do
		[ "$key" != VmHWM: ] || [ "$value" -le "${!2}" ] ||
			printf -v "$2" %s "$value"
	done 2>/dev/null <"/proc/$1/status"
}

# note_memory PID: $memory, in KB, is at least what it and its children have
# now, and their peaks are noted
note_memory() {
	local pid pages sum=0 children=()
	read -ra children <"/proc/$1/task/$1/children"
	for pid in "$1" "${children[@]}"; do
		read -r _ pages _ <"/proc/$pid/statm" && sum=$((sum + pages))
		[ "$pid" = "$1" ] || note_peak "$pid" peak_agent
	done
	note_peak "$1" peak_spoold
	sum=$((sum * page_kb))
	[ "$sum" -le "$memory" ] || memory=$sum
} 2>/dev/null

# drain COUNT BYTES CONNECTIONS: sets $took_us, $memory, $peak_spoold,
# $peak_agent, $delivered, $taken and $left
drain() {
	local start end status
	new_spool
	queue_up "$1" "$2"
	start_sink "$delay_ms" "$1"
	peak_spoold=0 peak_agent=0 memory=0
	rm -f "$dir/pid" "$dir/end"
	start=$(now)
	{
		"$builddir/spoold/spoold" -C /dev/null --quiet --tls none \
		    --connections "$3" --relay "127.0.0.1:$port" \
		    --drain "$spool" 2>>"$dir/spoold.log" &
		echo $! >"$dir/pid"
		wait $!
		echo "$? $(now)" >"$dir/end"
	} &
	until [ -s "$dir/end" ]; do
		pause 0.1
		[ ! -s "$dir/pid" ] || note_memory "$(<"$dir/pid")"
	done
	read -r status end <"$dir/end"
	[ "$status" -eq 0 ] ||
		die "spoold ended with $status: $(tail -n 3 "$dir/spoold.log")"
	took_us=$((end - start))
	stop_sink
	delivered=$(sed -nE '1s/.*"totals":\{[^}]*"delivered":([0-9]+).*/\1/p' \
	    "$spool/.status.json")
	left=$(find "$spool/queue" "$spool/failed" -type f | wc -l)
}

# time_client PORT CONNECTIONS: what drain-client.c takes
time_client() {
	local start
	build drain-client -pthread
	start=$(now)
	"$dir/drain-client" "$spool/queue" "$1" "$2" ||
		die "drain-client does not work"
	took_us=$(($(now) - start))
}

# drain_bare COUNT BYTES CONNECTIONS: the same by drain-client.c
drain_bare() {
	new_spool
	queue_up "$1" "$2"
	start_sink "$delay_ms" "$1"
	time_client "$port" "$3"
	stop_sink
}

# drain_nowhere COUNT BYTES CONNECTIONS: the files are removed, and that is all
drain_nowhere() {
	new_spool
	queue_up "$1" "$2"
	time_client 0 "$3"
}

show_account() { # COUNT
	figure "  by spoold's account" "${delivered:-?}" "of $1 delivered"
	figure "  by the relay's account" "${taken:-?}" "of $1 taken"
	figure "  left in the spool" "$left" "messages"
}

# drain_round COUNT CONNECTIONS: all of them in turns, what each took to a line
# of $dir/drain.us
drain_round() {
	local ours bare alone theirs=0
	drain "$1" 2000 "$2"
	ours=$took_us
	show_account "$1"
	figure "  memory of all processes" "$memory" "KB"
	figure "  peak memory of spoold" "$peak_spoold" "KB"
	figure "  peak memory of an agent" "$peak_agent" "KB"
	drain_bare "$1" 2000 "$2"
	bare=$took_us
	drain_nowhere "$1" 2000 "$2"
	alone=$took_us
	if postfix_can_run; then
		postfix_drain "$1" 2000 ""
		theirs=$took_us
		figure "  memory of all of Postfix' processes" "$memory" "KB"
	fi
	echo "$ours $bare $alone $theirs" >>"$dir/drain.us"
}

# drain_column N: the median of what a round took there
drain_column() {
	cut -d ' ' -f "$1" "$dir/drain.us" >"$dir/column"
	median "$dir/column"
}

bench_drain() {
	local n=${MESSAGES:-10000} c=${CONNECTIONS:-10} i ours bare alone theirs
	rm -f "$dir/drain.us"
	for ((i = 1; i <= 3; i++)); do
		figure "drain: $n of 2 KB, $c connections, $(stat -f -c %T \
		    "$dir")" "$i" "of 3 rounds"
		drain_round "$n" "$c"
	done
	ours=$(drain_column 1) bare=$(drain_column 2) alone=$(drain_column 3)
	theirs=$(drain_column 4)
	figure "  medians: spoold" "$(per_second "$n" "$ours")" "messages/s"
	figure "  the bare client" "$(per_second "$n" "$bare")" "messages/s"
	figure "  spoold is" "$(ratio "$bare" "$ours")" "times as fast"
	figure "  who only removes them" "$(per_second "$n" "$alone")" "messages/s"
	[ "$theirs" -gt 0 ] || return 0
	figure "  Postfix" "$(per_second "$n" "$theirs")" "messages/s"
	figure "  spoold is" "$(ratio "$theirs" "$ours")" "times as fast"
}

# So many messages for each connection that opening it is little of the time.
bench_delay() {
	local c n ours alone=
	delay_ms=50
	for c in ${CONNECTIONS:-1 10 50 200}; do
		n=$((40 * c))
		drain "$n" 2000 "$c"
		ours=$took_us
		figure "delay: $n of 2 KB, $delay_ms ms, $c connections" \
		    "$(per_second "$n" "$ours")" "messages/s"
		figure "  round trips a message" "$(awk -v us="$ours" -v n="$n" \
		    -v c="$c" -v ms="$delay_ms" \
		    'BEGIN { printf "%.2f", us * c / n / ms / 1000 }')" ""
		alone=${alone:-$((ours * c / n))}
		figure "  of what so many alone would do" \
		    "$(ratio $((alone * n / c)) "$ours")" ""
		postfix_can_run || continue
		postfix_drain "$n" 2000 "$c"
		figure "  Postfix" "$(per_second "$n" "$took_us")" "messages/s"
		figure "  spoold is" "$(ratio "$took_us" "$ours")" "times as fast"
	done
	delay_ms=0
}

bench_memory() {
	local n=500 small_spoold small_agent
	drain "$n" 2000 10
	small_spoold=$peak_spoold
	small_agent=$peak_agent
	drain "$n" 200000 10
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
	build put
	build race
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

# ---- what waits -----------------------------------------------------------

# start_waiting: spoold for $spool, to $port; sets $pid
start_waiting() {
	: >"$dir/spoold.log"
	"$builddir/spoold/spoold" -C /dev/null --tls none \
	    --relay "127.0.0.1:$port" "$spool" 2>"$dir/spoold.log" &
	pid=$!
	mine+=("$pid")
}

# logged TEXT: when spoold has logged it
logged() {
	until grep -q "$1" "$dir/spoold.log"; do
		kill -0 "$pid" 2>/dev/null ||
			die "spoold ended: $(tail -n 3 "$dir/spoold.log")"
		sleep 0.02
	done
}

# resident: $pid's resident memory in KB, once it does not change
resident() {
	local key value before=-1 now=0
	while [ "$now" != "$before" ]; do
		before=$now
		sleep 1
		while read -r key value _; do
			[ "$key" != VmRSS: ] || now=$value
		done <"/proc/$pid/status"
	done
	echo "$now"
}

stop_waiting() {
	kill "$pid"
	wait "$pid"
}

# delivers START: submit a fresh message; sets $took_us, from START until it is
# delivered
delivers() {
	until [ -S "$spool/.control" ]; do
		kill -0 "$pid" 2>/dev/null || die "spoold ended"
		sleep 0.01
	done
	"$builddir/sendmail/sendmail" -C /dev/null --spool "$spool" -i \
	    --wait=300s -f ann@x.test -- bob@y.test <"$dir/message" ||
		die "the fresh message is not delivered"
	took_us=$(($(now) - $1))
}

milliseconds() {
	figure "$1" "$(($2 / 1000))" "ms"
}

# costs COMMAND...: sets $took_us and $peak (KB) of a shell command's run
costs() {
	local begin
	begin=$(now)
	/usr/bin/time -f %M -o "$dir/peak" "$@" || die "'$*' fails"
	took_us=$(($(now) - begin))
	peak=$(tail -n 1 "$dir/peak")
}

snapshot_inode() {
	stat -c %i "$spool/.status.json"
}

bench_lists() {
	local jq_us list_us
	costs "$builddir/spoolq/spoolq" -C /dev/null --spool "$spool" list \
	    >"$dir/listed"
	list_us=$took_us
	milliseconds "  spoolq list" "$list_us"
	figure "  its peak memory" "$peak" "KB"
	costs sh -c "cat '$spool/.status.json' | jq -c ." >"$dir/listed.json"
	jq_us=$took_us
	milliseconds "  cat | jq -c" "$jq_us"
	figure "  list takes" "$(ratio "$list_us" "$jq_us")" "times as long"
	costs sh -c "cat '$spool/.status.json' >/dev/null"
	# shellcheck disable=SC2016
	costs bash -c '"$0" -C /dev/null --spool "$1" list | head -n 1' \
	    "$builddir/spoolq/spoolq" "$spool" >"$dir/listed"
	milliseconds "  spoolq list | head -n 1" "$took_us"
}

bench_queue() {
	local n=${MESSAGES:-100000} empty full start inode stall
	[ -x /usr/bin/time ] || die "GNU time is needed for queue"
	build fill-queue -I"$builddir" -I"$here/../.." "$here/../../lib/crc32.c"
	message 20 >"$dir/message"
	start_sink 0 1000
	new_spool
	start_waiting
	logged ' in queue/'
	empty=$(resident)
	stop_waiting
	new_spool
	"$dir/fill-queue" "$spool" "$n" "${SENDERS:-1000}" "${REPLIES:-10}" ||
		die "cannot fill the queue"
	figure "queue: $n messages, status" \
	    "$(($(stat -c %s "$spool/.status.json") / n))" "bytes each"
	start=$(now)
	start_waiting
	"$here/stall.pl" "$spool/.control" >"$dir/stall" &
	stall=$!
	mine+=("$stall")
	delivers "$start"
	milliseconds "  restart to a fresh message's delivery" "$took_us"
	logged "$n in queue/\|$((n + 1)) in queue/"
	milliseconds "  restart to the end of the first scan" \
	    $(($(now) - start))
	full=$(resident)
	figure "  spoold's memory" \
	    "$(((full - empty) * 1024 / n))" "bytes each"
	inode=$(snapshot_inode)
	start=$(now)
	kill -USR1 "$pid"
	while [ "$(snapshot_inode)" = "$inode" ]; do sleep 0.01; done
	milliseconds "  a snapshot" $(($(now) - start))
	kill "$stall"
	wait "$stall" 2>/dev/null
	read -r took_us _ <"$dir/stall"
	figure "  longest that its loop answered nobody" "$took_us" "ms"
	bench_lists
	stop_waiting
	stop_sink
}

[ $# -gt 0 ] || set -- drain delay memory latency submit
for each; do
	case $each in
	drain | delay | memory | latency | submit | queue) "bench_$each" ;;
	*) die "there is no benchmark '$each'" ;;
	esac
done
