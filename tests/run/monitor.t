#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq status and metrics: is mail leaving?  For people, Nagios, Prometheus.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
need python3 python3

unset COLUMNS
# are_metrics FILE: whole ones; their samples are in $dir/samples
are_metrics() {
	python3 "$srcdir/tests/run/openmetrics.py" <"$1" >"$dir/samples"
}

make_spool

# ask ARGS...: $out, $err, $status, $first line
ask() {
	out=$(spoolq "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
	first=${out%%$'\n'*}
}

put() { # STATE ID AGE_S SENDER RCPT...
	local state=$1 id=$2 arrival=$(($(now) - $3 * 1000000))
	shift 3
	printf 'Subject: %s\n\nbody\n' "$id" | crlf |
	    put_message "$spool/$state" "$id" "$arrival" "$@"
}

# metric NAME{LABELS}: its value in the last metrics
metric() {
	sed -n "s/^$1=//p" "$dir/samples"
}

# measure ARGS...: the metrics are well formed
measure() {
	spoolq metrics "$@" >"$dir/metrics" 2>"$dir/err" &&
	    python3 "$srcdir/tests/run/openmetrics.py" <"$dir/metrics" \
		>"$dir/samples"
}

# ---- the checker can say no --------------------------------------------

while IFS='|' read -r text why; do
	printf '%b' "$text" | python3 "$srcdir/tests/run/openmetrics.py" \
	    >/dev/null 2>"$dir/err"
	is "$?" 1 "no metrics: $why"
done <<'END'
# TYPE a gauge\n# HELP a x.\na 1\n|no end
# TYPE a gauge\na 1\n# EOF\n|no help
# TYPE a gauge\n# HELP a x.\na{b="c"d"} 1\n# EOF\n|a quote
# TYPE a counter\n# HELP a x.\na 1\n# EOF\n|no _total
# TYPE a gauge\n# HELP a x.\na 1\na 2\n# EOF\n|twice
END

# ---- the command line --------------------------------------------------

while IFS='|' read -r args want; do
	# shellcheck disable=SC2086
	ask $args
	is "$status/${err%%$'\n'*}" "64/spoolq: $want" "usage: $args"
done <<'END'
status --warn-age x|--warn-age: 'x' is no length of time
status --crit-count -1|--crit-count: '-1' is too small
status --warn-failed many|--warn-failed: 'many' is invalid
END
ask status x
is "$status" 64 "no operands"
ask status --nagios --warn-age $'x\33'
is "$status/$out/$err" \
    "3/SPOOLD UNKNOWN - --warn-age: 'x\\x1B' is no length of time/" \
    "as a plugin: unknown"

for to in 'ann@x.test bob@x.test' 'ann@x.test,bob@x.test' '' ','; do
	ask test "$to"
	is "$status/${err%%$'\n'*}" "64/spoolq: '$to' is not one address" \
	    "test is for one address: '$to'"
done

# What cannot be looked at is unknown, on standard output.
out=$("$SPOOLQ" -C "$dir/none.conf" status --nagios 2>/dev/null)
is "$?/${out%% - *}" "3/SPOOLD UNKNOWN" "no such configuration"
out=$("$SPOOLQ" -C /dev/null --spool "$dir/none" status 2>/dev/null)
is "$?/$out" "3/UNKNOWN: $dir/none: is missing" "no such spool"

# ---- without a spoold --------------------------------------------------

ask status
is "$status/$first" "2/CRITICAL: spoold is not running" "no spoold: critical"
like "$out" $'\nWARNING: no relay is configured\n' "what else is wrong"
like "$out" $'\nqueue     empty\n' "the queue"
at_most "$(wc -l <<<"$out")" 24 "one screen"
ask status --nagios
is "$status/${first%% | *}" "2/SPOOLD CRITICAL - spoold is not running" \
    "as a plugin"
like "${first#* | }" \
    '^messages=0;1000;10000;0 oldest=0s;14400;86400;0 held=0;;;0 ' "figures"
like "$first" ' deferred=0c;;;0 bytes=0c;;;0$' "counters"
ok "metrics" measure
is "$(metric 'spoold_up{}')" 0 "spoold is not up"
is "$(metric 'spoold_messages{state="new"}')" 0 "no messages"

put queue 3286A1B2C1 400 ann@x.test bob@y.test
put failed 3286A1B2C2 90000 ann@x.test bob@y.test
ask status --nagios --warn-age 5m --crit-age 1h --warn-count 1 \
    --crit-count off --crit-failed 1
like "$out" $'\nCRITICAL: 1 message in failed/\n' "a threshold for failed"
like "$out" $'\nCRITICAL: no relay is configured\n' "no relay, and mail"
like "$out" $'\nWARNING: message 3286A1B2C1 waits for 6m\n' "for age"
like "$out" $'\nWARNING: 1 message waits' "for count"
like "$first" ' messages=1;1;;0 oldest=4[0-9][0-9]s;300;3600;0 ' "are shown"
ask status --warn-failed off
unlike "$out" "in failed/" "a threshold can be off"
ask status --warn-failed 0
unlike "$out" "in failed/" "or 0"
ok "metrics" measure
is "$(metric 'spoold_messages{state="new"}')" 1 "one is new"
is "$(metric 'spoold_messages{state="failed"}')" 1 "one has failed"
ok "its age is told" [ "$(metric 'spoold_oldest_message_age_seconds{}' |
    cut -d. -f1)" -ge 400 ]
unlike "$(<"$dir/metrics")" '@|3286A1B2' "no addresses, no ids"

# ---- --textfile --------------------------------------------------------

(umask 077 && spoolq metrics --textfile "$dir/spoold.prom")
is "$(stat -c %a "$dir/spoold.prom")" 644 "the file is for everybody"
ok "and whole" are_metrics "$dir/spoold.prom"
inode=$(stat -c %i "$dir/spoold.prom")
ok "again" spoolq metrics --textfile "$dir/spoold.prom"
unlike "$(stat -c %i "$dir/spoold.prom")" "^$inode\$" "it is replaced"
is "$(find "$dir" -maxdepth 1 -name '.spoold.prom*')" "" "nothing stays"
ask metrics --textfile "$dir/none/spoold.prom"
is "$status/$err" "73/spoolq: cannot write '$dir/none/spoold.prom': \
No such file or directory" "no such directory"
ln -s spoold.prom "$dir/link.prom"
ask metrics --textfile "$dir/link.prom"
is "$status/$err" "73/spoolq: cannot replace '$dir/link.prom': \
it is no regular file" "a link is left alone"
ok "still there" [ -L "$dir/link.prom" ]
ask metrics --textfile -
like "$out" '# EOF' "- is standard output"

# ---- with a spoold -----------------------------------------------------

rm "$spool/queue"/* "$spool/failed"/*
cat >"$dir/script" <<'EOS'
rcpt match=busy* reply "450 4.2.0 a | b \x1b[2J"
rcpt match=none* reply "550 5.1.1 no such user"
EOS
start_smtpd --script "$dir/script"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_simple ann@x.test one@y.test two@y.test busy@y.test
ok "three answers" wait_for 10 has_events 1 deferred
ok "two deliveries" wait_for 10 has_events 2 delivered
ask status
is "$status" 0 "all is well"
like "$first" '^OK: mail is leaving, 1 message waits, the oldest for ' \
    "which is said first"
like "$out" $'\nlast hour +2 +1 +0 ' "the last hour"
like "$out" $'\ndefault +up .*\n +[0-9]+s ago: 450 4.2.0 a \\| b \\\\x1B' \
    "the relay, and its last trouble, harmless"
at_most "$(wc -l <<<"$out")" 24 "one screen"
ask status --nagios
like "$status/$first" \
    '^0/SPOOLD OK - [^|]* \| messages=1;.* delivered=2c;;;0 deferred=1c;' \
    "as a plugin"
ok "metrics" measure
is "$(metric 'spoold_up{}')" 1 "spoold is up"
is "$(metric 'spoold_results_total{result="delivered"}')" 2 "delivered"
is "$(metric 'spoold_results_total{result="deferred"}')" 1 "deferred"
is "$(metric 'spoold_relay_up{relay="default"}')" 1 "the relay is up"
is "$(metric 'spoold_messages{state="deferred"}')" 1 "one waits"
ask status --warn-count 1
is "$status" 1 "a warning has status 1"
ask status --crit-age 0s --warn-age off
is "$status" 0 "no threshold, no warning"

send_simple ann@x.test none{1,2,3,4,5}@y.test
ok "five are refused" wait_for 10 has_events 5 failed
ok "their message is given up" wait_for 10 queue_has 1 failed
ask status --warn-failed off
is "$status/$first" \
    "2/CRITICAL: 71 % of the recipients of the last hour were refused" \
    "most were refused: critical"
ask status --warn-failed off --crit-refused 99
is "$status" 1 "a warning, if so many do not matter"

# An edit that is none does not hide what was known.
ids=$(spoolq list --ids | xargs)
kill -TSTP "$spoold_pid"
ok "spoold gives the status to edit" \
    wait_for 10 [ -e "$spool/.status.json.base" ]
echo '{}' >"$spool/.status.json"
ask list --ids
is "$(xargs <<<"$out")/$err" "$ids/spoolq: the status has been edited and is not valid; \
what it said before is shown, as far as it is known" "a wrong edit"
ask status --warn-failed off
unlike "$out" "no relay is configured" "the relay is known"
cp "$spool/.status.json.base" "$spool/.status.json"
kill -CONT "$spoold_pid"
is_not_paused() { ! spoolq list 2>&1 | grep paused >/dev/null; }
ok "the pause ends" wait_for 10 is_not_paused

kill -STOP "$spoold_pid"
# shellcheck disable=SC2086
ask status --warn-failed off --warn-refused off --crit-refused off
is "$status/$first" "2/CRITICAL: spoold runs, but does not answer" \
    "a spoold that hangs is critical"
kill -CONT "$spoold_pid"

spoolq pause >"$dir/out" 2>&1
ask status --warn-failed off --warn-refused off --crit-refused off
like "$status/$first" '^1/WARNING: paused for [0-9]+s' "a pause is a warning"
ok "metrics" measure
is "$(metric 'spoold_paused{}')" 1 "is counted"
spoolq resume >"$dir/out" 2>&1

stop_smtpd
send_simple ann@x.test three@y.test
ok "the relay is gone" wait_for 10 has_events 1 relay-down
off="--warn-failed off --warn-refused off --crit-refused off"
# shellcheck disable=SC2086
ask status $off
is "$status" 0 "for a moment that is no trouble"
is_down_too_long() {
	# shellcheck disable=SC2086
	ask status $off --crit-down 1s
	[ "$status" -eq 2 ]
}
ok "for longer than allowed, it is" wait_for 10 is_down_too_long
like "$first" '^CRITICAL: relay default down for .* messages? waits? for it: ' \
    "named, with the reason"
ok "metrics" measure
is "$(metric 'spoold_relay_up{relay="default"}')" 0 "the relay is down"

# Stopped, it takes calls, and nothing moves.
stop_spoold
# shellcheck disable=SC2086
ask status $off
is "$status/$first" "2/CRITICAL: spoold is not running" "spoold has ended"
ok "metrics" measure
is "$(metric 'spoold_up{}')" 0 "spoold_up is 0"
is "$(metric 'spoold_results_total{result="delivered"}')" 2 \
    "counters stay until the next start"

# ---- by whom -----------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
	chmod 0755 "$dir"
	as() { # UID ARGS...
		setpriv --reuid "$1" --regid "$1" --clear-groups \
		    timeout 20 "$SPOOLQ" -C /dev/null --spool "$spool" \
		    "${@:2}" >"$dir/as.out" 2>"$dir/as.err"
	}
	fails 3 "somebody else does not know" as 65534 status
	like "$(<"$dir/as.out")" "^UNKNOWN: " "and is told so"
	fails 77 "nor gets metrics" as 65534 metrics
	chown -R 65533 "$spool"
	fails 2 "the owner does" as 65533 status
	ok "and gets metrics" as 65533 metrics
	# Root works as the owner, and writes as root.
	mkdir -m 0755 "$dir/textfiles"
	ok "root writes where the owner may not" \
	    spoolq metrics --textfile "$dir/textfiles/spoold.prom"
	is "$(stat -c '%u %a' "$dir/textfiles/spoold.prom")" "0 644" \
	    "as root"
	ok "and it is whole" are_metrics "$dir/textfiles/spoold.prom"
	fails 77 "the owner may not" as 65533 metrics --textfile \
	    "$dir/textfiles/spoold.prom"

	# A spool for the whole machine: everybody sees what is his.
	chmod 0644 "$config"
	chmod 0711 "$dir" "$spool"
	# The set-group-id sendmail writes there: the whole machine's.
	chmod 1770 "$spool"/{tmp,queue}
	rm -f "$spool/queue"/*
	put hold 3286A1B2D1 400 secret@x.test bob@y.test
	(
		id() { echo 65534; }
		put hold 3286A1B2D2 700 mine@x.test bob@y.test
	)
	chown -R 65533:65533 "$spool"
	printf '%s\n' '#!/bin/bash' "exec setpriv --reuid 65533 \
	    --regid 65533 --clear-groups '$SPOOLD' \"\$@\"" >"$dir/spoold"
	chmod 0755 "$dir/spoold"
	SPOOLD=$dir/spoold
	start_spoold
	ok "both are known" wait_for 10 has_events 2 held
	as 65534 status
	like "$(<"$dir/as.out")" $'\nyour mail 1 held; ' "his mail only"
	like "$(<"$dir/as.out")" "Only mail that you submitted is shown" \
	    "he is told so"
	ok "summary too" as 65534 summary
	like "$(<"$dir/as.out")" "^1 message, .*mine@x.test" "of his"
	fails 3 "a plugin cannot know" as 65534 status --nagios
	like "$(<"$dir/as.out")" \
	    '^SPOOLD UNKNOWN - only your own mail is yours to see' \
	    "and says why"
	ok "list too" as 65534 list
	like "$(<"$dir/as.err")" "spoolq: only mail that you submitted is shown" \
	    "is told what it lacks"
	fails 77 "mailq is no figure for monitoring" as 65534 mailq
	like "$(<"$dir/as.out")" "mine@x.test.*in 1 Request" "but shows his"
	ok "metrics too" as 65534 metrics
	is "$(<"$dir/as.err")" "spoolq: only mail that you submitted is counted" \
	    "are told to lack the rest"
	unlike "$(<"$dir/as.out")" "results_total|spoold_relay" "without the rest"
	ok "and a page" as 65534 report --html -
	unlike "$(<"$dir/as.out")" "secret" "of his mail"
	# A member of the group, whose own group is another one.
	chmod 0750 "$spool"/{queue,hold,failed}
	chmod 0640 "$spool/.status.json" "$spool/.journal.jsonl"
	chgrp 65533 "$spool"/{.status.json,.journal.jsonl,hold/*}
	chmod 0640 "$spool/hold"/*
	member() {
		setpriv --reuid 65532 --regid 65532 --groups 65533 \
		    timeout 20 "$SPOOLQ" -C /dev/null --spool "$spool" "$@" \
		    >"$dir/as.out" 2>"$dir/as.err"
	}
	ok "a member of the group looks" member list --ids
	like "$(xargs <"$dir/as.out")" "3286A1B2D1 3286A1B2D2" "and sees all"
	ok "the history too" member log
	like "$(<"$dir/as.out")" "3286A1B2D1.*held" "of all"
	fails 77 "but may not change anything" member hold 3286A1B2D1
	stop_spoold
	chmod 0700 "$dir"
else
	skip "somebody else, the owner, root" "not root"
fi

done_testing
