#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A rate of 10 a second, seen from the relay: 300 messages in 30 seconds,
# evenly, from two agents, with a restart of spoold in the middle.

: "${TEST_TIMEOUT:=180}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

rate=10
window_s=30
times=$dir/times

# metronome FILE: the longest time in ms by which a wait of 50 ms lasted too
# long, kept in FILE: on a machine that has stood still, nothing is even.
metronome() {
	local worst=0 last late
	last=$(now)
	while :; do
		pause 0.05
		late=$((($(now) - last) / 1000 - 50))
		last=$((last + (late + 50) * 1000))
		[ "$late" -le "$worst" ] || worst=$late
		echo "$worst" >"$1.new"
		mv "$1.new" "$1"
	done
}

# accepted N: the relay has that many
accepted() {
	[ -e "$times" ] && [ "$(wc -l <"$times")" -ge "$1" ]
}

# figures: "COUNT MOST LEAST GAP" of the window that begins with the first
# message: how many were accepted, the most and the least of them in any second,
# and the longest time between two, in ms.  What the restart touches (RESTART
# is "FROM TO" in ms) counts for the first and the last only, where its time is
# left out.
figures() {
	awk -v window_ms=$((window_s * 1000)) -v from="$1" -v to="$2" '
	NR == 1 { start = $1 }
	$1 < start + window_ms { t[n++] = $1 }
	END {
		least = 1e9
		for (i = 0; i < n; i++) {
			while (t[i] - t[tail] >= 1000)
				tail++
			if (i - tail + 1 > most)
				most = i - tail + 1
			if (i > 0) {
				gap = t[i] - t[i - 1]
				if (t[i - 1] < to && t[i] > from)
					gap -= to - from
				if (gap > longest)
					longest = gap
			}
		}
		for (begin = start; begin + 1000 <= start + window_ms;
		    begin += 250) {
			if (begin < to + 500 && begin + 1000 > from)
				continue
			for (i = k = 0; i < n; i++)
				k += t[i] >= begin && t[i] < begin + 1000
			if (k < least)
				least = k
		}
		printf "%d %d %d %d\n", n, most, least, longest
	}' "$times"
}

# sway: by how many ms the way from spoold to the relay took some message
# longer than another one, by journal and relay: what the relay sees is uneven
# by that.  (A spoold has a clock of its own, which nobody sets.)
sway() {
	cat "$spool"/.journal* | awk -v times="$times" '
	BEGIN {
		while ((getline <times) > 0)
			came[substr($4, 2, length($4) - 2)] = $1
	}
	function member(name, at, rest) {
		at = index($0, "\"" name "\":")
		rest = substr($0, at + length(name) + 3)
		sub(/[,}].*/, "", rest)
		gsub(/"/, "", rest)
		return rest
	}
	function look() {
		if (n > 0 && most - least > worst)
			worst = most - least
		n = 0
	}
	/"event":"start"/ { look() }
	/"event":"admitted"/ { sender[member("id")] = member("sender") }
	/"event":"attempt"/ && !began[member("id")]++ {
		who = sender[member("id")]
		if (!(who in came))
			next
		took = came[who] - (member("time") % 100000000) * 1000
		if (n++ == 0)
			least = most = took
		if (took < least)
			least = took
		if (took > most)
			most = took
	}
	END { look(); printf "%d\n", worst }'
}

monotonic_ms() {
	local up
	read -r up _ </proc/uptime
	echo "${up/./}0"
}

# With each reply so late, no single connection could be as fast.
start_smtpd --reply-delay 60 --times "$times"
config=$dir/rate.conf
cat >"$config" <<EOC
relay = "127.0.0.1:$smtpd_port"
tls = none
rate = "$rate/s"
agents = 2
aliases = none
EOC
make_spool
total=$((rate * window_s + 50))
ok "$total messages are queued" send_numbered $total

metronome "$dir/late" &
meter=$!
start_spoold
wait_for 20 accepted 1 || bail "no message arrives"
is "$(ps -o args= --ppid "$spoold_pid" | grep -c 'spoold-smtp')" 2 \
    "two agents are running"
