# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What the black-box tests share.  A test is a bash script that begins with
#
#	. "${srcdir:?}/tests/run/lib.sh"
#
# and ends with done_testing.  It prints TAP, works in $dir (a directory of
# its own, removed at the end) and gets from make:
#
#	srcdir, builddir	the top directories, absolute
#
# It can be run by hand: srcdir=... builddir=... bash tests/run/NAME.t
#
#	TEST_TIMEOUT=SECONDS	the limit for the whole test (set it before
#				sourcing for another default than 120)
#	TEST_KEEP=1		keep $dir
#
# The script runs twice: the outer run is the watchdog, which starts the inner
# one as a process group of its own, ends it when its time is over, and in the
# end kills what is left of the group, and only that.

# ---- the outer run: watchdog ------------------------------------------

_watchdog_end() {
	kill -KILL -- "-$_inner" 2>/dev/null
	kill "$_sleeper" 2>/dev/null
	[ ! -e "$dir/.cleanup" ] || bash "$dir/.cleanup" >/dev/null 2>&1
	wait 2>/dev/null
	if [ -n "${TEST_KEEP:-}" ]; then
		echo "# kept $dir"
	else
		chmod -R u+rwX "$dir" 2>/dev/null
		rm -rf "$dir"
	fi
}

_watchdog_late() {
	printf 'not ok - %s had not finished after %s s\n' \
	    "${0##*/}" "$_limit"
	echo "# its processes:"
	ps -o pid,stat,wchan:20,args -g "$_inner" | sed 's/^/#   /'
	dump_logs
}

_watchdog() {
	local ended status
	_limit=${TEST_TIMEOUT:-120}
	dir=$(mktemp -d "${TMPDIR:-/tmp}/spoold-test.XXXXXX") || exit 99
	export dir
	# Who is told to end at once has to know first what to end.
	trap '_told=yes' INT TERM HUP
	TEST_INNER=1 setsid "${BASH:-bash}" "$0" "$@" &
	_inner=$!
	sleep "$_limit" &
	_sleeper=$!
	trap '_watchdog_end; exit 143' INT TERM HUP
	if [ -n "${_told:-}" ]; then
		_watchdog_end
		exit 143
	fi
	wait -n -p ended "$_inner" "$_sleeper"
	status=$?
	if [ "$ended" = "$_sleeper" ]; then
		status=1
		_watchdog_late
	fi
	_watchdog_end
	exit "$status"
}

# The ends of all logs in $dir, as comments.
dump_logs() {
	local log
	for log in "$dir"/*.log; do
		[ -s "$log" ] || continue
		echo "# --- end of ${log##*/}:"
		tail -n "${1:-25}" "$log" | cut -c 1-300 | sed 's/^/# /'
	done
}

if [ -z "${TEST_INNER:-}" ]; then
	_watchdog "$@"
fi

# ---- the inner run: TAP ------------------------------------------------

set -u
unset TEST_INNER
: "${builddir:?}" "${dir:?}"
LC_ALL=C
TZ=UTC
export LC_ALL TZ
umask 077
cd "$dir" || exit 99

_count=0
_failed=0
_finished=
# Never written to: reading from it with a limit waits without a process.
mkfifo "$dir/.never"
exec {_never}<>"$dir/.never"

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

bail() {
	printf 'Bail out! %s\n' "$*"
	_finished=1
	exit 1
}

pass() {
	_count=$((_count + 1))
	printf 'ok %d - %s\n' "$_count" "$*"
}

fail() {
	_count=$((_count + 1))
	_failed=$((_failed + 1))
	printf 'not ok %d - %s\n' "$_count" "$*"
}

# ok NAME COMMAND...: the command succeeds.
ok() {
	local name=$1 status
	shift
	"$@"
	status=$?
	if [ "$status" -eq 0 ]; then
		pass "$name"
	else
		fail "$name"
		diag "exit status $status of: $*"
	fi
	return "$status"
}

