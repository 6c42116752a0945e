#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Who may change what, in a spool for the whole machine: root and its owner all,
# others drop what they have submitted, and learn nothing of the rest.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
. "$srcdir/tests/run/steer.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
owner=65533
user=65534

# as UID COMMAND...
as() {
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}
as "$user" test -x "$SPOOLQ" || skip_all "users do not get at the programs"

umask 022
chmod 644 "$config"
make_spool
chmod 711 "$dir" "$spool"
# The set-group-id sendmail writes there: the whole machine's.
chmod 1770 "$spool"/{tmp,queue}
chown -R "$owner:$owner" "$spool"
cat >"$dir/spoold" <<END
#!/bin/bash
exec setpriv --reuid $owner --regid $owner --clear-groups "$SPOOLD" "\$@"
END
chmod 755 "$dir/spoold"
SPOOLD=$dir/spoold

# by UID ARGS...: $out, $err, $status
by() {
	local uid=$1
	shift
	out=$(as "$uid" timeout 60 "$SPOOLQ" -C "$config" --spool "$spool" "$@" \
	    2>"$dir/err" </dev/null)
	status=$?
	err=$(<"$dir/err")
}

# give UID STATE ID...: messages that UID submitted
give() {
	local given=$1 state=$2 each
	shift 2
	for each; do
		(
			id() { echo "$given"; }
			put "$state" "$each" ann@x.test bob@y.test
		)
		chown "$owner:$owner" "$spool/$state/$each"
	done
}

mine=5B000001
mine2=5B000002
other=5B000003
held=5B000004
none=5B0000FF
echo mute >"$dir/mood"
touch "$dir/sent"
chmod 666 "$dir/mood" "$dir/sent"
give "$user" queue "$mine" "$mine2"
give 1234 queue "$other"
give "$user" hold "$held"

# ---- without spoold ----------------------------------------------------

by "$user" drop "$mine"
is "$out|$status|$(wc -l <<<"$err")" "|69|1" "without spoold, a user cannot drop"
like "$err" "spoold is not running" "which is said"
for args in "hold $mine" "release --all" "retry $mine" "requeue --all" \
    "reroute --relay main $mine" flush "flush $mine" pause "pause --relay main" \
    resume "hold -n $mine"; do
	# shellcheck disable=SC2086
	by "$user" $args
	is "$out|$status|$(wc -l <<<"$err")" "|77|1" "no user may: $args"
done
by "$owner" hold "$other"
is "$out|$err|$status" "$other held||0" "the owner may"
ask release "$other"
is "$out|$err|$status" "$other released||0" "so may root"
is "$(stat -c %u "$spool/queue/$other" "$spool/.journal.jsonl" | xargs)" \
    "$owner $owner" "as the owner"

by "$owner" pause
is "$err|$status" "|0" "the owner pauses"

# ---- with spoold -------------------------------------------------------

start_moody
ok "all are known" wait_for 20 knows_all "$mine" "$mine2" "$other" "$held"
for args in "hold $mine" "release --all" "retry $mine" "requeue --all" \
    "reroute --relay main $mine" flush "flush $mine" pause "pause --relay main" \
    resume "hold -n $mine"; do
	# shellcheck disable=SC2086
	by "$user" $args
	is "$out|$status|$(wc -l <<<"$err")" "|77|1" "no user may: $args"
