#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Where spoolq has its picture of the queue from: snapshot, journal and files,
# as they may be, with and without a spoold; and what others get to see.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

make_spool
unset COLUMNS
at=1763770000

# ask ARGS...: $out, $err, $status
ask() {
	out=$(spoolq "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

put() { # STATE ID [RCPT]
	printf 'Subject: %s\n\nx\n' "$2" | crlf |
	    put_message "$spool/$1" "$2" "${at}123456" ann@example.org \
		"${3:-bob@example.net}"
}

head_line() { # SEQ
	printf '{"version":1,"seq":%d,"time":%d.000000,' "$1" "$at"
	printf '"daemon":{"version":"0","pid":0,"start":%d.000000},' "$at"
	printf '"totals":{},"relays":[{"name":"default","state":"up",'
	printf '"since":%d.000000}],"messages":[\n' "$at"
}

message_line() { # ID RCPT [STATE [MORE]]
	printf '{"id":"%s","state":"%s","arrival":%d.123456,"size":8,' \
	    "$1" "${3:-queue}" "$at"
	printf '"uid":%d,"sender":"ann@example.org","seen":%d.200000%s,' \
	    "$(id -u)" "$at" "${4:-}"
	printf '"rcpts":[{"rcpt":"%s","state":"pending","attempts":1,' "$2"
	printf '"tries":1,"next":%d.000000,"relay":"default"}]}' 3999999999
}

# snapshot SEQ ID...: as spoold writes it; the recipient is ID@status
snapshot() {
	local seq=$1 comma=
	shift
	{
		head_line "$seq"
		for id; do
			[ -z "$comma" ] || printf ',\n'
			comma=1
			message_line "$id" "$id@status"
		done
		[ -z "$comma" ] || echo
		echo ']}'
	} >"$spool/.status.json"
}

event() { # SEQ EVENT ID [MORE]
	printf '{"seq":%d,"time":%d.500000,"event":"%s"%s%s}\n' "$1" "$at" \
	    "$2" "${3:+,\"id\":\"$3\"}" "${4:-}"
}

admitted() { # SEQ ID
	event "$1" admitted "$2" ",\"arrival\":$at.1,\"size\":8,\"uid\":0,\
\"sender\":\"ann@example.org\",\"rcpts\":[\"$2@journal\"]"
}

# shows WANT NAME: ids and the recipients' domains, as list has them
shows() {
	ask list --json
	is "$(printf '%s\n' "$out" | sed "s/.*\"queue_id\": \"\([^\"]*\)\"\
.*\"address\": \"[^@]*@\([^\"]*\)\".*/\1 \2/" | xargs)" "$1" "$2"
}

# serve: something listens, as a spoold does; unserve: no more
serve() {
	perl -MIO::Socket::UNIX -e 'my $path = shift;
	    my $s = IO::Socket::UNIX->new(Local => "$path.new", Listen => 50)
	    or die; rename "$path.new", $path; while ($s->accept) {}' \
	    "$spool/.control" &
	served=$!
	wait_for 10 [ -S "$spool/.control" ] || bail "no socket"
}

unserve() {
	kill "$served"
	wait "$served" 2>/dev/null
	rm -f "$spool/.control"
}

clean() {
	rm -f "$spool"/.status.json "$spool"/.journal* "$spool"/{queue,hold,failed}/*
}

# ---- an edit that spoold was not told of -------------------------------

put queue A0000001
put queue A0000002
snapshot 10 A0000001 A0000002
mv "$spool/.status.json" "$spool/.status.json.base"
{
	head_line 10
	message_line A0000002 A0000002@edited
	echo ']}'
} | tr -d '\n' >"$spool/.status.json"
shows "A0000001 status A0000002 status" "an edit: what it said before is shown"
like "$err" "^spoolq: the status has been edited: SIGHUP or 'spoolq resume' \
has spoold take that over; what it said before is shown" "which is said"
sed -i 's/"pending"/"thinking"/' "$spool/.status.json"
shows "A0000001 status A0000002 status" "one that is wrong"
like "$err" "^spoolq: the status has been edited and is not valid" "is called so"
rm "$spool/.status.json.base"
clean

# ---- with a spoold: what it says is so ---------------------------------

serve
snapshot 10 A0000001 A0000003 A0000005
shows "A0000001 status A0000003 status A0000005 status" "a snapshot"
is "$err" "spoolq: no relay is configured" "whose files nobody looks for"
ask list --ids
is "$out/$err" "A0000001
A0000003
A0000005/" "ids alone, and not a word"
{
	event 9 removed A0000005
	admitted 11 A0000004
	event 12 removed A0000003
	admitted 13 A0000000
	admitted 14 A0000009
} >"$spool/.journal.jsonl"
shows "A0000000 journal A0000001 status A0000004 journal A0000005 status \
A0000009 journal" "and the journal behind it, in order of id"
ask list --state new --ids
is "$(xargs <<<"$out")" "A0000000 A0000004 A0000009" "which a filter sees"
event 15 held A0000001 >>"$spool/.journal.jsonl"
ask list --state held --ids
is "$out" A0000001 "the journal changes what the snapshot says"
ask list --json --state deferred
like "$out" '"A0000005".*"next": 3999999999' "what waits waits"
event 16 flushed >>"$spool/.journal.jsonl"
ask list --json --state deferred
like "$out" '"A0000005".*"next": 1763770000.500000' \
    "a flush of all is one of those in the snapshot too"
event 17 reported A0000005 >>"$spool/.journal.jsonl"
printf '{"seq":18,"time":1763770001,"eve' >>"$spool/.journal.jsonl"
ask list --ids
is "$(xargs <<<"$out")" "A0000000 A0000001 A0000004 A0000005 A0000009" \
    "a torn line of the journal is none"
ask show A0000003
is "$status/$err" "66/spoolq: A0000003: no such message" "what left has left"

# Ids of other lengths: shorter is older.
clean
snapshot 10 FFFFFFFF 100000000 3286A1B2C3 10000000000
shows "FFFFFFFF status 100000000 status 3286A1B2C3 status 10000000000 status" \
    "longer ids are later ones"

# A rotation between: the kept journal has what the snapshot lacks.
clean
snapshot 10 A0000001
{
	event 10 start ""
	admitted 11 A0000002
} >"$spool/.journal.jsonl.1"
admitted 12 A0000003 >"$spool/.journal.jsonl"
shows "A0000001 status A0000002 journal A0000003 journal" \
    "the journal before is read as well"

# ---- damage ------------------------------------------------------------

damaged="spoolq: the status is damaged; what happened to messages so far may be missing"
clean
put queue A0000001
put queue A0000002
put queue A0000003
snapshot 10 A0000001 A0000002 A0000003
sed -i '3s/"rcpts".*/"rcpts":[{"rcpt":7}]},/' "$spool/.status.json"
shows "A0000001 status A0000002 example.net A0000003 status" \
    "a damaged line: the message's file tells"
is "$(grep -c damaged <<<"$err")" 1 "which is said once"
sed -i '3s/^{"id":"A0000002"/{"di":"A0000002"/' "$spool/.status.json"
shows "A0000001 status A0000002 example.net A0000003 status" \
    "nor does an id that cannot be read hide a message"
head -n 2 "$spool/.status.json" >"$dir/torn"
cp "$dir/torn" "$spool/.status.json"
shows "A0000001 status A0000002 example.net A0000003 example.net" \
    "a snapshot that ends too early"
like "$err" "$damaged" "is damaged"
echo '{"version":1,"seq":' >"$spool/.status.json"
shows "A0000001 example.net A0000002 example.net A0000003 example.net" \
    "a snapshot without a head"
like "$err" "$damaged" "is damaged, too"
snapshot 10 A0000001 A0000002
for bad in '"next":"x"' '"next":1x' '"next":1e999' '"next":--1' '"next":01.' \
    '"x":[[{}],{"a":nul}]' '"x":"\x41"' '"x":"\ud800"' '"x":"\u0000"' \
    '"x":"a	b"' '"x" 7' '"x":7,' '"x":{"a":1' '7:7'; do
	snapshot 10 A0000001 A0000002
	esc=${bad//\\/\\\\}
	sed -i "2s/\"next\":3999999999.000000/$esc/" "$spool/.status.json"
	shows "A0000001 example.net A0000002 status A0000003 example.net" \
	    "no JSON: $bad"
	like "$err" "$damaged" "which is said"
done
for good in '"next":1e3' '"x":[1,-2.5e-3,{"a":[],"b":{}},null,true]' \
    '"x":"\u00e4\ud83d\ude00\n\/\"\\"' '"x":"ä"' ' "next" : 7 '; do
	snapshot 10 A0000001 A0000002 A0000003
	esc=${good//\\/\\\\}
	sed -i "2s/\"next\":3999999999.000000/$esc/" "$spool/.status.json"
	shows "A0000001 status A0000002 status A0000003 status" "JSON: $good"
	is "$err" "spoolq: no relay is configured" "and nothing is said"
done
# An operator's editor lays it out anew.
put queue A0000004
snapshot 10 A0000001 A0000002 A0000003
admitted 11 A0000004 >"$spool/.journal.jsonl"
perl -MJSON::PP -0777 -ne 'print JSON::PP->new->pretty->encode(decode_json($_))' \
    <"$spool/.status.json" >"$dir/pretty" &&
    cp "$dir/pretty" "$spool/.status.json"
ask list --ids
is "$(xargs <<<"$out")/$status" "A0000001 A0000002 A0000003 A0000004/0" \
    "a snapshot in another layout shows all that there is"
unserve

# ---- without a spoold: files are the truth -----------------------------

clean
put queue A0000001
put hold A0000002
put queue A0000004
put failed A0000006
snapshot 10 A0000001 A0000002 A0000003 A0000006
admitted 11 A0000005 >"$spool/.journal.jsonl"
shows "A0000001 status A0000002 status A0000004 example.net A0000006 status" \
    "what has no file is not there, a file that nobody knows is"
ask list --json
like "$(sed -n 2p <<<"$out")" '"queue_name": "hold".*"state": "held"' \
    "the directory says the state"
like "$(sed -n 4p <<<"$out")" '"queue_name": "failed"' "of all"
ask show A0000004
like "$out/$status" "bob@example.net.*Subject: A0000004.*/0\$" \
    "show what only its file knows"
ask show A0000003
is "$status" 66 "but not what has none"
snapshot 10
shows "A0000001 example.net A0000002 example.net A0000004 example.net \
A0000006 example.net" "an empty snapshot"
rm "$spool/.status.json" "$spool/.journal.jsonl"
shows "A0000001 example.net A0000002 example.net A0000004 example.net \
A0000006 example.net" "none"
snapshot 10 A0000001
sed -i '2s/"tries":1/"tries":1,"active":true/' "$spool/.status.json"
ask list --json
unlike "$out" '"active"|sending' "nothing is being sent"

# Lines that are not in order: each is there once, as its file tells.
clean
put queue A0000001
put queue A0000002
put queue A0000003
snapshot 10 A0000003 A0000001 A0000003 A0000002
shows "A0000001 example.net A0000002 example.net A0000003 status" \
    "lines out of order"
like "$err" "$damaged" "are damage"

# ---- much --------------------------------------------------------------

many=${VIEW_MANY:-20000}
clean
{
	head_line 10
	awk -v n="$many" -v line="$(message_line @ID@ @ID@@status)" 'BEGIN {
		for (i = 0; i < n; i++) {
			text = line
			gsub("@ID@", sprintf("A%07X", i), text)
			print text (i < n - 1 ? "," : "")
		}
	}'
	echo ']}'
} >"$spool/.status.json"
admitted 11 B0000000 >"$spool/.journal.jsonl"
serve
ask list --ids
is "$(wc -l <<<"$out")/$(sort -c <<<"$out" 2>&1)" "$((many + 1))/" \
    "$many messages, in order"
# A tenth of what they would take.
# shellcheck disable=SC2317 # ok calls it
in_little() {
	"${BASH:-bash}" -c 'ulimit -v 60000; exec "$@"' bash "$SPOOLQ" \
	    -C "$config" --spool "$spool" "$@" >/dev/null 2>"$dir/err"
}
case $(ldd "$SPOOLQ" 2>/dev/null) in
*libasan* | *libtsan*)
	skip "in little memory" "a sanitizer takes more" ;;
*)
	ok "in little memory" in_little list --json ;;
