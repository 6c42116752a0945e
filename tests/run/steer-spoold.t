#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What spoolq has a running spoold change: the commands that take messages,
# while the relay takes them, puts them off or refuses them; pauses.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
. "$srcdir/tests/run/steer.sh"

make_spool
one=5B000001
two=5B000002
held=5B000003
kept=5B000004
none=5B0000FF
put queue "$one" ann@x.test bob@y.test
put queue "$two" eve@x.test bob@y.test cy@z.test
put hold "$held" ann@x.test bob@y.test
put failed "$kept" ann@x.test dan@y.test
echo busy >"$dir/mood"
start_moody
ok "answers come" wait_for 20 has_events 3 deferred
ok "all are known" wait_for 20 knows_all "$one" "$two" "$held" "$kept"

# ---- what would be done ------------------------------------------------

before=$(cd "$spool" && find queue hold failed -type f -printf '%p %i\n' | sort
    events flushed; events held; events dropped)
for args in "flush" "hold --all" "release --all" "drop --all" "retry --all" \
    "requeue --all" "reroute --relay backup --all"; do
	# shellcheck disable=SC2086
	ask $args -n
	like "$out|$err|$status" "^5B00000.* would be .*\|\|0\$" "$args -n"
done
is "$(cd "$spool" && find queue hold failed -type f -printf '%p %i\n' | sort
    events flushed; events held; events dropped)" "$before" \
    "nothing is done by all that"

# ---- what is done ------------------------------------------------------

ask hold --from eve@x.test
is "$out|$err|$status|$(where "$two")" "$two held||0|hold" "hold by filter"
ask hold "$two"
is "$out|$err|$status" "$two held||0" "hold again is no fault"
ask flush "$two" "$none"
like "$out|$err|$status" "^\|spoolq: $two is .*
spoolq: $none: no such message\|75\$" "flush of a held one"
ask release "$two" "$one"
like "$out|$err|$status|$(where "$two")" \
    "^$two released\|spoolq: $one is not held\|75\|queue\$" "release"
ask retry "$one" "$kept"
like "$out|$err|$status" "^$one .*\|spoolq: $kept is .*\|75\$" "retry"
ok "is in the journal" has_events 1 retried
ask requeue "$one" "$kept"
like "$out|$err|$status|$(where "$kept")" \
    "^$kept .*\|spoolq: $one is not in failed/\|75\|queue\$" "requeue"
ok "what was requeued is tried" wait_for 20 has_line "$dir/sent" "^$kept main"
ask reroute --relay nowhere "$one"
like "$err/$status" "there is no relay 'nowhere'; there are: main, backup
.*/64\$" "reroute to nowhere"
: >"$dir/sent"
ask reroute --relay backup "$one" "$none"
like "$out|$err|$status" "^$one .*\|spoolq: $none: no such message\|66\$" "reroute"
ok "goes to the other relay at once" wait_for 20 has_line "$dir/sent" \
    "^$one backup"
ask list --json --relay backup
like "$out" "\"$one\"" "which the list knows"
ask reroute --relay main --from-relay backup
like "$out|$err|$status" "^$one [^|]*\|\|0\$" "back, by the relay that it goes to"
ask drop "$held" "$kept" "$none"
is "$out|$err|$status" "$held dropped
$kept dropped|spoolq: $none: no such message|66" "drop"

# ---- in flight ---------------------------------------------------------

is_sending() {
	spoolq list --state sending 2>/dev/null | grep -c "^$1" >"$dir/n"
	[ "$(<"$dir/n")" -gt 0 ]
}
echo mute >"$dir/mood"
ask retry "$one"
ok "it is being sent" wait_for 10 is_sending "$one"
for command in drop hold; do
	ask "$command" "$one"
	is "$out|$err|$status" \
	    "|spoolq: $one is being delivered at this moment|75" "$command: no"
	ask "$command" -n "$one"
	is "$out|$err|$status" \
	    "|spoolq: $one is being delivered at this moment|75" \
	    "$command -n says so"
done
kill_spoold
ask drop "$one" "$two"
is "$status|$(queued)" "0|0" "nothing is after a crash"

# ---- many, and mail that leaves meanwhile ------------------------------

echo ok >"$dir/mood"
put_many 200 hold 5C0000
start_spoold
knows_many() {
	[ "$(cat "$spool"/.journal* | grep -F '"admitted"' |
	    grep -c '"id":"5C0000')" -eq 200 ]
}
ok "many are known" wait_for 20 knows_many
ask release --all --limit 50
is "$(tail -n 1 <<<"$out")|$err|$status" "50 messages released||0" "release some"
ok "they leave" wait_for 20 has_events 50 removed
is "$(queued)/$(queued hold)" 0/150 "and no other"
ask flush "${ids[@]:0:3}"
is "$(wc -l <<<"$err")|$status" "3|66" "by their ids, they are missed"
put_many 60 queue 5D0000
for i in 1 2 3 4; do
	ask flush --from many@x.test
	is "$err|$status" "|0" "by a filter, nobody misses what has left ($i)"
	ask retry --all
	is "$err|$status" "|0" "nor with --all ($i)"
	ask hold --to m@y.test
	unlike "$err" "no such message" "nor does hold ($i)"
	ask release --from many@x.test
	is "$err|$status" "|0" "nor release ($i)"
done
ask release --all
ok "all leaves in the end" wait_for 30 eval 'queue_has 0 && queue_has 0 hold'

# ---- pauses ------------------------------------------------------------

ask pause --relay nowhere
like "$err/$status" "there is no relay 'nowhere'; there are: main, backup
.*/64\$" "pause of no relay"
ask pause
like "$out|$err|$status" "pause.*\|\|0\$" "pause"
ask pause
like "$out|$err|$status" "already.*\|\|0\$" "again is no fault"
: >"$dir/sent"
fresh queue bob@y.test
ask flush "$id"
is "$status|$(queued)" "0|1" "it is not sent"
ask list
like "$err" "paused" "which list says"
ask resume
like "$out|$err|$status" ".\|\|0\$" "resume"
ok "then it is" wait_for 20 queue_has 0
ask resume
like "$out|$err|$status" "not paused\|\|0\$" "again is no fault either"
ask pause --relay main
like "$out|$status" "main.*\|0\$" "pause of a relay"
fresh queue bob@y.test
is "$(queued)" 1 "nothing goes to it"
ask reroute --relay backup "$id"
is "$status" 0 "another relay"
ok "is none of it" wait_for 20 has_line "$dir/sent" "^$id backup"
stop_spoold
put queue 5B0000A1 ann@x.test bob@y.test
ask reroute --relay backup 5B0000A1
is "$err|$status" "|0" "what spoold has never seen is rerouted without it"
ask resume --relay main
like "$out" "goes on when spoold starts" "a pause lasts over a restart"
ask pause
start_spoold
fresh queue bob@y.test
is "$(queued)" 2 "a pause made without spoold is one with it"
ask resume --relay main
is "$status" 0 "the relay's own is another thing"
ask resume
ok "until it ends" wait_for 20 queue_has 0
ok "and the other relay it is" has_line "$dir/sent" "^5B0000A1 backup"
ok "spoold ends in order" stop_spoold
done_testing
