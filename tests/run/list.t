#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq list, mailq and show: which messages, and how they look.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

make_spool
unset COLUMNS NO_COLOR
export TERM=xterm
now=$(($(now) / 1000000))

# ask ARGS...: $out, $err, $status
ask() {
	out=$(spoolq "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

# A spoold that has the status, but does nothing.
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(
    Local => shift, Listen => 50) or die; while ($s->accept) {}' \
    "$spool/.control" &
wait_for 10 [ -S "$spool/.control" ] || bail "no socket"

# rcpt ADDRESS STATE ATTEMPTS NEXT [MORE]
rcpt() {
	printf '{"rcpt":"%s","state":"%s","attempts":%d,"tries":%d,' \
	    "$1" "$2" "$3" "$3"
	printf '"next":%d.000000%s}' "$4" "${5:-}"
}

# message ID STATE AGE SIZE UID SENDER MORE RCPT...
message() {
	local id=$1 state=$2 age=$3 size=$4 uid=$5 sender=$6 more=$7 comma=
	shift 7
	printf '{"id":"%s","state":"%s","arrival":%d.000000,"size":%d,' \
	    "$id" "$state" $((now - age)) "$size"
	printf '"uid":%d,"sender":"%s","seen":%d.500000%s,"rcpts":[' "$uid" \
	    "$sender" $((now - age)) "$more"
	for rcpt; do
		printf '%s%s' "$comma" "$rcpt"
		comma=,
	done
	printf ']}'
}

busy=',"last":1763770000.000000,"reply":"450 4.2.0 mailbox busy"'
smart=',"relay":"smart"'
rate=',"relay":"slow"'
down=',"relay":"bad"'
still=',"relay":"still"'
{
	printf '{"version":1,"seq":1,"time":%d.000000,"daemon":{"version":"0",' \
	    "$now"
	printf '"pid":0,"start":1.000000,"relay":"smart:25"},"totals":{},'
	printf '"relays":[{"name":"smart","state":"up","since":1.000000},'
	printf '{"name":"bad","state":"down","since":%d.000000,' $((now - 3000))
	printf '"next":%d.000000,"reason":"connection refused"},' $((now + 99))
	printf '{"name":"still","state":"up","since":1.000000,'
	printf '"paused":{"since":%d.000000,"by":"root"}},' "$now"
	printf '{"name":"slow","state":"up","since":1.000000,'
	printf '"rate_until":%d.000000}],"messages":[\n' $((now + 779))
	message A0000001 queue 130 512 1000 ann@example.org "" \
	    "$(rcpt bob@example.net pending 0 0 "$smart")"
	echo ,
	message A0000002 queue 190 700000 1000 ann@example.org "" \
	    "$(rcpt bob@example.net delivered 1 0 "$smart")" \
	    "$(rcpt cy@example.net pending 2 $((now + 779)) "$smart$busy")" \
	    "$(rcpt dan@example.net pending 2 $((now + 779)) "$smart$busy")"
	echo ,
	message A0000003 hold 4000 512 33 www@example.org "" \
	    "$(rcpt eve@other.example pending 1 0 "$smart$busy")"
	echo ,
	message A0000004 failed 9000 512 33 www@example.org "" \
	    "$(rcpt nobody@other.example failed 1 0 \
	    "$smart,\"last\":1763770000.000000,\"reply\":\"550 5.1.1 unknown\"")"
	echo ,
	message A0000005 queue 310 512 33 "" "" \
	    "$(rcpt eve@other.example pending 0 0 "$down")"
	echo ,
	message A0000006 queue 310 512 33 www@example.org "" \
	    "$(rcpt eve@other.example pending 0 0 "$rate")"
	echo ,
	message A0000007 queue 310 512 33 www@example.org \
	    ",\"not_before\":$((now + 6000)).000000" \
	    "$(rcpt eve@other.example pending 0 $((now + 6000)) "$smart")"
	echo ,
	message A0000008 queue 310 512 33 www@example.org "" \
	    "$(rcpt eve@other.example pending 0 0 "$still")"
	echo ,
	message A0000009 queue 310 512 33 www@example.org \
	    ",\"attempt\":$now.000000" \
	    "$(rcpt eve@other.example pending 1 0 "$smart,\"active\":true")"
	echo ,
	message A000000A queue 310 512 33 www@example.org \
	    ',"lane":"bulk","expires":1999999999.000000,"reroute":"smart"' \
	    "$(rcpt gone@other.example reported 1 0 \
	    "$smart,\"last\":1763770000.000000,\"reply\":\"550 5.1.1 no\"")" \
	    "$(rcpt eve@other.example pending 0 0 "$smart")"
	echo
	echo ']}'
} >"$spool/.status.json"

