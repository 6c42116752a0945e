#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq: what it shows, and what it changes, without a spoold, with one, and
# with something that only pretends to be one.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

make_spool
unset COLUMNS
fake=$srcdir/tests/run/fake-control.pl
arrival=1763770000123456	# Sat Nov 22 00:06:40 2025, UTC
one=3286A1B2C3
two=3286A1B2C4
three=3286A1B2C5
none=3286A1B2CF

# ask ARGS...: $out, $err, $status
ask() {
	out=$(spoolq "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

put() { # STATE ID SENDER RCPT...
	local state=$1 id=$2
	shift 2
	printf 'From: ann@example.org\nSubject: %s\n\n.\nbody of %s\n' \
	    "$id" "$id" | crlf |
	    put_message "$spool/$state" "$id" "$arrival" "$@"
}

# ---- the command line --------------------------------------------------

ask --help
like "$out/$status" '^usage: .*list .*/0$' "--help"
ask --version
like "$out/$status" '^spoolq [0-9.]+/0$' "--version"
ask
is "$out/$status" /64 "no command"
ask dance
like "$err/$status" "there is no command 'dance'.*/64\$" "no such command"
ask --tango list
is "$out/$status" /64 "no such option"
like "$err" "^spoolq: unknown option '--tango'" "which is named"
# What each says, in its first line.
while IFS='|' read -r args want; do
	# shellcheck disable=SC2086
	ask $args
	is "$out/$status/${err%%$'\n'*}" "/64/spoolq: $want" "usage: $args"
done <<END
list --jsn|unknown option '--jsn'
list -x|unknown option '-x'
list -xC|unknown option '-x'
list --raw|unknown option '--raw'
list --json=x|option '--json=x' takes no argument
list -C|option '-C' needs an argument
drop --spool|option '--spool' needs an argument
list x|'x' is no message id
list -- --json|'--json' is no message id
show $one $two|superfluous argument '$two'
show --raw --body $one|'--raw' and '--body' exclude each other
list --to|option '--to' needs an argument
drop --tango=x|unknown option '--tango=x'
hold|which messages?  Give ids, filters or --all
END
ask list $'--\33[2J'
is "$err" "spoolq: unknown option '--\\x1B[2J'
usage: spoolq list [--json | --ids] [--color WHEN] [FILTER...] [ID...]" \
    "made harmless"
for args in "--spool $spool list" "list --spool $spool" \
    "list --json -C /dev/null --spool=$spool" \
    "--spool $dir/none -C $dir/none list --spool $spool -C/dev/null"; do
	# shellcheck disable=SC2086
	is "$(timeout 20 "$SPOOLQ" -C /dev/null $args >"$dir/out" \
	    2>"$dir/err"; echo $?)" 0 "options on both sides: $args"
done
for args in "list x" "mailq x" show "show $one $two" "show ../$one" drop \
    hold release "drop 3286a1b2c3" "flush ../../x" "drop $one/../x"; do
	# shellcheck disable=SC2086
	ask $args
	is "$out/$status" /64 "usage: $args"
done
is "$(timeout 20 "$SPOOLQ" -C "$dir/none.conf" list 2>"$dir/err"; echo $?)" \
    78 "a configuration that is not there"
is "$(timeout 20 "$SPOOLQ" --spool "$dir/none" list 2>"$dir/err"; echo $?)" \
    78 "a spool that is not there"
is "$(<"$dir/err")" "spoolq: cannot open the spool: '$dir/none' is missing" \
    "is named in one line"
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$dir"
	is "$(setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$SPOOLQ" --spool "$spool" list 2>"$dir/err"; echo $?)" 77 \
	    "a spool of somebody else's"
	chmod 700 "$dir"
else
	chmod 0 "$spool/queue"
	is "$(spoolq list 2>"$dir/err"; echo $?)" 77 "a spool that is locked"
	chmod 700 "$spool/queue"
fi
is "$(wc -l <"$dir/err")" 1 "which is said in one line"

# ---- what it shows, without a spoold -----------------------------------

ask list
is "$out/$status" "the queue is empty/0" "an empty queue"
is "$err" "spoolq: spoold is not running
spoolq: no relay is configured" "what is missing is said"
ask list --json
is "$out/$status" /0 "as JSON"
ask mailq
is "$out/$status" "Mail queue is empty/0" "as mailq"

put queue "$one" ann@example.org bob@example.net 'c%E2%80%AEy@example.net'
put hold "$two" '<>' bob@example.net
put failed "$three" ann@example.org dan@example.net
echo torn >"$spool/queue/$none"
echo junk >"$spool/queue/junk"
echo junk >"$spool/failed/junk.damaged"
echo why >"$spool/failed/junk.damaged.why"
ask list
like "$err" "queue/$none: is too short" "a torn file is named"
like "$err" "1 damaged file, set aside" "so are damaged ones"
rm "$spool/queue"/{junk,"$none"} "$spool/failed"/junk*
is "$(sed -E 's/ [ 0-9]{3}[dy] / AGE /' <<<"$out")" "\
ID           AGE  SIZE STATE    TRY NEXT       SENDER -> RECIPIENTS
$one  AGE    69 new        0 now        ann@example.org -> bob@example.net +1
$two  AGE    69 held       0 on release <> -> bob@example.net
$three  AGE    69 failed     0 never      ann@example.org -> dan@example.net
3 messages, 4 recipients to go, 207 bytes" "the table"
out=$(COLUMNS=70 spoolq list 2>/dev/null | wc -L)
at_most "$out" 70 "no line is wider than the terminal"
ask mailq
is "$out/$status" "\
-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
$one       69 Sat Nov 22 00:06:40  ann@example.org
                                         bob@example.net
                                         c\\u{202E}y@example.net

$two!      69 Sat Nov 22 00:06:40  MAILER-DAEMON
                                         bob@example.net

-- 0 Kbytes in 2 Requests./0" "mailq"
ask list --json
is "$(head -n 1 <<<"$out")" "{\"queue_name\": \"incoming\", \
\"queue_id\": \"$one\", \"arrival_time\": 1763770000, \"message_size\": 69, \
\"forced_expire\": false, \"sender\": \"ann@example.org\", \
\"null_sender\": false, \"state\": \"new\", \"waits\": \"turn\", \
\"uid\": $(id -u), \
\"recipients\": [{\"address\": \"bob@example.net\", \
\"state\": \"pending\", \"attempts\": 0, \"tries\": 0, \
\"uncertain\": false, \"waits\": \"turn\"}, \
{\"address\": \"c\\\\u{202E}y@example.net\", \
\"state\": \"pending\", \"attempts\": 0, \"tries\": 0, \
\"uncertain\": false, \"waits\": \"turn\"}]}" "JSON"
is "$(wc -l <<<"$out")" 3 "an object a line"
like "$(sed -n 2p <<<"$out")" '"queue_name": "hold".*"sender": "MAILER-DAEMON", "null_sender": true' \
    "JSON of a held one from nobody"

ask show "$one"
is "$(sed -E 's/, [0-9]+[dy] ago/, AGE/' <<<"$out")" "\
id         $one
state      new
waits      for its turn
arrival    2025-11-22 00:06:40, AGE, by $(id -un)
size       69
sender     ann@example.org
recipient  bob@example.net
           pending, 0 attempts, next now
recipient  c\\u{202E}y@example.net
           pending, 0 attempts, next now

From: ann@example.org
Subject: $one" "show"
ask show --body "$one"
is "$(tail -n 4 <<<"$out")" "Subject: $one

.
body of $one" "show --body"
spoolq show --raw "$two" >"$dir/raw"
printf 'From: ann@example.org\nSubject: %s\n\n.\nbody of %s\n' "$two" "$two" |
    crlf >"$dir/want"
ok "show --raw is the message, byte for byte" cmp "$dir/want" "$dir/raw"
ask show "$none"
is "$out/$err/$status" "/spoolq: $none: no such message/66" \
    "show what is not there"
# A message that wants to take the terminal over.
printf 'Subject: \33[2J\302\233\n\t\342\200\256x\n\n%070000d\33\n' 0 | crlf |
    put_message "$spool/queue" 3286A1B2D0 "$arrival" '<>' bob@example.net
ask show --body 3286A1B2D0
unlike "$out" $'\33|\302\233|\342\200\256' "no control character gets through"
like "$out" 'Subject: \\x1B\[2J.*0\\x1B$' "they are shown as what they are"
ask show --raw 3286A1B2D0
rm "$spool/queue/3286A1B2D0"

# ---- filters -----------------------------------------------------------

# lists ID... : the ids that list shows with the further arguments in $with
lists() {
	out=$(spoolq list --json "${with[@]}" 2>"$dir/err" |
	    sed 's/.*"queue_id": "\([^"]*\)".*/\1/' | xargs)
	is "$out" "$*" "list ${with[*]}"
}
with=(--from ann@example.org)
lists "$one" "$three"
with=(--from Example.ORG)
lists "$one" "$three"
with=(--from ann)
lists
with=(--from 'ann*')
lists "$one" "$three"
with=(--from '*@EX*.org' --to '[bx]ob@*')
lists "$one"
with=(--from example.or)
lists
with=(--from .org)
lists
with=(--from '<>')
lists "$two"
with=(--from '')
lists "$two"
with=(--to example.net)
lists "$one" "$two" "$three"
with=(--to dan@example.net)
lists "$three"
with=(--to 'dan\@example.net')
lists "$three"
with=(--to ann@example.org)
lists
with=(--to "$(printf 'a%05000d*' 7)")
lists
with=(--to '*[')
lists
ask list --to dan@example.net
like "$out/$status" "^ID .*
1 message, 1 recipient to go, 69 bytes/0\$" "the table has what matches"
ask list --to nobody@example.net
is "$out/$status" "no message matches/0" "and says when nothing does"
ask flush --to nobody@example.net
is "$out/$status" "no message matches/0" "flush of nothing"
ask flush --to x "$one"
is "$out/$status" "no message matches/0" "ids and filters: both must match"

# sendmail's tradition: a part of the address, and nothing is a pattern.
# flushes WANT NAME ARGS...: sendmail's -q makes WANT due, and says nothing
flushes() {
	local want=$1 name=$2
	shift 2
	rm -f "$spool/.journal.jsonl"
	said=$(SPOOLD_EXEC_PATH=$builddir/spoolq "$SENDMAIL" -C "$config" \
	    --spool "$spool" "$@" 2>&1)
	is "$?|$said|$(sed -n 's/.*"flushed".*"id":"\([^"]*\)".*/\1/p
	    t; s/.*"flushed".*/all/p' "$spool/.journal.jsonl" 2>/dev/null)" \
	    "0||$want" "$name"
}
flushes "$one" "sendmail -qR is about waiting recipients" -qRAMPLE.n
flushes "$one" "sendmail -qS is about senders" -qSnn@ex
flushes "" "sendmail -qR: a star is a star" '-qRb*b'
flushes "" "sendmail -qR and -qS mean both" -qRbob -qSeve
flushes "$one" "sendmail -qR alone means everybody" -qR
flushes "$one" "sendmail -qI" "-qI$one"
flushes all "sendmail -q" -q
flushes all "sendmail -qf" -qf
rm -f "$spool/.journal.jsonl"
said=$(SPOOLD_EXEC_PATH=$builddir/spoolq "$SENDMAIL" -C "$config" \
    --spool "$spool" "-qI$none" 2>&1)
is "$?|$said" "66|spoolq: $none: no such message" \
    "sendmail -qI of none says so"
said=$(SPOOLD_EXEC_PATH=$builddir/spoolq "$SENDMAIL" -C "$config" \
    --spool "$spool/queue" -q 2>/dev/null)
is "$?|$said" "78|" "sendmail -q says on standard error what is wrong"
rm -f "$spool/.journal.jsonl"

# ---- what it changes, without a spoold ---------------------------------

ask hold "$one"
is "$out/$status" "$one held/0" "hold"
is "$(queued)/$(queued hold)" 0/2 "moves it to hold/"
ask hold "$one"
is "$out/$status" "$one held/0" "hold again"
ask flush "$one"
is "$err/$status" "spoolq: $one is held, not in queue//75" "flush a held one"
ask release "$three"
is "$out/$err/$status" "/spoolq: $three is in failed/, not held/75" \
    "release a failed one"
ask release "$one" "$two" "$none"
is "$out/$err/$status" "$one released
$two released/spoolq: $none: no such message/66" \
    "release: what is there is done, what is not is said"
is "$(queued)/$(queued hold)" 2/0 "moves them to queue/"
ask release "$one"
is "$out/$err/$status" "/spoolq: $one is not held/75" "release it again"
ask hold "$three"
is "$err/$status" "spoolq: $three is in failed//75" "hold a failed one"
ask flush "$one"
is "$out/$status" "$one is tried when spoold starts/0" "flush"
ask flush
is "$out/$status" "all messages are tried when spoold starts/0" "flush all"
ask drop "$two" "$three"
is "$out/$status" "$two dropped
$three dropped/0" "drop"
is "$(queued)/$(queued hold)/$(queued failed)" 1/0/0 "removes them"
ask drop "$two"
is "$status" 66 "drop what is gone"
is "$(events held) $(events released) $(events flushed) $(events dropped)" \
    "1 2 2 2" "all of it is journalled"
is "$(sed 's/.*"seq":\([0-9]*\).*/\1/' "$spool/.journal.jsonl" | xargs)" \
    "1 2 3 4 5 6 7" "with numbers of its own for each event"

# Root on a spool of somebody else's.
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$dir/other"
	mkdir -m 0700 "$dir/other"/{tmp,queue,hold,failed}
	cp "$spool/queue/$one" "$dir/other/queue"
	cp "$spool/queue/$one" "$dir/other/queue/$two"
	chown -R 65534:65534 "$dir/other"
	chmod 711 "$dir"
	is "$("$SPOOLQ" --spool "$dir/other" hold "$one" 2>&1)" "$one held" \
	    "root works on the spool of another user"
	is "$(stat -c %u:%g "$dir/other/.journal.jsonl" "$dir/other/.lock" |
	    xargs)" "65534:65534 65534:65534" "as that user"
	chmod 700 "$dir"
else
	skip "root works on the spool of another user" "not root"
	skip "as that user" "not root"
fi

# ---- something else answers --------------------------------------------

put queue "$two" ann@example.org bob@example.net
put queue "$three" ann@example.org bob@example.net

# fake ANSWER...: $fake_pid
fake() {
	rm -f "$spool/.control" "$dir/requests"
	perl "$fake" "$spool/.control" "$dir/requests" "$@" 2>"$dir/fake.log" &
	fake_pid=$!
	wait_for 10 [ -S "$spool/.control" ] || bail "no socket"
}

# fake_ask ANSWER ARGS...: ask with one canned answer
fake_ask() {
	fake "$1"
	shift
	ask "$@"
	wait "$fake_pid"
}

fake_ask "ok $one due%20now\nok $two due%20now\nend\n" flush "$one" "$two"
is "$out/$status" "$one due now
$two due now/0" "answers are printed"
is "$(<"$dir/requests")" "flush $one $two" "the request"
fake_ask 'ok * 3%20due%20now\nend\n' flush
is "$out/$status" "3 due now/0" "an answer for all"
is "$(<"$dir/requests")" flush "the request for all"
fake_ask "ok $one dropped\nerror $two is%20being%20delivered\nend\n" \
    drop "$one" "$two"
is "$out/$err/$status" "$one dropped/spoolq: $two is being delivered/75" \
    "what did not work is for later"
fake_ask 'error * not%20permitted\nend\n' flush
is "$out/$err/$status" "/spoolq: not permitted/77" "an error for all"
fake_ask "ok $one %1B[2J\nend\n" flush "$one"
is "$out" "$one \\x1B[2J" "an answer's control characters"
fake_ask "ok %1B x\nend\n" flush "$one"
is "$out" "? x" "an id that is none"
for answer in '' 'end' "ok $one\nend\n" "ok $one x y\nend\n" 'hello\n' \
    "ok $one %2\nend\n" "ok $one x\n" '\n'; do
	fake_ask "$answer" drop "$one"
	is "$status/$(tail -n 1 <<<"$err")" \
	    "69/spoolq: spoold did not answer: Protocol error; it may still do it" \
	    "no answer: '$answer'"
done
fake_ask "$(printf 'ok %0100000d' 0)" drop "$one"
is "$status" 69 "an endless answer"
is "$(queued)" 3 "nothing was touched"
rm -f "$spool/.control"

# Many: a request each for five hundred of them.
many=()
for i in {1000..1599}; do
	many+=("3286A1B$i")
done
fake 'end\n' 'end\n'
ask flush "${many[@]}"
wait "$fake_pid"
is "$status/$(wc -l <"$dir/requests")/$(wc -w <"$dir/requests")" 0/2/602 \
    "six hundred ids are two requests"
rm -f "$spool/.control"

# Silence, and a lock without anybody behind it: ten seconds, side by side.
fake -
begun=$(now)
spoolq drop "$one" >"$dir/mute.out" 2>"$dir/mute.err" &
mute=$!
mkdir "$dir/second"
mkdir -m 0700 "$dir/second"/{tmp,queue,hold,failed}
cp "$spool/queue/$one" "$dir/second/queue"
exec {lock}>"$dir/second/.lock"
flock "$lock"
out=$(timeout 30 "$SPOOLQ" -C /dev/null --spool "$dir/second" list 2>&1)
like "$out" "^spoolq: spoold does not answer" \
    "a lock without a socket: spoold does not answer"
unlike "$out" "not running" "and nothing is said of not running"
timeout 30 "$SPOOLQ" --spool "$dir/second" drop "$one" 2>"$dir/locked.err"
is "$?/$(<"$dir/locked.err")" \
    "69/spoolq: spoold holds the lock but does not answer" "a lock, no answer"
exec {lock}>&-
out=$(timeout 30 "$SPOOLQ" -C /dev/null --spool "$dir/second" list 2>&1)
like "$out" "^spoolq: spoold is not running" "without the lock it is not running"
ok "looking leaves the lock free" flock -n "$dir/second/.lock" true
wait "$mute"
is "$?/$(<"$dir/mute.err")" \
    "69/spoolq: spoold did not answer: Connection timed out; it may still do it" "silence"
took=$((($(now) - begun) / 1000000))
ok "ends after ten seconds ($took)" [ "$took" -ge 9 -a "$took" -le 20 ]
wait "$fake_pid"
is "$(queued)" 3 "nothing was touched then either"
rm -f "$spool/.control"

# ---- with a spoold -----------------------------------------------------

start_spoold
ask list
is "$err" "spoolq: no relay is configured" "a spoold without a relay"
ask flush "$one" "$none"
is "$out/$err/$status" "$one due now/spoolq: $none: no such message/66" "flush"
ask flush
is "$out/$status" "3 due now/0" "flush all"
ask flush --from 'ANN@*' --to Example.Net
is "$(sort <<<"$out" | xargs)/$status" \
    "$one due now $two due now $three due now/0" "flush those that match"
ask hold "$one"
is "$out/$status/$(queued hold)" "$one held/0/1" "hold"
ask list
like "$out" "$one .* held " "is shown"
ask release "$one"
is "$out/$status/$(queued hold)" "$one released/0/0" "release"
ask drop "$two"
is "$out/$status/$(queued)" "$two dropped/0/2" "drop"
put queue "$none" ann@example.org bob@example.net
ok "a new message is seen" wait_for 10 has_line "$spool/.journal.jsonl" "$none"
ask list
like "$out" "$none .* new " "and shown"
ok "spoold ends in order" stop_spoold
ask list
like "$err" "spoold is not running" "then it is not running"

# ---- with a relay, played by an agent that answers as $dir/mood says ----

mkdir "$dir/agent"
cat >"$dir/agent/spoold-smtp" <<AGENT
#!/bin/bash
while read -r verb id places; do
	case \$verb in
	go)
		echo ready ;;
	send)
		mood=\$(<"$dir/mood")
		[ "\$mood" = down ] || echo "start \$id 192.0.2.1:25"
		[ "\$mood" != down ] || echo "back \$id relay no%20%1Broute"
		[ "\$mood" = busy ] || continue
		rcpts=\$(grep -c '^rcpt ' "queue/\$id")
		for ((i = 0; i < rcpts; i++)); do
			echo "rcpt \$id \$i deferred 5 450%204.2.0%20come%20back"
		done
		echo "done \$id" ;;
	quit | abort)
		exit 0 ;;
	esac
