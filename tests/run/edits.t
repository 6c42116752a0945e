#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The status, edited by an operator: SIGTSTP, an editor, SIGHUP.

TEST_TIMEOUT=240
. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/control.sh"
need jq jq

make_spool
# Nothing is tried again but what an edit makes due.
echo 'retry = "1h"' >>"$config"
start_smtpd --rule 'rcpt match=*@busy.test reply "451 4.2.0 busy"' \
    --rule "dot match=slow@* wait-file $dir/go"
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)
status=$spool/.status.json
start_spoold "${relay[@]}"

# count TEXT: lines of the log with it
count() {
	grep -Fc -- "$1" "$spoold_log"
}

says() { # N TEXT
	[ "$(count "$2")" -ge "$1" ]
}

# paused: SIGTSTP, and the status is written
paused() {
	local n
	n=$(($(count 'the status is written;') + 1))
	kill -TSTP "$spoold_pid"
	wait_for 10 says "$n" 'the status is written;' ||
	    fail "SIGTSTP: the status is written"
}

# hup TEXT: SIGHUP, and the log has one more line with it
hup() {
	local n
	n=$(($(count "$1") + 1))
	kill -HUP "$spoold_pid"
	wait_for 10 says "$n" "$1"
}

# edit FILTER [JQ-OPTION...]: as people do
edit() {
	local filter=$1
	shift
	jq "$@" "$filter" "$status" >"$dir/edited" &&
	    mv "$dir/edited" "$status"
}

# id_of ADDRESS: the message to it
id_of() {
	sed -n 's/.*"event":"admitted","id":"\([^"]*\)".*"'"$1"'".*/\1/p' \
	    "$spool"/.journal* | tail -n 1
}