# ---- the table ---------------------------------------------------------

ask list
is "$status" 0 "list"
is "$(sed -E 's/ at [0-9:]{5} / at 18:00 /' <<<"$out")" "\
ID           AGE  SIZE STATE    TRY NEXT       SENDER -> RECIPIENTS
A0000001      2m   512 new        0 now        ann@example.org -> bob@example.net
A0000002      3m  684K deferred   2 in 12m     ann@example.org -> cy@example.net +1
            450 4.2.0 mailbox busy
A0000003      1h   512 held       1 on release www@example.org -> eve@other.example
            450 4.2.0 mailbox busy
A0000004      2h   512 failed     1 never      www@example.org -> nobody@other.example
            550 5.1.1 unknown
A0000005      5m   512 new        0 relay down <> -> eve@other.example
A0000006      5m   512 new        0 rate 12m   www@example.org -> eve@other.example
A0000007      5m   512 new        0 at 18:00   www@example.org -> eve@other.example
A0000008      5m   512 new        0 paused     www@example.org -> eve@other.example
A0000009      5m   512 sending    1            www@example.org -> eve@other.example
A000000A      5m   512 new        0 now        www@example.org -> eve@other.example
10 messages, 10 recipients to go, 688K bytes" \
    "each says what it waits for, and nothing of what failed and was told"
like "$err" "the relay bad has been in trouble for 50m, tried again in 1m: connection refused" \
    "a relay in trouble is said first"

like "$err" "the relay still has been paused for [0-9]+[sm], by root" \
    "so is one that is paused"

# on_terminal ARGS... : what spoolq writes to a terminal of 80 columns
on_terminal() {
	python3 "$srcdir/tests/run/on-terminal.py" "$dir/terminal" -- \
	    sh -c 'stty rows 24 cols 80; exec "$@" 2>/dev/null' sh \
	    env "${with[@]}" "$SPOOLQ" -C "$config" --spool "$spool" "$@"
	out=$(tr -d '\r' <"$dir/terminal")
}
if command -v python3 >/dev/null; then
	with=(LC_ALL=C.UTF-8)
	on_terminal list
	at_most "$(printf '%s\n' "$out" | sed 's/\x1b\[[0-9;]*m//g' |
	    LC_ALL=C.UTF-8 wc -L)" 80 "no line is wider than the terminal"
	like "$out" $'\33\\[1;31mfailed\33\\[0m' "colours on a terminal"
	like "$out" "nobody@other\.…" "what is cut is marked"
	for with in NO_COLOR=1 TERM=dumb; do
		on_terminal list
		unlike "$out" $'\33' "none with $with"
	done
	with=(NO_COLOR=1)
	on_terminal list --color=always
	like "$out" $'\33' "but when they are asked for"
	with=(COLUMNS=100)
	on_terminal list --color never
	unlike "$out" $'\33' "or not"
	like "$out" "nobody@other.example" "COLUMNS goes before the terminal"
else
	skip "on a terminal" "no python3"