esac
ask list --limit 3 --to A000002A@status
like "$out" "1 message, 1 recipient" "one of them is found"
ask show A0000003
is "$status" 66 "one without a file: nothing to show"
set -o pipefail
spoolq list 2>/dev/null | head -n 1 >"$dir/out"
ended=("${PIPESTATUS[@]}")
set +o pipefail
like "${ended[0]}" '^(141|0)$' "who has seen enough ends it, quietly"
unserve

# ---- others ------------------------------------------------------------

fake=$srcdir/tests/run/fake-control.pl

# as_other ARGS...: $out, $err, $status, as somebody who may not read it
as_other() {
	out=$(timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$SPOOLQ" -C "$dir/public.conf" --spool "$spool" "$@" 2>"$dir/err")
	status=$?
	err=$(<"$dir/err")
}

if [ "$(id -u)" -ne 0 ]; then
	skip "others see their own" "not root"
	done_testing
fi
clean
put queue A0000001
chmod 711 "$dir" "$spool"
echo 'aliases = none' >"$dir/public.conf"
chmod 644 "$dir/public.conf"
as_other list
is "$out/$err/$status" "/spoolq: you may not read '$spool', and no spoold \
runs that could tell you of your own mail/77" "others without a spoold"
for args in "show A0000001" mailq "list --json" "show --raw A0000001"; do
	# shellcheck disable=SC2086
	as_other $args
	is "$out/$(wc -l <<<"$err")/$status" /1/77 "$args: the same"
done

# answers TEXT: a spoold says this to the next one who asks
answers() {
	rm -f "$spool/.control" "$dir/requests"
	perl "$fake" "$spool/.control" "$dir/requests" "$@" 2>"$dir/fake.log" &
	fake_pid=$!
	wait_for 10 [ -S "$spool/.control" ] || bail "no socket"
	chmod 666 "$spool/.control"
}
told="$(head_line 10)
$(message_line A0000001 bob@told),
$(message_line A0000002 cy@told hold)
]}
end
"
for args in list mailq "list --json" "show A0000002"; do
	answers "$told"
	# shellcheck disable=SC2086
	as_other $args
	wait "$fake_pid"
	want=0
	[ "$args" != mailq ] || want=77
	like "$out/$status" "cy@told.*/$want\$" "$args: what spoold tells of his own"
	is "$(<"$dir/requests")" status "$args: the request"