done
AGENT
chmod +x "$dir/agent/spoold-smtp"
SPOOLD_EXEC_PATH=$dir/agent
relay=(--relay 192.0.2.1:25 --tls none)

# Young ones: nobody gives up on them.
spoolq drop "$one" "$three" "$none" >"$dir/drop.out" 2>"$dir/err"
arrival=$(now)
for id in "$one" "$three" "$none"; do
	put queue "$id" ann@example.org bob@example.net cy@example.net
done

echo busy >"$dir/mood"
start_spoold "${relay[@]}"
ok "answers come" wait_for 20 has_events 6 deferred
ask list
is "$err" "" "nothing is wrong"
like "$out" "$one .* deferred   1 in [0-9]+[smh] .*
 {12}450 4\.2\.0 come back" "an answer is shown below its message"
ask list --json
like "$out" '"queue_name": "deferred".*"delay_reason": "450 4\.2\.0 come back".*"next": [0-9]+\.[0-9]{6}, "waits": "backoff"' \
    "and in JSON"
ask mailq
like "$out" "
 {57}\(450 4\.2\.0 come back\)
 {41}bob@example\.net
 {41}c" "and by mailq, right-aligned, once, before whom it is about"
ask show "$one"
like "$out" "pending, 1 attempt, next in [0-9]+[smh], to relay default
 {11}20[0-9-]+ [0-9:]+: 450 4\.2\.0 come back" "and by show"

