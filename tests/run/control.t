#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What .control does for whom: root, the spool's owner, others.

. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/queue.sh"
. "${srcdir:?}/tests/run/control.sh"

make_spool
start_smtpd --rule 'rcpt match=*@busy.test reply "451 4.2.0 busy"' \
    --rule 'rcpt match=none@* times=1 reply "550 5.1.1 none"'
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)
start_spoold "${relay[@]}"

# answers TEXT NAME REQUEST...
answers() {
	local want=$1 name=$2
	shift 2
	is "$(control "$@")" "$want
end" "$name"
}

# ---- every verb --------------------------------------------------------

send_simple a@x.test one@busy.test
ok "a message waits" wait_for 10 has_events 1 deferred
id=$(ls "$spool/queue")
answers "ok $id due%20now,%20its%20attempts%20are%20counted%20anew" \
    "retry" retry "$id"
ok "it is tried" wait_for 10 has_events 2 deferred
kill -USR1 "$spoold_pid"
ok "and was counted anew" wait_for 10 has_line "$spool/.status.json" \
    '"attempts":1,"tries":1'
has_line "$spool/.journal.jsonl" "\"event\":\"retried\",\"id\":\"$id\"" ||
    fail "the journal has it"
answers "error $id is%20not%20in%20failed/" "requeue of what did not fail" \
    requeue "$id"
answers "error * needs%20a%20relay" "reroute to nowhere" reroute
answers "error * no%20relay%20of%20that%20name" "to an unknown relay" \
    reroute lost "$id"
answers "error * needs%20ids" "nothing" reroute default
answers "ok $id rerouted" "reroute" reroute default "$id"
kill -USR1 "$spoold_pid"
ok "it is in the status" wait_for 10 has_line "$spool/.status.json" \
    '"reroute":"default"'
answers "error 3286A1B2C3 is%20not%20in%20the%20spool
ok $id held
error ? is%20no%20id" "ids of all kinds" hold 3286A1B2C3 "$id" %00
answers "error $id is%20held%20already" "hold twice" hold "$id"
answers "error $id is%20not%20in%20queue/" "retry of a held one" retry "$id"
answers "ok $id released" "release" release "$id"
answers "ok $id dropped" "drop" drop "$id"
answers "error * is%20no%20command" "no command" frob "$id"
like "$(<"$spoold_log")" "uid $(id -u) asked for drop: 1 done, 0 not" \
    "the log knows who asked"

send_simple a@x.test none@y.test
ok "a message fails" wait_for 10 queue_has 1 failed
id=$(ls "$spool/failed")
answers "error $id is%20in%20failed/" "it cannot be rerouted" \
    reroute default "$id"
answers "ok $id back%20in%20queue/" "requeue" requeue "$id"
ok "then it is delivered" wait_for 10 has_messages 1
ok "and gone" wait_for 10 queue_has 0
is "$(queued failed)" 0 "from failed/ too"

# ---- who has gone ------------------------------------------------------

send_simple a@x.test gone@busy.test
ok "a message waits" wait_for 10 eval 'grep -q "\"deferred\".*gone@busy" \
    "$spool/.journal.jsonl"'
id=$(ls "$spool/queue")
kill -STOP "$spoold_pid"
perl -MIO::Socket::UNIX -e '
	my $s = IO::Socket::UNIX->new(Peer => shift) or die "connect: $!\n";
	$s->syswrite("@ARGV\n")' "$spool/.control" drop "$id"
kill -CONT "$spoold_pid"
answers "error 3286A1B2C3 is%20not%20in%20the%20spool" "others are served" \
    hold 3286A1B2C3
is "$(ls "$spool/queue")" "$id" "whose client has gone is not done"
answers "ok $id dropped" "whose is there is" drop "$id"

# ---- the status --------------------------------------------------------

control pause >"$dir/pause.log"
for ((i = 0; i < 30; i++)); do
	send_simple a@x.test "r$i@y.test" || fail "sendmail"
done
wait_for 10 eval '[ "$(control status | grep -c "\"id\"")" = 30 ]' ||
    fail "all are known"