done
answers "$told" "$told"
as_other show --raw A0000001
is "$out/$err/$status" "/spoolq: A0000001: you may not read its file/77" \
    "but not the file"
answers "$told"
as_other show A0000003
is "$out/$err/$status" "/spoolq: A0000003: no such message/66" \
    "nor what is another's"
answers 'error * unknown%20%1Bcommand\nend\n'
as_other list
is "$out/$err/$status" "/spoolq: spoold does not tell: unknown \\x1Bcommand/69" \
    "a spoold that does not tell"
for answer in '' 'end' 'hello\n' '{}\n'; do
	answers "$answer"
	as_other list
	is "$out/$err/$status" \
	    "/spoolq: spoold did not answer: Protocol error/69" \
	    "no answer: '$answer'"
done
answers "$(head_line 10)
$(message_line A0000001 bob@told),
"
as_other list
is "$(tail -n 1 <<<"$err")/$status" \
    "spoolq: cannot read the status: it ends too early/69" \
    "an answer that breaks off"
like "$out" "bob@told" "is shown as far as it goes"
rm -f "$spool/.control"

# A real one.  Queue files are their submitters'.
clean
put queue A0000001
put queue A0000002 cy@example.net
put hold A0000003 dan@example.net
chown 65534 "$spool"/{queue/A0000002,hold/A0000003}
start_spoold
chmod 711 "$spool"
chmod 666 "$spool/.control"
ok "spoold knows them" wait_for 10 has_events 3 admitted
ask list --ids
is "$(xargs <<<"$out")/$status" "A0000001 A0000002 A0000003/0" \
    "the owner sees all"
as_other list --ids
is "$(xargs <<<"$out")/$err/$status" "A0000002 A0000003//0" \
    "others see their own"
as_other list --json
unlike "$out$err" "A0000001|bob@" "and nothing of what is not"
like "$out" '"A0000003".*"state": "held"' "with their states"
as_other mailq
like "$out" "in 2 Requests" "with mailq, too"
as_other list --user 0
is "$out/$status" "no message matches/0" "whatever they ask for"
as_other show A0000002
like "$out/$status" "recipient  cy@example.net.*/0\$" "and show"
as_other show A0000001
foreign=$out/$err/$status
as_other show A0000009
is "${foreign//A0000001/A0000009}" "$out/$err/$status" \
    "what is another's is as unknown as what is not there"
ok "spoold ends in order" stop_spoold
done_testing
