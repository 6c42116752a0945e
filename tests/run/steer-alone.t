#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What spoolq changes itself, while no spoold runs: all the commands that take
# messages, with ids and with filters; and pauses.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
. "$srcdir/tests/run/steer.sh"

make_spool
one=5B000001
two=5B000002
held=5B000003
kept=5B000004
none=5B0000FF
printf '%s\n' 'aliases = none' 'bounces = no' \
    'relay main { host = "192.0.2.1:25" tls = none }' \
    'relay backup { host = "192.0.2.2:25" tls = none }' >"$config"
fill() {
	rm -f "$spool"/{queue,hold,failed}/* "$spool"/.journal*
	put queue "$one" ann@x.test bob@y.test
	put queue "$two" eve@x.test bob@y.test cy@z.test
	put hold "$held" ann@x.test bob@y.test
	put failed "$kept" ann@x.test dan@y.test
}
fill

# ---- which messages ----------------------------------------------------

for command in hold release drop retry requeue "reroute --relay backup"; do
	# shellcheck disable=SC2086
	ask $command
	is "$out/$status/${err%%$'\n'*}" "/64/spoolq: which \
messages?  Give ids, filters or --all" "$command: of nothing in particular"
	# shellcheck disable=SC2086
	ask $command x
	is "$out/$status/${err%%$'\n'*}" "/64/spoolq: 'x' is no message id" \
	    "$command: what is no id"
	# shellcheck disable=SC2086
	ask $command --timeout 3s "$one"
	like "$err/$status" "^spoolq.*timeout.*/64\$" \
	    "$command: a time to wait, without waiting"
done
for timeout in x 0 -1 ''; do
	ask flush --wait "--timeout=$timeout"
	is "$status/${err%%$'\n'*}" "64/spoolq: --timeout must be a time such \
as 90s, 5m or 2h" "a timeout of '$timeout'"
done
ask reroute "$one"
like "$err/$status" "^spoolq: reroute where to\? .*/64\$" "reroute needs to know"
ask reroute --relay other "$one"
like "$err/$status" "^spoolq: there is no relay 'other'; there are: main, \
backup
.*/64\$" "and the relay has to be there"
ask reroute --relay $'\33[2J' "$one"
unlike "$err" $'\33' "the name of one that is not there is shown harmless"
ask reroute --relay backup --from-relay other --all
like "$err/$status" "'other'.*/64\$" "where they go so far, too"
ask pause --relay other
like "$err/$status" "there is no relay 'other'; there are: main, backup
.*/64\$" "nor can it be paused"
ask resume --relay other
like "$err/$status" "there is no relay 'other'.*/64\$" "or resumed"
ask flush --wait
like "$err/$status" "^spoolq: --wait needs a running spoold.*/69\$" \
    "there is nobody to wait for"
ok "no journal was begun by all that" [ ! -e "$spool/.journal.jsonl" ]

# ---- what would be done ------------------------------------------------

before=$(picture)
# would WANT NAME ARGS...
would() {
	local want=$1 name=$2
	shift 2
	ask "$@"
	is "$out|$err|$status" "$want" "$name"
}
would "$one would be due now
$two would be due now||0" "flush --dry-run" flush --dry-run
would "$one would be held
$two would be held||0" "hold -n: what can be held" hold -n --all
would "$held would be released||0" "release -n" release -n --all
would "$one would be dropped
$two would be dropped
$held would be dropped
$kept would be dropped||0" "drop -n --all: all there is" drop --all -n
would "$one would be due now, its attempts counted anew||0" "retry -n" \
    retry -n "$one"
would "$one would be sent there
$two would be sent there
$held would be sent there||0" "reroute -n" reroute --relay backup -n --all
would "$kept would be back in queue/||0" "requeue -n" requeue -n --all
would "$one would be dropped|spoolq: $none: no such message|66" \
    "drop -n of one that is not there" drop -n "$none" "$one"
would "$one would be due now|spoolq: $held is held, not in queue/|75" \
    "flush -n of a held one" flush -n "$held" "$one"
is "$(picture)" "$before" "nothing has changed"

# ---- filters -----------------------------------------------------------

would "$one would be held||0" "a sender" hold -n --from ann@x.test
would "$two would be dropped||0" "a recipient" drop -n --to z.test
would "$one would be dropped
$held would be dropped||0" "ids and a filter: both" \
    drop -n --from 'ann@*' "$held" "$one" "$two"
would "|spoolq: $none: no such message|66" "an id that is not there, filtered" \
    drop -n --from 'ann@*' "$none"
would "$one would be dropped
$two would be dropped||0" "the first two" drop -n --limit 2
would "no message matches||0" "nothing" drop -n --from nobody@x.test
would "no message matches that could be held: 1 in another state||0" \
    "nothing of use" hold -n --to dan@y.test
would "no message matches||0" "flush --to of nothing" flush --to no.test
ask hold --state failed
is "$out|$status" \
    "no message matches that could be held: 1 in another state|0" \
    "what is in no state for it is left alone"
is "$(picture)" "$before" "nothing has changed by all that"

# ---- what is done ------------------------------------------------------

ask hold --from eve@x.test
is "$out|$err|$status|$(where "$two")" "$two held||0|hold" "hold by filter"
ask release --to z.test
is "$out|$err|$status|$(where "$two")" "$two released||0|queue" \
    "release by filter"
ask retry "$one" "$held" "$kept"
is "$out|$err|$status" "$one is tried anew when spoold starts|\
spoolq: $held is held, not in queue/
spoolq: $kept is in failed/, not in queue/|75" "retry"
ask reroute --relay backup "$held" "$kept" "$one"
is "$out|$err|$status" "$one is sent there when spoold starts
$held is sent there when spoold starts|spoolq: $kept is in failed/|75" "reroute"
ask requeue "$one" "$held" "$kept" "$none"
is "$out|$err|$status" "$kept is back in queue/|\
spoolq: $one is not in failed/
spoolq: $held is not in failed/
spoolq: $none: no such message|75" "requeue: the first failure is the status"
is "$(where "$kept")" queue "it has moved"
ask drop "$two" "$two"
is "$out|$err|$status" "$two dropped||0" "one that is named twice"
is "$(sed -E 's/.*"event":"([a-z]*)".*"id":"([0-9A-F]*)".*/\1 \2/' \
    "$spool/.journal.jsonl")" "held $two
released $two
retried $one
admitted $one
rerouted $one
admitted $held
rerouted $held
requeued $kept
dropped $two" "all is in the journal"
like "$(grep rerouted "$spool/.journal.jsonl" | head -n 1)" \
    '"relay":"backup"' "with the relay"
is "$(sed 's/.*"seq":\([0-9]*\).*/\1/' "$spool/.journal.jsonl" | xargs)" \
    "1 2 3 4 5 6 7 8 9" "numbered"
ask list --relay backup --json
like "$out" "\"$held\"" "which the list knows of"

put failed "${two}0" eve@x.test bob@y.test
cp "$spool/failed/${two}0" "$spool/failed/$two"
ask requeue "${two}0"
is "$status|$(where "${two}0")|$(where "$two")" "0|queue|failed" \
    "ids may be longer"

# A torn file is left out.
fill
: >"$spool/queue/$none"
ask reroute --relay backup "$one" "$none"
is "$out|$err|$status" "$one is sent there when spoold starts|\
spoolq: $none is damaged|65" "a torn file is no trouble of the others"

# It is never removed, and what is no message at all not moved either.
is "$(spoolq list 2>&1 | grep -c "$none")" 1 "the list tells of it"
would "|spoolq: queue/$none: is too short
spoolq: $none is damaged|65" "drop -n of a torn file" drop -n "$none"
for command in drop hold flush; do
	ask $command "$none"
	is "$out|$err|$status|$(where "$none")" \
	    "|spoolq: $none is damaged|65|queue" "$command: a torn file stays"
done
ask show "$none"
is "$out|${err##*$'\n'}|$status" "|spoolq: $none is damaged|65" \
    "it cannot be shown"
ask why "$none"
is "$out|${err##*$'\n'}|$status" "|spoolq: $none is damaged|65" \
    "nor told of"
rm "$spool/queue/$none"
mkfifo "$spool/queue/$none"
ask hold "$none"
is "$out|$err|$status|$(where "$none")" \
    "|spoolq: $none is damaged|65|queue" "a FIFO is no message"
rm "$spool/queue/$none"
sed -i 's/^body/BODY/' "$spool/queue/$one"
for part in --raw --body; do
	ask show $part "$one"
	like "$out" $'\nBODY' "show $part: what is there"
	is "${err##*$'\n'}|$status" \
	    "spoolq: $one is damaged: its checksum is wrong|65" \
	    "and that it is not what it was"
done

# Nobody on a terminal, nobody is asked; many have a sum.
fill
put_many 20
put hold 5AFFFFFF ann@x.test bob@y.test
ask hold --all
is "$(tail -n 1 <<<"$out")|$(wc -l <<<"$out")|$err|$status" \
    "22 messages held|23||0" "many are held, and counted"
is "$(queued)/$(queued hold)" 0/24 "all of them"
ask flush "${ids[@]}"
is "$(tail -n 1 <<<"$out")|$(wc -l <<<"$err")|$status" \
    "0 messages made due, 20 not: is held, not in queue/|20|75" \
    "why not is said again in the end"
ask release "${ids[@]}" "$kept" "$none"
is "$(tail -n 1 <<<"$out")|$status" \
    "20 messages released, 2 not, for several reasons|75" "or that it differs"
ask drop --from many@x.test --dry-run
is "$(tail -n 1 <<<"$out")" "20 messages would be dropped" "what would be, too"
ask drop --from many@x.test
is "$(tail -n 1 <<<"$out")|$(queued)|$status" "20 messages dropped|0|0" \
    "many are dropped"

# A journal that cannot be written.
fill
mkdir "$spool/.journal.jsonl"
ask hold "$one"
like "$out/$err/$status" "^/spoolq: cannot .*/7[0-9]\$" "no journal, no hold"
is "$(where "$one")" queue "it stays"
rmdir "$spool/.journal.jsonl"

# ---- pauses ------------------------------------------------------------

ask resume
is "$out|$err|$status" "delivery is not paused||0" "resume without a pause"
ask pause
is "$out|$err|$status" "delivery is paused, when spoold starts and until \
'spoolq resume'||0" "pause"
ask pause
like "$out|$err|$status" "^delivery is paused already, since \
20[0-9-]* [0-9:]*, by spoolq\|\|0\$" "pause again"
ask pause --relay backup
like "$out|$status" "^delivery to relay backup is paused, .*\|0\$" \
    "pause of a relay"
ask pause --relay backup
like "$out|$status" "^delivery to relay backup is paused already, .*\|0\$" \
    "again"
ask resume --relay main
is "$out|$status" "delivery to relay main is not paused|0" "another is not"
ask resume --relay backup
is "$out|$status" "delivery to relay backup goes on when spoold starts|0" \
    "resume of a relay"
ask pause --relay main
ask resume
is "$out|$status" "delivery goes on when spoold starts|0" "resume of all"
ask resume --relay main
is "$out|$status" "delivery to relay main is not paused|0" \
    "ends those of relays"
is "$(events paused)/$(events resumed)" 3/2 \
    "what changed nothing is not written"
ask pause now
is "$status" 64 "no other arguments"

# ---- rights ------------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$dir"
	foreign=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$SPOOLQ" -C /dev/null --spool "$spool" hold "$one" 2>&1)
	is "$?/$(wc -l <<<"$foreign")" 77/1 \
	    "another user on a spool of one's own: refused in a line"
	chown -R 65534:65534 "$spool"
	is "$("$SPOOLQ" -C "$config" --spool "$spool" hold --from 'ann@*' 2>&1)" \
	    "$one held" "root works on the spool of another user"
	is "$(stat -c %u "$spool/hold/$one" "$spool/.journal.jsonl" | xargs)" \
	    "65534 65534" "as that user"
else
	for name in "another user" "root on another's spool" "as that user"; do
		skip "$name" "not root"
	done
fi
done_testing