control status >"$dir/status"
is "$(tail -n 1 "$dir/status")" end "the status has its end"
head -n -1 "$dir/status" >"$dir/status.json"
if command -v jq >/dev/null; then
	is "$(jq -r '"\(.version) \(.messages | length) \(.totals.admitted)"' \
	    "$dir/status.json")" "1 30 33" "and is one of .status.json"
else
	skip "the status is JSON" "no jq"
fi
like "$(head -n 1 "$dir/status")" '"paused":\{.*"totals":\{' "with totals"

# One who does not read keeps nobody waiting.
perl -MIO::Socket::UNIX -e '
	my @s = map { my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]);
	    $s->syswrite("status\n"); $s } 1 .. 20;
	$| = 1; print "there\n"; sleep 60;' "$spool/.control" >"$dir/idle.out" &
idle=$!
ok "twenty ask and do not read" wait_for 10 has_line "$dir/idle.out" there
answers "ok * 30%20due%20now" "and others are served" flush
kill "$idle"
wait "$idle" 2>/dev/null
answers "ok * delivery%20goes%20on" "it goes on" resume
ok "all are delivered" wait_for 20 has_messages 31
stop_spoold || fail "it stops in order"

# ---- the door ----------------------------------------------------------

if strace -o /dev/null -e inject=getppid:delay_enter=1 true 2>/dev/null; then
	# The leak checker of a sanitized build cannot work under strace.
	cat >"$dir/slow-spoold" <<-END
		#!/bin/sh
		export ASAN_OPTIONS=detect_leaks=0
		exec strace -D -o /dev/null -e trace=listen \
		    -e inject=listen:delay_enter=300000 "$SPOOLD" "\$@"
	END
	chmod 700 "$dir/slow-spoold"
	touch "$spool/.control.new"
	SPOOLD=$dir/slow-spoold start_spoold "${relay[@]}"
	answers "error * is%20no%20command" \
	    "as soon as the socket is there it is served" frob
	is "$(echo "$spool/.control"*)" "$spool/.control" \
	    "what a crash left of it has gone"
	stop_spoold || fail "it stops in order"
else
	skip "the socket of a slow spoold" "strace does not work here"
fi

# ---- a copy in another directory ---------------------------------------

start_spoold "${relay[@]}"
send_simple a@x.test copy@busy.test
ok "a message waits" wait_for 10 eval 'grep -q "\"deferred\".*copy@busy" \
    "$spool/.journal.jsonl"'
id=$(ls "$spool/queue")
cp "$spool/queue/$id" "$spool/tmp/copy"
mv "$spool/tmp/copy" "$spool/hold/$id"
for n in 1 2 3; do
	# Only a scan finds it, after all that is in queue/.
	printf 'Subject: x\r\n\r\nx\r\n' | put_message "$spool/hold" \
	    "3286A1B2D$n" 1763770000000001 s@x.test r@busy.test
	kill -HUP "$spoold_pid"
	ok "scan $n" wait_for 10 has_line "$spoold_log" \
	    "admitted id=3286A1B2D$n"
	answers "error $id is%20held%20already" "the message is held" \
	    hold "$id"
done
is "$(count_log "id=$id lies in 'queue/' and in 'hold/'" "$spoold_log")" 1 \
    "that there are two files is said once"
is "$(grep -cE '"(held|released)","id":"'"$id" "$spool/.journal.jsonl")" 1 \
    "and nothing goes to and fro"
rm "$spool/hold/$id"
kill -HUP "$spoold_pid"
ok "without the copy it is a message again" wait_for 10 eval \
    '[[ $(control hold "$id") = "ok $id held"* ]]'