ok "half of the time passes" wait_for 40 accepted $((rate * window_s / 2))
from=$(monotonic_ms)
ok "spoold stops" stop_spoold
start_spoold
to=$(monotonic_ms)
diag "the restart took $((to - from)) ms"
window_over() {
	[ "$(monotonic_ms)" -ge $(($(head -n 1 "$times" | cut -d ' ' -f 1) +
	    window_s * 1000)) ]
}
wait_for 60 window_over
kill "$meter"
wait "$meter" 2>/dev/null
late=$(<"$dir/late")
read -r count most least longest < <(figures "$from" "$to")
sway=$(sway)
diag "$count messages in $window_s s; $least to $most in any second;" \
    "at most $longest ms between two; the machine was up to $late ms late," \
    "and a message up to $sway ms later than another"

# Too many are too many on any machine, but for what it had made late.
at_most "$sway" $((2000 + 2 * late)) "nothing is kept back on its way, ms"
[ "$sway" -le "$late" ] || late=$sway
at_most "$count" $((rate * window_s * 105 / 100 + late * rate / 1000)) \
    "not too many"
at_most "$most" $((rate + 2 + (late * rate + 999) / 1000)) \
    "nor in any second, by restart or not"
if [ "$late" -lt 250 ] && [ $((to - from)) -lt 1500 ]; then
	ok "not too few: $count" test "$count" -ge $((rate * window_s * 95 / 100))
	ok "nor in any second: $least" test "$least" -ge $((rate - 2))
	at_most "$longest" 1000 "no gap beyond the restart's, ms"
else
	skip "not too few" "the machine stood still for up to $late ms"
fi
is "$(events deferred) $(events failed)" "0 0" "to wait is no attempt"
# (Whoever is not answered in the 3 s that spoold waits when it stops is in
# doubt.)
at_most "$(sed -n 's/.* \(<.*\)/\1/p' "$times" | sort | uniq -d | wc -l)" \
    "$(events uncertain)" "no message came twice, unless in doubt"
ok "spoold stops in the end" stop_spoold

# --- several windows at once: the longest one ends it
stop_smtpd || fail "smtpd ends"
rm -rf "$spool" "$times"
sed -i 's|^rate = .*|rate = {"100/s", "30/h"}|' "$config"
start_smtpd --times "$times"
sed -i "s|^relay = .*|relay = \"127.0.0.1:$smtpd_port\"|" "$config"
make_spool
ok "40 messages are queued" send_numbered 40
start_spoold
ok "30 an hour: 30 go" wait_for 20 accepted 30
ok "and have left" wait_for 10 queue_has 10
ok "spoold stops after 30" stop_spoold
start_spoold
send_simple late@x.test r@y.test
ok "the restart does not make it forget" wait_for 10 has_events 41 admitted
pause 1
is "$(wc -l <"$times") $(queued)" "30 11" "30 an hour: no more, and all wait"
is "$(events deferred) $(events relay-down)" "0 0" \
    "which is no trouble of anybody"
ok "spoold stops for good" stop_spoold

# --- a sender's: spoolq knows it from the journal, or the snapshot, or both
rm -rf "$spool"
sed -i 's|^rate = .*|sender_rate = "3/h"|' "$config"
make_spool
start_spoold
# limited N SENDER: so many of SENDER's wait for a rate, spoolq says
limited() {
	[ "$(spoolq list --ids --state rate --from "$2" | wc -l)" -eq "$1" ]
}
for n in 1 2 3 4; do
	send_simple loop@x.test "l$n@y.test"
done
ok "three of a sender's go" wait_for 20 has_events 3 removed
ok "spoolq says what the fourth waits for" \
    wait_for 10 limited 1 loop@x.test
before=$(stat -c %y "$spool/.status.json")
kill -USR1 "$spoold_pid"
renewed() { [ "$(stat -c %y "$spool/.status.json")" != "$before" ]; }
ok "a snapshot is written" wait_for 10 renewed
ok "it still does" limited 1 loop@x.test
send_simple loop@x.test l5@y.test
send_simple other@x.test o@y.test
ok "another sender is not held back" wait_for 20 has_events 4 removed
ok "the loop is, and what has come since, too" \
    wait_for 10 limited 2 loop@x.test
like "$(spoolq list)" ' rate [0-9]+[mh] +loop@x.test' "and says for how long"
quiet() {
	spoolq status --warn-stall 1s --crit-stall 1s >"$dir/status"
	[[ $(<"$dir/status") =~ last\ event\ ([2-9]|[1-9][0-9])s ]]
}
ok "nothing happens for a while" wait_for 10 quiet
like "$(<"$dir/status")" '^OK: .*wait for  rate 2' "which is no trouble"
unlike "$(<"$dir/status")" "did nothing" "that spoold would be blamed for"
ok "spoold ends in order" stop_spoold
done_testing