# busy NAME...: a message to NAME@busy.test, each, is deferred; $id
busy() {
	local n
	n=$(($(events deferred) + $#))
	# shellcheck disable=SC2046
	send_simple a@x.test $(printf '%s@busy.test ' "$@")
	wait_for 10 has_events "$n" deferred || fail "$* is deferred"
	id=$(id_of "$1@busy.test")
}

# Of the status as written just now: what jq FILTER says
look() {
	cp "$status" "$dir/before"
	kill -USR1 "$spoold_pid"
	wait_for 10 eval '! cmp -s "$status" "$dir/before"'
	jq -r "$1" "$status"
}

# rcpt ADDRESS FILTER: of that recipient
rcpt() {
	look ".messages[].rcpts[] | select(.rcpt == \"$1@busy.test\") | $2"
}

taken="is taken over"

# ---- what can be edited ------------------------------------------------

busy one
paused
edit "(.messages[].rcpts[] | select(.rcpt == \"one@busy.test\"))
    |= (.attempts = 7 | .next = 1893456000.5)" -c
ok "an edit is taken over" hup "$taken: 1 message changed, 0 dropped"
is "$(rcpt one '"\(.attempts) \(.next)"')" "7 1893456000.5" \
    "attempts and the next one"
ok "a line in the journal says so" has_line "$spool/.journal.jsonl" \
    "\"event\":\"edited\",\"id\":\"$id\",\"index\":0,\"rcpt\":\"one@.*\"next\":1893456000.500000,\"attempts\":7"
is "$(count_log 'RCPT TO:<one')" 1 "the edit holds: it is not tried again"

paused
edit "(.messages[] | select(.id == \"$id\")).state = \"hold\""
ok "indented by jq, another one too" hup "$taken: 1 message changed"
ok "the message is in hold/" test -e "$spool/hold/$id"
paused
edit "(.messages[] | select(.id == \"$id\")).state = \"queue\"" -S
ok "with sorted keys too" hup "$taken: 1 message changed"
ok "it is back" test -e "$spool/queue/$id"

paused
edit . -c
ok "an edit that changes nothing" hup "$taken: 0 messages changed, 0 dropped"
paused
edit "del(.messages[] | select(.id == \"$id\"))"
ok "an entry that is removed" hup "$taken: 0 messages changed, 1 dropped"
ok "is a message that is removed" test ! -e "$spool/queue/$id"
has_line "$spool/.journal.jsonl" "\"event\":\"dropped\",\"id\":\"$id\"" ||
    fail "the journal says so"

busy two three four five
paused
edit 'del(.messages[].rcpts[] | select(.rcpt == "three@busy.test"))
    | (.messages[].rcpts[] | select(.rcpt == "four@busy.test").state)
	|= "delivered"
    | (.messages[].rcpts) |= reverse
    | .messages[].rcpts += [{"rcpt":"new@y.test","state":"pending"}]'
ok "recipients are removed" hup "1 message changed, 0 dropped, 1 recipient"
is "$(look '[.messages[].rcpts[] | "\(.rcpt[:4]) \(.state)"] | join(", ")')" \
    "two@ pending, thre dropped, four delivered, five pending" \
    "or had their mail, whatever their order"
n=$(($(events deferred) + 2))
control flush >"$dir/flush.log"
ok "flushed, the others are tried" wait_for 10 has_events "$n" deferred
is "$(count_log 'RCPT TO:<three'),$(count_log 'RCPT TO:<four'),$(
    count_log 'RCPT TO:<new')" "1,1,0" "and those are not"
paused
edit '.messages[].rcpts[].state = "dropped"'
ok "the rest is dropped" hup "$taken: 1 message changed"
ok "nobody is left, and the message goes" wait_for 10 queue_has 0

busy six
paused
edit '.messages[].rcpts[].state = "failed"'
ok "it is given up" hup "$taken: 1 message changed"
ok "and is in failed/" wait_for 10 queue_has 1 failed
paused
edit '.messages[].state = "queue"'
n=$(($(events deferred) + 1))
ok "from there it comes back" hup "$taken: 1 message changed"
ok "and is tried" wait_for 10 has_events "$n" deferred
is "$(count_log 'RCPT TO:<six')" 2 "once more"
is "$(queued failed)" 0 "nothing is left there"
like "$(control "drop $id")" '^ok ' "it is dropped"

# ---- ways to write -----------------------------------------------------

busy in-place
paused
jq '.messages[].rcpts[].attempts = 3' "$status" >"$dir/edited"
cat "$dir/edited" >"$status"
ok "written in place" hup "$taken: 1 message changed"
is "$(rcpt in-place .attempts)" 3 "it is taken over"
paused
mv "$status" "$status~"
jq '.messages[].rcpts[].attempts = 4' "$status~" >"$status"
rm "$status~"
chmod 600 "$status"
ok "written beside it, with another mode" hup "$taken: 1 message changed"
is "$(rcpt in-place .attempts)" 4 "is taken over"
paused
edit '.messages[].rcpts[].attempts = 5'
# Not only for SIGHUP: the status is written over it.
kill -USR1 "$spoold_pid"
ok "SIGUSR1 takes it over first" wait_for 10 has_line \
    "$spool/.journal.jsonl" '"event":"edited".*"attempts":5'
hup "delivery goes on: SIGHUP" || fail "then SIGHUP"
is "$(rcpt in-place .attempts)" 5 "and it holds"

# Nobody has to pause for it.
look . >/dev/null
edit '.messages[].rcpts[].attempts = 6'
ok "an edit of a running spoold" hup "$taken: 1 message changed"
is "$(rcpt in-place .attempts)" 6 "is taken over"

# ---- what is no edit ---------------------------------------------------

# refused FILTER-OR-TEXT WHY
refused() {
	printf '%s' "$1" >"$status"
	ok "refused: $2" hup "is not taken over: $2"
	is "$(count 'delivery goes on')" "$resumed" "and it stays paused"
}
paused
resumed=$(count 'delivery goes on')
cp "$status" "$dir/good"
refused '' 'line 1: the file ends too early'
refused '{"version":1,"seq":1,' 'line 1: '
refused "$(head -c 400 "$dir/good")" 'line 1: the file ends too early'
refused '{"version":1,"messages":[]}' 'line 1: no status'
refused '{"version":2,"seq":1,"messages":[]}' 'line 1: no status'
refused '{"version":1,"seq":999999,"messages":[]}' \
    'it is not this spool'
refused "$(jq '.messages = [] | .spool_id |= (.[1:] + .[:1])' \
    "$dir/good")" "it is not this spool's: its \"spool_id\" is another one"
refused "$(jq '.messages = [] | del(.spool_id)' "$dir/good")" \
    "it is not this spool's: its \"spool_id\" is missing"
refused "$(jq '.messages[].rcpts[].attempts = "many"' "$dir/good")" 'line '
refused "$(jq '.messages[].state = "lost"' "$dir/good")" 'line '
refused "$(jq 'del(.messages[].rcpts)' "$dir/good")" 'line '
jq '.messages[].rcpts[].attempts = 9' "$dir/good" >"$dir/elsewhere"
ln -sf "$dir/elsewhere" "$status"
ok "a link is not followed" hup "is not taken over: it is no regular file"
is "$(count 'delivery goes on')" "$resumed" "and it stays paused"
if [ "$(id -u)" -eq 0 ]; then
	jq '.messages = []' "$dir/good" >"$dir/edited"
	chown 65534 "$dir/edited"
	mv "$dir/edited" "$status"
	ok "another user's is not used" hup \
	    "is not taken over: it belongs to another user"
	is "$(count 'delivery goes on')" "$resumed" "and it stays paused"
	ok "nothing is dropped" queue_has 1
else
	skip "another user's file" "not root"
fi
rm "$status"
jq '.messages = []' "$dir/good" >"$status"
chmod 666 "$status"
ok "nor one for everybody to write" hup "is not taken over: everybody"
is "$(count 'delivery goes on')" "$resumed" "and it stays paused"
rm "$status"
cp "$dir/good" "$status"
ok "one that is in order ends it" hup "delivery goes on: SIGHUP"
is "$(rcpt in-place .attempts)" 6 "nothing of all that was taken over"
ok "and the message is there" queue_has 1
mkfifo "$status.edited"
ok "what is no file beside it is complained of" hup \
    "'.status.json.edited' is not taken over: it is no regular file"
ok "once: it is out of the way" wait_for 10 test -p "$status.edited.refused"
rm "$status.edited.refused"

# ---- what is newer than the edit ---------------------------------------

# In flight, with an edit that knows nothing of it.
look . >/dev/null
cp "$status" "$dir/old"
send_simple slow@x.test inflight@y.test
ok "a message is on its way" wait_for 10 has_line "$smtpd_log" \
    'C: RCPT TO:<inflight'
cp "$dir/old" "$status"
ok "an edit from before" hup "$taken: 0 messages changed, 0 dropped"
kill -USR1 "$spoold_pid"
ok "it is in the status" wait_for 10 has_line "$status" 'inflight@y.test'
jq '(.messages[].rcpts[] | select(.rcpt == "inflight@y.test"))
    |= (.state = "dropped" | del(.active))' "$status" >"$dir/edited"
mv "$dir/edited" "$status"
ok "one that drops it" hup "$taken: 0 messages changed, 0 dropped"
look . >/dev/null
edit 'del(.messages[] | select(.rcpts[0].rcpt == "inflight@y.test"))'
ok "and one that removes it" hup "$taken: 0 messages changed, 0 dropped"
# Nor is it brought back by what is older than its delivery.
look . >/dev/null
cp "$status" "$dir/old"
touch "$dir/go"
ok "it is delivered" wait_for 10 has_messages 1
ok "and gone" wait_for 10 queue_has 1
cp "$dir/old" "$status"
ok "an edit that has it still" hup "0 dropped, 0 recipients dropped; 1 left"
is "$(queued) $(messages_to inflight@y.test)" "1 1" "it was sent once"

# A hold after the file was written is not undone by it.
paused
is "$(control "hold $(id_of in-place@busy.test)")" \
    "ok $(id_of in-place@busy.test) held
end" "an operator holds a message"
edit '.messages[].rcpts[].attempts = 1'
ok "an edit that does not know it" hup "0 messages changed, 0 dropped"
is "$(queued hold)" 1 "it is held"
control "release $(id_of in-place@busy.test)" >/dev/null

# ---- an edit that nobody asked to read ---------------------------------

paused
edit '.messages[].rcpts[].attempts = 8'
ok "spoold is stopped" stop_spoold
ok "the edit is kept, which is said" has_line "$spoold_log" \
    "'.status.json' was edited: the edit is kept as '.status.json.edited'"
start_spoold "${relay[@]}"
ok "the next one says so too" has_line "$spoold_log" \
    "is kept in '.status.json.edited': SIGHUP"
is "$(rcpt in-place .attempts)" 6 "but waits to be told"
ok "by SIGHUP" hup "'.status.json.edited' $taken: 1 message changed"
is "$(rcpt in-place .attempts)" 8 "it is taken over"
ok "and gone" test ! -e "$status.edited"

# Killed while the operator edits: the next spoold goes by what was so.
paused
edit 'del(.messages[])'
kill_spoold
n=$(count "kept in '.status.json.edited'")
start_spoold "${relay[@]}"
is "$(rcpt in-place .attempts)" 8 "after a crash the message is as it was"
ok "which it says" wait_for 10 says $((n + 1)) "kept in '.status.json.edited'"
paused
cat "$status.edited" >"$status"
printf x >>"$status"
rm "$status.edited"
kill_spoold
start_spoold "${relay[@]}"
is "$(rcpt in-place .attempts)" 8 "also if it was written in place"
unlike "$(<"$spoold_log")" "status is damaged" "and is no JSON"
rm "$status.edited"
is_alone() {
	[ "$(echo "$spool"/.status.json*)" = "$spool/.status.json" ]
}
# Another one may be being written.
ok "nothing else is left" wait_for 10 is_alone

# ---- the copy ----------------------------------------------------------

stop_spoold || fail "it stops"
start_spoold "${relay[@]}" --json "$dir/copy.json"
ok "there is a copy" wait_for 10 test -e "$dir/copy.json"
paused
jq '.messages[].rcpts[].attempts = 11' "$dir/copy.json" >"$dir/edited"
mv "$dir/edited" "$dir/copy.json"
ok "it is edited" hup "copy.json' $taken: 1 message changed"
is "$(rcpt in-place .attempts)" 11 "and taken over"
ok "the copy tells of it" wait_for 10 eval \
    "[ \"\$(jq '.messages[].rcpts[].attempts' '$dir/copy.json')\" = 11 ]"

# Another spool's lies there: for all that we know, its mail is ours.  (Ours is
# not written meanwhile.)
paused
spool_id=$(jq -r .spool_id "$status")
(
	spool=$dir/other
	spoold_log=$dir/other.log
	make_spool
	run_spoold --once --json "$dir/copy.json"
)
is "$(jq '.messages | length' "$dir/copy.json")" 0 \
    "another spool writes the same copy"
ok "that is no edit" hup "copy.json' is not taken over: it is not this spool's"
ok "nothing is dropped" queue_has 1
cp "$dir/copy.json" "$dir/elsewhere.json"
printf 'json = "%s"\n' "$dir/elsewhere.json" >>"$config"
stop_spoold || fail "it stops in order"
start_spoold "${relay[@]}"
is "$(look .spool_id)" "$spool_id" "the spool's id lasts"
ok "the copy is written there" wait_for 10 grep -q "$spool_id" \
    "$dir/elsewhere.json"
# What lies where the copy comes from now on was not written by us.
sed -i 's/elsewhere.json/third.json/' "$config"
jq '.messages = []' "$dir/elsewhere.json" >"$dir/third.json"
n=$(count 'was read again')
kill -HUP "$spoold_pid"
ok "the copy's place is another one" wait_for 10 says $((n + 1)) \
    'was read again'
ok "it is written there" wait_for 10 eval \
    '[ "$(jq ".messages | length" "$dir/third.json")" = 1 ]'
ok "what was there is no edit" queue_has 1
control "drop $(id_of in-place@busy.test)" >"$dir/drop.log"
is "$(queued)" 0 "the queue is empty"
stop_spoold || fail "it stops in order"
done_testing