# fails STATUS NAME COMMAND...: the command ends with exactly STATUS.
fails() {
	local want=$1 name=$2 status
	shift 2
	"$@"
	status=$?
	if [ "$status" -eq "$want" ]; then
		pass "$name"
		return 0
	fi
	fail "$name"
	diag "exit status $status, not $want, of: $*"
	return 1
}

# is GOT WANT NAME
is() {
	if [ "$1" = "$2" ]; then
		pass "$3"
		return 0
	fi
	fail "$3"
	diag "got:  $1"
	diag "want: $2"
	return 1
}

# like TEXT REGEX NAME (an extended regular expression)
like() {
	if [[ $1 =~ $2 ]]; then
		pass "$3"
		return 0
	fi
	fail "$3"
	diag "got:  $1"
	diag "want a match of: $2"
	return 1
}

# unlike TEXT REGEX NAME
unlike() {
	if ! [[ $1 =~ $2 ]]; then
		pass "$3"
		return 0
	fi
	fail "$3"
	diag "got:  $1"
	diag "want no match of: $2"
	return 1
}

# at_most GOT LIMIT NAME
at_most() {
	if [ "$1" -le "$2" ]; then
		pass "$3 ($1)"
		return 0
	fi
	fail "$3"
	diag "got $1, want at most $2"
	return 1
}