fi
ask list
unlike "$out" $'\33' "no colours elsewhere"
ask list --color purple
like "$err/$status" '^spoolq: --color is auto, always or never.*/64$' \
    "no such colour"

# ---- filters -----------------------------------------------------------

# lists WANT ARGS... : the last digits of the ids
lists() {
	local want=$1
	shift
	ask list --ids "$@"
	is "$(printf '%s\n' "$out" | sed 's/.*\(.\)$/\1/' |
	    tr -d '\n')/$status" "$want/0" \
	    "list $*"
}
lists 12 --from ann@example.org
lists 5 --from '<>'
lists 12 --to 'EXAMPLE.NET'
lists 2 --to 'cy@*'
lists "" --to gone@nowhere.example
lists A --to gone@other.example
lists 123479A --relay smart
lists 5 --relay bad
ask list --relay none
is "$out/$status" /64 "list --relay none"
lists 15678A --state new
lists 2 --state deferred
lists 9 --state sending
lists 3 --state held
lists 3 --state hold
lists 4 --state failed
lists 2 --state backoff
lists 5 --state circuit
lists 6 --state rate
lists 7 --state not-before
lists 8 --state paused
lists 34 --older 1h
lists 1256789A --newer 50m
lists 3 --older 1h --newer 2h
lists 2 --larger 512
lists 2 --larger 600K
lists "" --larger 1M
lists 23 --error 'BUSY|full'
lists 5 --error refused
lists 4 --error '^550 5\.1\.1 u'
lists 12 --user 1000
lists 349 --attempts 1 --user 33
lists 2 --attempts 2
lists 123 --limit 3
lists 6 --relay slow --limit 1
lists 12 --from ann@example.org --all
lists 123456789A --all
lists "" --to cy@example.net --error unknown
lists 12346789A --from @example.org
lists 12 --to @EXAMPLE.net
lists 5 --to '@*.example' --relay bad
lists "" --from @ample.org
lists 23 --error 'b(u|s){1,20}y+ *'
if name=$(getent passwd 33 | cut -d : -f 1) && [ -n "$name" ]; then
	lists 345 --user "$name" --limit 3
fi

# What each says, in its first line.
while IFS='|' read -r args want; do
	# shellcheck disable=SC2086
	ask list $args
	is "$out/$status/${err%%$'\n'*}" "/64/spoolq: $want" "list $args"