done
by "$user" drop -n --all
is "$out|$err|$status" "$mine would be dropped
$mine2 would be dropped
$held would be dropped||0" "drop -n --all: what is the user's"
by "$user" drop -n "$other" "$none" "$mine"
is "$out|$err|$status" "$mine would be dropped|\
spoolq: $other: no such message
spoolq: $none: no such message|66" "drop -n: the others' are not there"
by "$user" drop "$other"
one=$out/${err//$other/ID}/$status
by "$user" drop "$none"
is "$one" "$out/${err//$none/ID}/$status" \
    "another's id gives exactly what an unknown one does"
is "$one" "/spoolq: ID: no such message/66" "which is this"
by "$user" drop "$mine" "$other" "$none"
is "$out|$err|$status" "$mine dropped|spoolq: $other: no such message
spoolq: $none: no such message|66" "one's own is dropped"
is "$(where "$mine")$(where "$other")" queue "and no other"
by "$user" why "$mine"
gone=${err##*$'\n'}
gone=$out/${gone//$mine/ID}/$status
is "$gone" "/spoolq: ID: no message of yours waits here, and you may not \
read the history/77" "what became of it, the user may not read"
for id in "$other" "$none"; do
	by "$user" why "$id"
	err=${err##*$'\n'}
	is "$out/${err//$id/ID}/$status" "$gone" "the same of any other id"
done
by "$user" drop --all
is "$out|$err|$status" "$mine2 dropped
$held dropped||0" "drop --all: all that is the user's"
is "$(where "$other")" queue "and nobody else's"
by "$user" drop --from ann@x.test
is "$out|$err|$status" "no message matches||0" "nothing is left for a filter"
for ((i = 0; i < 150; i++)); do
	printf 'id 5C%06X\n' "$i"
done | cut -d ' ' -f 2 >"$dir/ids"
give "$user" queue 5C000000
while read -r id; do
	[ "$id" = 5C000000 ] || cp -p "$spool/queue/5C000000" "$spool/tmp/$id"
done <"$dir/ids"
mv "$spool/tmp"/5C* "$spool/queue"
ok "many are known" wait_for 20 knows_all 5C000000 5C000095 5C00004A
ok "all of them" wait_for 20 has_events 154 admitted
# shellcheck disable=SC2046
by "$user" drop $(<"$dir/ids")
is "$(tail -n 1 <<<"$out")|$err|$status" "150 messages dropped||0" \
    "as many as one likes"

# ---- who may look, but change nothing ----------------------------------

chmod 750 "$spool"/{hold,failed}
# member ARGS...: as by, of a user in the spool's group
member() {
	out=$(setpriv --reuid 1235 --regid "$owner" --clear-groups timeout 60 \
	    "$SPOOLQ" -C "$config" --spool "$spool" "$@" \
	    2>"$dir/err" </dev/null)
	status=$?
	err=$(<"$dir/err")
}
give 1235 queue 5D000001
ok "a member's message is known" wait_for 20 knows_all 5D000001
for run in "" -n; do
	# shellcheck disable=SC2086
	member drop $run "$other"
	is "$out|$err|$status" "|spoolq: $other: not permitted|77" \
	    "drop $run: another's"
	# shellcheck disable=SC2086
	member hold $run "$other"
	is "$out|${err%%;*}|$status" "|spoolq: only root and the owner of \
'$spool' may hold|77" "hold $run"
done
for args in pause resume "reroute --relay main $other"; do
	# shellcheck disable=SC2086
	member $args
	is "$out|${err%%;*}|$status" "|spoolq: only root and the owner of \
'$spool' may ${args%% *}|77" "$args"
done
member drop -n --all
is "$out|$err|$status" "5D000001 would be dropped|\
spoolq: $other: not permitted|77" "drop -n --all: what would be done"
member drop --all
is "$out|$err|$status" "5D000001 dropped|\
spoolq: $other: not permitted|77" "and is"

by "$owner" resume
is "$out|$err|$status" "delivery goes on||0" "the owner resumes"
by "$owner" drop "$other"
ok "the owner drops all" [ "$status" -eq 0 -o "$status" -eq 75 ]
give 1235 queue 5D000002
stop_spoold
for run in "" -n; do
	# shellcheck disable=SC2086
	member drop $run 5D000002
	is "$out|$err|$status" "|spoolq: spoold is not running: only it can do \
that for you|69" "drop $run, without spoold"
done
done_testing