answers "ok $id dropped" "which is dropped" drop "$id"
stop_spoold || fail "it stops in order"
rm "$spool"/hold/*

# One's own spool stays that if its directory lets others through.
chmod 755 "$spool"
start_spoold "${relay[@]}"
is "$(stat -c %a "$spool/.control")" 600 "nobody else gets to the socket"
stop_spoold || fail "it stops in order"
chmod 700 "$spool"

# ---- who ---------------------------------------------------------------

if [ "$(id -u)" -ne 0 ]; then
	skip "other users" "not root"
	done_testing
	exit
fi

owner=64001 user=64003 other=64004
# A spool for the whole machine.
chown -R "$owner:$owner" "$spool"
chmod 711 "$dir" "$spool"
chmod 1770 "$spool/queue" "$spool/tmp"
start_spoold "${relay[@]}"
is "$(stat -c '%a %u' "$spool/.control")" "666 $owner" \
    "everybody gets to the socket"
chmod 644 "$config"
export -f control

# as UID REQUEST...
as() {
	local uid=$1
	shift
	# shellcheck disable=SC2016 # it is for the other shell
	spool=$spool setpriv --reuid "$uid" --regid "$uid" --clear-groups \
	    bash -c 'control "$@"' control "$@"
}

# submit UID ID: a message of that one's, which waits
submit() {
	# There is a scan at any time: it appears with its owner.
	mkdir -p "$dir/made" "$dir/tmp"
	echo "Subject: of $1" |
	    put_message "$dir/made" "$2" 1763770000000001 "s$1@x.test" \
		"r$1@busy.test"
	chown "$1:$owner" "$dir/made/$2"
	chmod 640 "$dir/made/$2"
	mv "$dir/made/$2" "$spool/hold/$2"
}
mine=3286A1B2C3 theirs=3286A1B2C4 roots=3286A1B2C5
submit "$user" "$mine"
submit "$other" "$theirs"
submit 0 "$roots"
kill -HUP "$spoold_pid"
ok "three messages of three users" wait_for 10 eval \
    '[ "$(control status | grep -c "\"id\"")" = 3 ]'
is "$(as "$owner" status | grep -c '"id"')" 3 "the owner is told of all"

seen=$(as "$user" status)
is "$(grep -c '"id"' <<<"$seen")" 1 "a user of his own"
like "$seen" "\"id\":\"$mine\"" "it is that one"
unlike "$seen" "$theirs|$roots|x.test.*x.test|totals|\"reason\"|\"error\"" \
    "and nothing of others'"
is "$(tail -n 1 <<<"$seen")" end "with an end"
is "$(as 64005 status | grep -c '"id"')" 0 "who has none is told of none"

for verb in flush hold release retry requeue "reroute default"; do
	# shellcheck disable=SC2086
	is "$(as "$user" $verb "$mine")" "error * not%20permitted
end" "a user may not $verb"
done
for verb in pause resume flush "pause default" frob; do
	# shellcheck disable=SC2086
	is "$(as "$user" $verb)" "error * not%20permitted
end" "nor $verb"
done
is "$(as "$user" drop "$theirs" 3286A1B2C9 "$mine" "$roots")" \
    "error $theirs is%20not%20in%20the%20spool
error 3286A1B2C9 is%20not%20in%20the%20spool
ok $mine dropped
error $roots is%20not%20in%20the%20spool
end" "he may drop his own; others' are like none"
is "$(cd "$spool/hold" && echo *)" "$theirs $roots" "which are there"
like "$(<"$spoold_log")" "dropped id=$mine .* by uid $user" \
    "the log says who did"
is "$(as "$owner" release "$roots")" "ok $roots released
end" "the owner may do all"

# What he can have us do has its limits.
is "$(setpriv --reuid "$user" --regid "$user" --clear-groups \
    perl -MIO::Socket::UNIX -e '
	my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]);
	$s->syswrite("drop " . "x" x 5000); print <$s> // "closed", "\n"' \
    "$spool/.control")" closed "an endless request is cut off"
# shellcheck disable=SC2016 # it is perl's
crowd='my @s = map { my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
	$s->syswrite("status\n"); $s } 1 .. 200;
    my $n = grep { (<$_> // "") =~ /^\{"version"|^error .* too%20many/ } @s;
    print "$n\n"'
is "$(setpriv --reuid "$user" --regid "$user" --clear-groups \
    perl -MIO::Socket::UNIX -e "$crowd" "$spool/.control")" 200 \
    "two hundred at once are told, or refused"
# "error", if spoold has not seen yet that they have.
is_served() {
	[[ $(as "$user" status) =~ ^\{\"version\".*end$ ]]
}
ok "and served when they have gone" wait_for 10 is_served
stop_spoold || fail "it stops in order"
done_testing