skip() {
	_count=$((_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$_count" "$1" "$2"
}

# skip_all REASON: nothing of this test can run here.
skip_all() {
	printf '1..0 # SKIP %s\n' "$*"
	_finished=1
	exit 0
}

# need PROGRAM PACKAGE: or skip it all.
need() {
	command -v "$1" >/dev/null ||
	    skip_all "$1 is not installed (Debian package $2)"
}

# What the sanitizers say, in whatever log: always a failure.
_check_reports() {
	local report words='(Address|Leak|Thread)Sanitizer: |runtime error: '
	report=$(grep -Ehs -A 12 "$words" "$dir"/*.log | head -n 40)
	[ -z "$report" ] && return
	fail "no sanitizer has anything to report"
	diag "$report"
}

done_testing() {
	_check_reports
	printf '1..%d\n' "$_count"
	_finished=1
	[ "$_failed" -eq 0 ] || dump_logs
	exit $((_failed > 0))
}

_ending() {
	if [ -z "$_finished" ]; then
		fail "${0##*/} ran to its end"
		dump_logs
	fi
}
trap _ending EXIT

# at_cleanup COMMAND: run it when the test is over, however that came about:
# for what leaves the test's process group
at_cleanup() {
	printf '%s\n' "$1" >>"$dir/.cleanup"
}

# ---- waiting -----------------------------------------------------------

# pause SECONDS, without starting a process
pause() {
	read -r -t "$1" -u "$_never" _
	return 0
}

# now: microseconds since the epoch
now() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# wait_for SECONDS COMMAND...: until it succeeds, looking every 20 ms
wait_for() {
	local limit=$1 end
	shift
	end=$(($(now) + limit * 1000000))
	until "$@"; do
		if [ "$(now)" -ge "$end" ]; then
			diag "waited $limit s in vain for: $*"
			dump_logs 12
			return 1
		fi
		pause 0.02
	done
	return 0
}

# is_gone PID: it has ended (a child may wait to be asked for its status)
is_gone() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	stat=${stat##*) }
	[ "${stat%% *}" = Z ]
}

# end_process PID: TERM, and KILL if it does not end; its exit status
end_process() {
	kill -TERM "$1" 2>/dev/null
	if ! wait_for 15 is_gone "$1"; then
		diag "process $1 had to be killed"
		kill -KILL "$1" 2>/dev/null
	fi
	wait "$1"
}

has_line() { # FILE REGEX
	[ -e "$1" ] && grep -Eq -- "$2" "$1"
}

# ---- the scripted SMTP server ------------------------------------------

SMTPD=$builddir/tests/smtpd/smtpd

# start_smtpd ARGS...: afterwards $smtpd_port, $smtpd_pid, $smtpd_out,
# $smtpd_log.  With smtpd_name=NAME before it, another one beside the first.
start_smtpd() {
	local name=${smtpd_name:-smtpd}
	smtpd_out=$dir/$name.out
	smtpd_log=$dir/$name.log
	rm -f "$dir/$name.port"
	"$SMTPD" --with-parent --port-file "$dir/$name.port" \
	    --out "$smtpd_out" --log "$smtpd_log" "$@" 2>>"$dir/$name.err.log" &
	smtpd_pid=$!
	wait_for 10 _port_or_gone "$dir/$name.port" "$smtpd_pid" &&
	    [ -e "$dir/$name.port" ] ||
	    bail "smtpd did not start: $(cat "$dir/$name.err.log")"
	smtpd_port=$(<"$dir/$name.port")
}

_port_or_gone() {
	[ -e "$1" ] || is_gone "$2"
}

# stop_smtpd: its exit status, which a sanitizer's report changes
stop_smtpd() {
	end_process "$smtpd_pid"
}

# count_messages [DIR]: accepted ones
count_messages() {
	local found
	found=$(find "${1:-$smtpd_out}" -name '*.eml' | wc -l)
	echo "$found"
}

# has_messages N [DIR]: at least so many
has_messages() {
	[ "$(count_messages "${2:-$smtpd_out}")" -ge "$1" ]
}

# stat_of KEY [DIR]: a figure of the server's
stat_of() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "${2:-$smtpd_out}/stats"
}

# count_log REGEX [FILE]: lines of the server's transcript
count_log() {
	grep -Ec -- "$1" "${2:-$smtpd_log}"
}

# messages_to ADDRESS [DIR]: how many messages it got
messages_to() {
	cat "${2:-$smtpd_out}"/*.env 2>/dev/null | grep -Fc "rcpt <$1>"
}

# ---- the programs under test -------------------------------------------

SPOOLD=$builddir/spoold/spoold
SENDMAIL=$builddir/sendmail/sendmail
SPOOLQ=$builddir/spoolq/spoolq
SPOOLD_EXEC_PATH=$builddir/spoold/smtp:$builddir/spoold/maildir
export SPOOLD_EXEC_PATH
# Never the machine's own configuration, nor its aliases.
config=$dir/.conf
printf '%s\n' 'aliases = none' 'bounces = no' >"$config"
spool=$dir/spool
spoold_log=$dir/spoold.log
spoold_pid=

# make_spool: an empty one in $spool
make_spool() {
	mkdir -m 0700 "$spool" "$spool"/{tmp,queue,hold,failed}
}

# start_spoold ARGS...: in the foreground of the background, its log in
# $spoold_log, its pid in $spoold_pid; returns when it serves the spool.
start_spoold() {
	launch_spoold "$@"
	wait_for 20 _serves_or_gone
	if is_gone "$spoold_pid"; then
		wait "$spoold_pid"
		bail "spoold ended with status $?: $(tail -n 3 "$spoold_log")"
	fi
}

# launch_spoold ARGS...: as start_spoold, without waiting
launch_spoold() {
	rm -f "$spool/.control"
	"$SPOOLD" -C "$config" "$@" "$spool" >>"$spoold_log" 2>&1 </dev/null &
	spoold_pid=$!
}

_serves_or_gone() {
	[ -S "$spool/.control" ] || is_gone "$spoold_pid"
}

# stop_spoold: its exit status
stop_spoold() {
	local pid=$spoold_pid
	spoold_pid=
	end_process "$pid"
}

# kill_spoold: at once, by SIGKILL
kill_spoold() {
	kill -KILL "$spoold_pid"
	wait "$spoold_pid" 2>/dev/null
	spoold_pid=
}

# run_spoold ARGS...: to its end, at most 60 s; its exit status
run_spoold() {
	timeout -k 5 60 "$SPOOLD" -C "$config" "$@" "$spool" >>"$spoold_log" 2>&1 \
	    </dev/null
}

sm() {
	timeout -k 5 60 "$SENDMAIL" -C "$config" --spool "$spool" "$@"
}

spoolq() {
	timeout -k 5 60 "$SPOOLQ" -C "$config" --spool "$spool" "$@"
}

# send_simple SENDER RECIPIENT... : a small message
send_simple() {
	local sender=$1
	shift
	printf 'Subject: test\n\nsmall\n' | sm -i -f "$sender" -- "$@"
}

# send_numbered N: messages 1 to N, from sI@x.test to rI@y.test with the text
# "number I", four at a time; fails if a sendmail did
send_numbered() {
	local n=$1 part i status=0 pids=()
	for part in 1 2 3 4; do
		(
			for ((i = part; i <= n; i += 4)); do
				printf 'Subject: %d\n\nnumber %d\n' "$i" "$i" |
				    sm -i -f "s$i@x.test" -- "r$i@y.test" ||
				    exit 1
			done
		) &
		pids+=("$!")
	done
	for part in "${pids[@]}"; do
		wait "$part" || status=1
	done
	return "$status"
}

# queued [STATE]: how many messages lie in queue/ (or hold/, failed/)
queued() {
	find "$spool/${1:-queue}" -type f ! -name '*.why' | wc -l
}

queue_has() { # N [STATE]
	[ "$(queued "${2:-queue}")" -eq "$1" ]
}

# events NAME: how many such events the journals hold, the rotated ones too
events() {
	cat "$spool"/.journal* 2>/dev/null | grep -c "\"event\":\"$1\""
}

has_events() { # N NAME
	[ "$(events "$2")" -ge "$1" ]
}

# flushing SECONDS COMMAND...: as wait_for, and what was put off is made due
# again and again meanwhile, for nobody wants to wait the minutes.
flushing() {
	local limit=$1 end next=0
	shift
	end=$(($(now) + limit * 1000000))
	until "$@"; do
		if [ "$(now)" -ge "$end" ]; then
			diag "waited $limit s in vain, flushing, for: $*"
			dump_logs 12
			return 1
		fi
		if [ "$(now)" -ge "$next" ]; then
			spoolq flush >/dev/null 2>>"$dir/flush.log"
			next=$(($(now) + 300000))
		fi
		pause 0.02
	done
	return 0
}

# restart_smtpd ARGS...: end the server and start one at the same port.
# Its transcript goes on, its messages are counted on from 1 in a new
# directory.
restart_smtpd() {
	local port=$smtpd_port
	stop_smtpd || diag "smtpd ended with status $?"
	_restarts=$((${_restarts:-0} + 1))
	smtpd_name=smtpd$_restarts start_smtpd --port "$port" "$@"
}

# ---- certificates ------------------------------------------------------

# make_ca [NAME]: $dir/NAME.pem and .key (default ca)
make_ca() {
	local name=${1:-ca}
	{
		openssl ecparam -name prime256v1 -genkey -noout \
		    -out "$dir/$name.key" &&
		openssl req -x509 -new -key "$dir/$name.key" -days 3 \
		    -subj "/CN=test CA $name" -out "$dir/$name.pem" \
		    -addext basicConstraints=critical,CA:true
	} 2>"$dir/openssl.log" || bail "cannot make a CA"
}

# make_cert NAME DAYS [SAN [CA]]: $dir/NAME.pem and .key; negative DAYS: it
# has expired
make_cert() {
	local name=$1 days=$2 ca=${4:-ca}
	local san=${3:-DNS:localhost,IP:127.0.0.1,IP:::1}
	{
		openssl ecparam -name prime256v1 -genkey -noout \
		    -out "$dir/$name.key" &&
		openssl req -new -key "$dir/$name.key" -subj "/CN=$name" \
		    -out "$dir/$name.csr" &&
		printf 'subjectAltName=%s\n' "$san" >"$dir/$name.ext" &&
		openssl x509 -req -in "$dir/$name.csr" -days "$days" \
		    -CA "$dir/$ca.pem" -CAkey "$dir/$ca.key" \
		    -CAcreateserial -extfile "$dir/$name.ext" \
		    -out "$dir/$name.pem"
	} >"$dir/openssl.log" 2>&1 || bail "cannot make the certificate $name"
}