done <<'END'
--older x|--older 'x' is no length of time such as 90s, 5m, 2h or 3d
--newer 0|--newer '0' is no length of time such as 90s, 5m, 2h or 3d
--older 1w|--older '1w' is no length of time such as 90s, 5m, 2h or 3d
--older -1h|--older '-1h' is no length of time such as 90s, 5m, 2h or 3d
--larger 1T|--larger '1T' is no size such as 1000, 500K or 10M
--larger 0|--larger '0' is no size such as 1000, 500K or 10M
--attempts 0|--attempts '0' is no number from 1
--attempts 1x|--attempts '1x' is no number from 1
--limit 99999999999|--limit '99999999999' is no number from 1
--user no-such-user|--user 'no-such-user' is no user
--user -1|--user '-1' is no user
--error (|--error '(' is no regular expression: Unmatched ( or \(
--state waiting|--state 'waiting' is none of new, sending, deferred, held, failed, hold, paused, no-relay, not-before, backoff, circuit, rate, turn
--all=x|option '--all=x' takes no argument
--older 3d --older 1s|--older can be given only once
--from a --from b|--from can be given only once
--state held --state held|--state can be given only once
--limit 1 --relay main --limit=2|--limit can be given only once
--relay main --relay main|--relay can be given only once
--color never --color always|--color can be given only once
--error x{100}{100}{100}|--error 'x{100}{100}{100}' has too many repetitions
--error (x{0,9}){,9000}|--error '(x{0,9}){,9000}' has too many repetitions
--error x++++++++++++++++|--error 'x++++++++++++++++' has too many repetitions
--ids --json|'--ids' and '--json' exclude each other
END
printf -v many '%60000s' ''
ask list --error "${many// /(}"
like "$out/${err%%$'\n'*}/$status" \
    "^/spoolq: --error '\(+…' is longer than 1000 bytes/64\$" \
    "an expression that would use up the stack"
ask list --ids --ids --all --all A0000001
is "$out/$status" A0000001/0 "what takes no argument may be said twice"
ask list --help
is "$status" 0 "list --help"
for word in --json --ids --older --limit --error --spool; do
	like "$out" "$word" "tells of $word"
done
at_most "$(wc -L <<<"$out")" 80 "in 80 columns"

# ---- JSON and mailq ----------------------------------------------------

ask list --json
if command -v jq >/dev/null; then
	is "$(jq -r '.queue_id + " " + .queue_name + " " + (.waits // "-")' \
	    <<<"$out")" "A0000001 incoming turn
A0000002 deferred backoff
A0000003 hold hold
A0000004 failed failed
A0000005 incoming circuit
A0000006 incoming rate
A0000007 incoming not-before
A0000008 incoming paused
A0000009 active sending
A000000A incoming turn" "JSON"
	is "$(jq -c 'select(.queue_id == "A000000A") |
	    [.lane, (.expires | floor), .reroute, .relay, .recipients[0].reply,
	    .recipients[0].state, .recipients[1].relay]' <<<"$out")" \
	    '["bulk",1999999999,"smart","smart","550 5.1.1 no","reported","smart"]' \
	    "has what there is"
	is "$(jq -c 'select(.queue_id == "A0000005") |
	    [.until > 0, .recipients[0].delay_reason]' <<<"$out")" \
	    '[true,"connection refused"]' "until when, and why"
else
	skip "JSON" "no jq"
fi
ask mailq
like "$out" "
A0000009\\* +512 .*  www@example.org
 {41}eve@other.example
" "mailq marks what is being sent"
like "$out" "
A0000003! +512 .*  www@example.org
 {54}\\(450 4.2.0 mailbox busy\\)
" "and what is held, with reasons"
unlike "$out" "A0000004|gone@other" "not what is not on its way"
like "$out" "
-- 687 Kbytes in 9 Requests.\$" "and sums up"

# ---- show --------------------------------------------------------------

# The envelope is in the file.  (A slow machine may have taken a minute so far.)
show() { # ID WANT NAME
	printf 'Subject: x\n\nx\n' | crlf | put_message "$spool/${4:-queue}" "$1" \
	    "${now}000000" ann@example.org "bob@example.net NOTIFY=FAILURE,DELAY"
	ask show "$1"
	like "$out/$status" "$2" "$3"
	rm "$spool/${4:-queue}/$1"
}
show A0000002 'waits      until 20[0-9-]+ [0-9:]+ \(in 1[0-2]m\), since the last attempt did not succeed
' "show: a failed attempt"
show A0000002 'recipient  bob@example.net
 {11}delivered, 1 attempt
 {11}notify FAILURE,DELAY
recipient  cy@example.net
 {11}pending, 2 attempts, next in 1[0-2]m, to relay smart
 {11}2025-11-22 00:06:40: 450 4.2.0 mailbox busy
' "its recipients"
show A0000003 'waits      for an operator, who held it' "show: held" hold
show A0000004 'waits      for an operator: it was given up' "show: failed" failed
show A0000005 'waits      until .*\), for its relay, which is in trouble
' "show: a relay in trouble"
show A0000006 'for the limits of its relay or sender
' "show: limits"
show A0000007 'waits      until .*\), as it is not to be sent earlier
.*not before 20' "show: later"
show A0000008 'waits      for an operator: the relay still is paused since 20.*, by root
' "show: paused"
show A0000009 'waits      for the answer: it is being sent
' "show: sending"
show A000000A 'lane       bulk
rerouted   smart
expires    2033-05-18 03:33:19
' "show: lane, relay, end of life"

# ---- ids, and what recipients wait for ---------------------------------

lists 23 A0000003 A0000002 A0000003
lists 3 A0000003 A0000002 --state held
lists "" A0000003 --state new
lists "" --older 2200d
ask list --ids A0000001 A00000FF
is "$out/$err/$status" "A0000001/spoolq: A00000FF: no such message/66" \
    "an id that is not there"
ask summary A0000003 A00000FF
like "$out/$err/$status" "^1 message, 1 recipient to go.*FF: no such message/66" \
    "a summary of ids"

# Another status, with a relay's name that no spoold would write.
evil=',"relay":"e\u001b[31m"'
{
	head -n 1 "$spool/.status.json" | sed 's/"relays":\[/&{"name":\
"e\\u001b[31m","state":"down","since":1.0,"next":3999999999.0,\
"reason":"x"},/' | tr -d '\n'
	echo
	message A000000B queue 310 512 34 'a@[192.0.2.1]' "" \
	    "$(rcpt now@other.example pending 0 0 "$smart")" \
	    "$(rcpt bad@other.example pending 0 0 "$down")" \
	    "$(rcpt evil@other.example pending 0 0 "$evil")"
	echo
	echo ']}'
} >"$dir/status"
cp "$dir/status" "$spool/.status.json"
lists B --from 'a@[192.0.2.1]'
lists B --from '[192.0.2.1]'
lists B --from 'a@[[]*'
lists "" --from 'a@[[]?'
lists B --from '@[192.0.2.1]'
lists B --state circuit
lists B --state circuit --to bad@other.example
lists "" --state circuit --to now@other.example
lists B --state turn --to now@other.example
ask list
unlike "$err" $'\33' "a relay's name is shown harmless"
like "$err" 'the relay e\\x1B\[31m has been in trouble' "and shown"
printf 'Subject: x\n\nx\n' | crlf | put_message "$spool/queue" A000000B \
    "${now}000000" ann@example.org bob@example.net
ask show A000000B
unlike "$out$err" $'\33' "also with the message"
unlike "$(spoolq --complete list --relay '')" $'\33' "nor is it offered"

# ---- characters that are two columns wide ------------------------------

wide=漢字漢字漢
{
	head -n 1 "$dir/status"
	message A000000C queue 310 512 34 "$wide@x.example" "" \
	    "$(rcpt "$wide@y.example" pending 0 0 "$smart")" \
	    "$(rcpt "$wide@z.example" pending 0 0 "$smart")"
	echo
	echo ']}'
} >"$spool/.status.json"
for COLUMNS in 80 81; do
	export COLUMNS
	out=$(LC_ALL=C.UTF-8 spoolq list A000000C 2>"$dir/err")
	at_most "$(LC_ALL=C.UTF-8 wc -L <<<"$out")" "$COLUMNS" \
	    "list: wide characters in $COLUMNS columns"
	like "$out" "$wide@x\.example -> 漢字(漢)?…" "they are cut as a whole"
	like "$out" "… \+1" "and the count is not"
done
unset COLUMNS

# ---- trouble with the output -------------------------------------------

for args in list "list --json" "list --ids" mailq; do
	# shellcheck disable=SC2086
	spoolq $args 2>"$dir/err" >/dev/full
	is "$?/$(tail -n 1 "$dir/err")" \
	    "74/spoolq: cannot write: No space left on device" \
	    "$args: a full disk"
	# shellcheck disable=SC2086
	spoolq $args 2>"$dir/err" >&-
	is "$?/$(tail -n 1 "$dir/err")" \
	    "74/spoolq: cannot write: Bad file descriptor" "$args: no output"
done
(trap '' PIPE && spoolq list --json 2>"$dir/err"; echo $? >"$dir/status") |
    true
like "$(<"$dir/status")" '^(74|0)$' "nobody reads it, and SIGPIPE is ignored"
done_testing