# shellcheck disable=SC2317 # wait_for calls it
is_sending() {
	spoolq mailq | grep -q "^$one\*"
}
echo mute >"$dir/mood"
ask flush "$one"
is "$out/$status" "$one due now/0" "flush makes it due"
ok "it is being sent" wait_for 10 is_sending
ask list
like "$out" "$one .* sending " "which the table shows"
ask list --json
like "$out" '"queue_name": "active"' "and JSON"
ask drop "$one"
like "$err/$status" "^spoolq: $one .*/75\$" "it cannot be dropped now"
is "$(queued)" 3 "and is not"
kill_spoold
ask list
like "$err" "spoold is not running" "spoold is killed"
unlike "$out" sending "then nothing is being sent"
ask drop "$none"
is "$out/$status/$(queued)" "$none dropped/0/2" "drop after a crash"

echo down >"$dir/mood"
start_spoold "${relay[@]}"
ask flush
is "$out/$status" "2 due now/0" "flush reaches the new one"
ok "the relay is down" wait_for 20 has_events 1 relay-down
ask list
like "$err" '^spoolq: the relay default has been in trouble for [0-9]+s, tried again in [0-9]+[smh]: no \\x1Broute$' \
    "which is said"
put queue "$two" ann@example.org bob@example.net
ok "another message comes" wait_for 10 has_line "$spool/.journal.jsonl" "$two"
ask mailq
like "$out" "ann@example.org
 {64}\(no \\\\x1Broute\)
 {41}bob@example.net
" "the relay's reason is its own in mailq"
is "$(grep -c 450 <<<"$out")" 1 "where another has an answer of its own"
ask list --json
like "$out" '"delay_reason": "no \\\\x1Broute", "state"' "and in JSON"
ask drop "$two"
mv "$spool/.control" "$spool/.control.away"
ask list
like "$err" '^spoolq: spoold does not answer
spoolq: the relay default has been in trouble for ' "without its socket it does not answer"
mv "$spool/.control.away" "$spool/.control"
ok "spoold ends in order again" stop_spoold
ask list
is "$err" 'spoolq: spoold is not running
spoolq: when spoold last ran, the relay default was in trouble: no \x1Broute' \
    "the reason is known after its end"
ask show "$one"
like "$err" 'was in trouble: no \\x1Broute$' "and with show"
ask show --raw "$one"
is "$err" "" "but not with --raw"

# From cron, without one that stays.
is "$(run_spoold --once --relay 127.0.0.1:1 --tls none; echo $?)" 75 \
    "--once without a way to the relay"
done_testing
