#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Much mail and a relay that is down: one probe at a time, next to no work
# meanwhile, and on with it when the relay is there again.
#
#	BACKLOG=100000	so many messages instead of 5000

: "${BACKLOG:=5000}"
: "${TEST_TIMEOUT:=$((180 + BACKLOG / 100))}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

need perl perl
make_spool
printf '%s\n' 'aliases = none' 'bounces = no' 'tls = none' \
    'connections_max = 10' >"$config"

# Copies of one message take less time than as many sendmails.
fill_queue() { # COUNT
	local first i
	send_simple ann@x.test bob@y.test || return 1
	first=$(ls "$spool/queue")
	for ((i = 1; i < $1; i++)); do
		printf '%s/queue/%010X\0' "$spool" $((16#$first + i))
	done | perl -0 -ne '
		BEGIN { local $/; open my $in, "<", shift; $text = <$in> }
		chomp; open my $out, ">", $_ or die "$_: $!\n";
		print $out $text; close $out or die "$_: $!\n";
	' "$spool/queue/$first"
}
# cpu_ms PID: what it has used so far
cpu_ms() {
	local stat
	read -r stat <"/proc/$1/stat"
	read -ra stat <<<"${stat##*) }"
	echo $(((stat[11] + stat[12]) * 1000 / $(getconf CLK_TCK)))
}
probes() {
	count_log ' S: 421 '
}
# The rests that the log promises, in seconds.
rests() {
	sed -n 's/.*relay default is down: .*; next probe in \([0-9]*\) s$/\1/p' \
	    "$spoold_log" | tr '\n' ' '
}
has_rests() {
	[ "$(rests | wc -w)" -ge "$1" ]
}

start_smtpd --rule 'connect reply "421 4.3.2 not now"; drop'
ok "$BACKLOG messages are queued" fill_queue "$BACKLOG"
start_spoold --relay "127.0.0.1:$smtpd_port"
ok "spoold knows them" wait_for $((30 + BACKLOG / 200)) \
    has_line "$spoold_log" "$BACKLOG in queue/"
ok "the relay is down" wait_for 20 has_line "$spoold_log" 'relay default is down'
# What was on its way when that was found out has come back; from now on they
# are probes.
ok "probes follow" wait_for 30 has_rests 3
before=$(probes)
began=$(now) used=$(cpu_ms "$spoold_pid")
pause 10
span_ms=$((($(now) - began) / 1000)) used=$(($(cpu_ms "$spoold_pid") - used))
at_most "$used" $((span_ms * 3 / 100 + 20)) \
    "next to no work in $span_ms ms with all due, in ms"
at_most $(($(probes) - before)) $((1 + span_ms / 4000)) "few probes meanwhile"
at_most "$(stat_of max_concurrent)" 10 "never more than connections are allowed"
# Each probe is handed out by itself, and comes back before the next one.
unanswered=$(awk '
	/"event":"relay-down"/ { down = 1 }
	/"event":"attempt"/ { if (down) { open++; if (open > most) most = open } }
	/"event":"back"/ { if (down && open > 0) open-- }
	END { print most + 0 }' "$spool/.journal.jsonl")
at_most "$unanswered" 1 "one probe at a time"
for ((i = 0; i < 3; i++)); do
	n=$(rests | wc -w)
	spoolq flush >/dev/null
	wait_for 10 has_rests $((n + 1)) || break
done
like "$(rests)" '^1 2 4 8 10 10 ' "the rests grow, up to ten seconds"

# ---- it is back --------------------------------------------------------

restart_smtpd
began=$(now)
ok "asked to, spoold goes on at once" spoolq flush
ok "the first message arrives" wait_for 10 has_messages 1
took=$((($(now) - began) / 1000))
# By itself it would look ten seconds after the last time.
at_most "$took" 8000 "within seconds, in ms"
if [ "$BACKLOG" -le 10000 ]; then
	ok "and in time all do" wait_for 150 queue_has 0
	is "$(count_messages)" "$BACKLOG" "each once"
fi
ok "spoold ends in order" stop_spoold
done_testing
