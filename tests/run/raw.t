#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Raw messages: files that programs put at the top of the spool, in the ways
# that programs have.

TEST_TIMEOUT=240
. "${srcdir:?}/tests/run/lib.sh"

need python3 python3
make_spool
start_smtpd
relay=(--relay "127.0.0.1:$smtpd_port" --tls none)

# letter NAME [FIELD...]: a message from NAME@x.test to NAME@y.test
letter() {
	local name=$1
	shift
	printf '%s\n' "From: Ann <$name@x.test>" "To: $name@y.test" "$@" \
	    "Subject: $name" "" "body of $name" "last line"
}

# arrived NAME: how often
arrived() {
	messages_to "$1@y.test"
}

# of NAME: the envelope's and the message's file
of() {
	grep -lsF "rcpt <$1@y.test>" "$smtpd_out"/*.env | head -n 1
}

# has_arrived NAME: whole, for its envelope is there before it
has_arrived() {
	local env
	env=$(of "$1")
	[ -n "$env" ] && [ -e "${env%env}eml" ]
}

# last_line NAME: of its message
last_line() {
	local env
	env=$(of "$1")
	tail -n 1 "${env%env}eml" | tr -d '\r'
}

# top: what lies at the top of the spool, and has no dot
top() {
	find "$spool" -maxdepth 1 ! -type d ! -name '.*' -printf '%f\n' |
		sort | xargs
}

claimed() {
	find "$spool" -maxdepth 1 -name '.raw.*' | wc -l
}

is_taken() { # NAME
	[ ! -e "$spool/$1" ] && [ ! -L "$spool/$1" ]
}

# ---- at the start, and by rename, link, writing ----------------------------

letter before >"$spool/before.eml"
start_spoold "${relay[@]}"
ok "what lay there before the start arrives" wait_for 15 has_arrived before
is "$(grep -c "^mail <before@x.test>" "$(of before)")" 1 \
    "from the address in From"

letter moved >"$spool/.moved"
mv "$spool/.moved" "$spool/moved"
ok "a file that is moved there arrives" wait_for 15 has_arrived moved
letter written >"$spool/written"
ok "a file that is written there arrives" wait_for 15 has_arrived written
ok "and is gone" wait_for 5 is_taken written
letter "crlf" | sed 's/$/\r/' >"$spool/name with 'blanks' and $(printf '\a')"
ok "CRLF lines, and a strange name" wait_for 15 has_arrived crlf
is "$(tail -n 2 "$(of crlf | sed 's/env$/eml/')" | tr -d '\r' | xargs)" \
    "body of crlf last line" "with its body as it was"
like "$(cat "$smtpd_out"/*.eml)" 'Message-Id: <' "a Message-Id is added"
unlike "$(cat "$spool"/.journal*)" $'\a' "the name does no harm in the journal"

# The way of django-spoolgore: tmp/NAME, link, fsync, unlink.
cat >"$dir/django.py" <<'PY'
import os, sys
spool, name, text = sys.argv[1], sys.argv[2], sys.stdin.buffer.read()
tmp = os.path.join(spool, "tmp", name)
with open(tmp, "wb") as f:
    f.write(text)
    f.flush()
    os.fsync(f.fileno())
os.link(tmp, os.path.join(spool, name))
fd = os.open(spool, os.O_RDONLY)
os.fsync(fd)
os.close(fd)
os.unlink(tmp)
PY
for i in 1 2 3 4 5 6 7 8 9; do
	letter "django$i" | python3 "$dir/django.py" "$spool" "$i.eml" ||
	    fail "django's program works"
done
ok "tmp/NAME, link, fsync, unlink: arrives" \
    wait_for 15 eval '[ "$(cat "$smtpd_out"/*.env | grep -c django)" -ge 18 ]'
is "$(cat "$smtpd_out"/*.env | grep -c '^rcpt <django')" 9 "exactly once each"
is "$(ls "$spool/tmp")" "" "tmp/ is empty again"

# One whose file keeps its second name, open at that.
letter linked >"$spool/tmp/linked"
exec {held}>>"$spool/tmp/linked"
ln "$spool/tmp/linked" "$spool/linked"
letter after-linked >"$spool/after-linked"
ok "others do not wait" wait_for 15 has_arrived after-linked
is "$(arrived linked)" 0 "for one that somebody has open"
exec {held}>&-
ok "closed, it arrives" wait_for 15 has_arrived linked
ok "its other name stays" test -e "$spool/tmp/linked"

# ---- slow writers ----------------------------------------------------------

cat >"$dir/slow.py" <<'PY'
import sys, time
with open(sys.argv[1], "wb", buffering=0) as f:
    for line in sys.stdin.buffer:
        f.write(line)
        if line.startswith(b"Subject"):
            time.sleep(float(sys.argv[2]))
    f.write(b"the very end\n")
PY
letter slow | python3 "$dir/slow.py" "$spool/slow" 6.5 &
writer=$!
# aldur's tests write in place, and then signal.
letter aldur >"$spool/aldur"
kill -URG "$spoold_pid"
ok "in place, then SIGURG: arrives" wait_for 15 has_arrived aldur
for i in 1 2 3 4; do
	kill -URG "$spoold_pid"
	pause 0.5
done
wait "$writer"
ok "a slow writer's message arrives" wait_for 15 has_arrived slow
is "$(arrived slow) $(last_line slow)" \
    "1 the very end" "once, and whole"

: >"$spool/empty"
# A shell opens the file for each line.
for i in 1 2 3 4 5 6; do
	case $i in
	1) letter shell >>"$spool/shell" ;;
	*) echo "line $i" >>"$spool/shell" ;;
	esac
done
ok "a file that is opened again and again arrives" \
    wait_for 15 has_arrived shell
is "$(arrived shell) $(last_line shell)" \
    "1 line 6" "once, and whole"
ok "an empty file is waited for" test -e "$spool/empty"
letter empty >>"$spool/empty"
ok "for it may get a content" wait_for 15 has_arrived empty

# ---- recipients ------------------------------------------------------------

letter many "Cc: cc@y.test, \"B, ob\" <cc2@y.test>" "Bcc: bcc@y.test" \
    "Resent-To: resent@y.test" "X-Folded: a" " b" >"$spool/many"
ok "To, Cc and Bcc" wait_for 15 has_arrived bcc
is "$(grep -c '^rcpt' "$(of many)")" 4 "are its recipients, nobody else"
unlike "$(cat "$(of many | sed 's/env$/eml/')")" 'Bcc|bcc@' "Bcc is removed"
like "$(cat "$(of many | sed 's/env$/eml/')")" $'X-Folded: a\r\n b\r\n' \
    "and the rest stays"
printf '%s\n' 'From: two@x.test, three@x.test' 'To: first@y.test' '' b \
    >"$spool/first"
ok "of several authors" wait_for 15 has_arrived first
like "$(cat "$(of first)")" 'two@x.test' "the first is the sender"

# ---- what is no message ----------------------------------------------------

# damaged NAME REGEX LABEL: it is set aside, with that reason
damaged() {
	ok "$3 is set aside" wait_for 20 test -e "$spool/failed/$1.damaged.why"
	like "$(cat "$spool/failed/$1.damaged.why")" "$2" "$3: why"
	ok "$3: with its content" test -s "$spool/failed/$1.damaged"
}
printf 'From: a@x.test\nSubject: x\n\nb\n' >"$spool/nobody"
damaged nobody 'no recipients in To, Cc or Bcc' "without recipients, a file"
printf 'To: a@y.test\nSubject: x\n\nb\n' >"$spool/nosender"
damaged nosender 'no From field' "without From, a file"
printf 'From: <>\nTo: a@y.test\nSubject: x\n\nb\n' >"$spool/nullsender"
damaged nullsender 'From field has no address' "with an empty From, a file"
printf 'From: a@x.test\nTo: "unclosed\n\nb\n' >"$spool/unparsable"
damaged unparsable 'bad recipient in To' "with a bad To, a file"
head -c 3000 /dev/zero >"$spool/core"
damaged core 'From' "without a header, a file"
ok "the journal has each of them" wait_for 10 has_events 5 damaged
is "$(events damaged)" 5 "once"
is "$(grep -c "moved 'nobody'" "$spoold_log")" 1 "and so has the log"

# ---- what is no file -------------------------------------------------------

mkfifo "$spool/fifo"
letter secret >"$dir/secret"
ln -s "$dir/secret" "$spool/symlink"
ln -s nowhere "$spool/dangling"
ln -s ../spool "$spool/loop"
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$spool/socket"
others="dangling fifo loop socket symlink"
if mknod "$spool/device" c 1 3 2>/dev/null; then
	others="dangling device fifo loop socket symlink"
fi
mkdir "$spool/folder"
letter folder >"$spool/folder/inside"
letter dot >"$spool/.dot"
letter beside >"$spool/beside"
ok "beside FIFOs, links, sockets and devices" wait_for 15 has_arrived beside
kill -URG "$spoold_pid"
letter beside2 >"$spool/beside2"
ok "messages go on" wait_for 15 has_arrived beside2
all_told() {
	[ "$(grep -c 'is left alone' "$spoold_log")" -ge \
	    "$(wc -w <<<"$others")" ]
}
wait_for 10 all_told
is "$(top)" "$others" "and they stay where they are"
is "$(arrived secret)$(arrived dot)$(arrived folder)" 000 \
    "no link is followed, no dot file or folder read"
is "$(grep -c 'is left alone' "$spoold_log")" "$(wc -w <<<"$others")" \
    "each is told of once"
find "$spool" -maxdepth 1 ! -type d ! -name '.*' -delete
rm -r "$spool/folder" "$spool/.dot"

# ---- who -------------------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
	letter owner >"$spool/.owner"
	chown 12345 "$spool/.owner"
	mv "$spool/.owner" "$spool/owner"
	ok "another user's file arrives" wait_for 15 has_arrived owner
	like "$(grep -h owner@ "$spool"/.journal*)" '"uid":12345' \
	    "as submitted by its owner"
else
	skip "another user's file" "not root"
fi

# ---- dropped before it is taken --------------------------------------------

stop_spoold || fail "spoold stops"
letter dropped >"$spool/dropped"
rm "$spool/dropped"
letter kept >"$spool/kept"
fails 0 "--drain takes raw messages, too" run_spoold --drain "${relay[@]}"
is "$(arrived kept) $(arrived dropped) $(top)" "1 0 " "all that are there"
letter once1 >"$spool/once1"
fails 0 "and so does --once" run_spoold --once "${relay[@]}"
is "$(arrived once1) $(top)" "1 " "completely"
letter held >"$spool/held"
exec {held}>>"$spool/held"
fails 75 "--once does not wait for one that is being written" \
    run_spoold --once "${relay[@]}"
is "$(top)" held "which stays"
exec {held}>&-
fails 0 "closed, it is sent" run_spoold --once "${relay[@]}"
is "$(arrived held) $(claimed)" "1 0" "once"

# ---- what is spoold's own --------------------------------------------------

# The copy of the status, with the names that it can get.
letter kept-edit >"$spool/status.json.edited.refused"
letter alike >"$spool/status.json.eml"
start_spoold --json "$spool/status.json" "${relay[@]}"
ok "a copy of the status among them" wait_for 15 test -s "$spool/status.json"
ok "one with a name like it arrives" wait_for 15 has_arrived alike
# (The number alone may be that of one before it again.)
before=$(stat -c '%i %y' "$spool/status.json")
is_new() {
	[ "$(stat -c '%i %y' "$spool/status.json")" != "$before" ]
}
letter another >"$spool/another"
ok "and so do others" wait_for 15 has_arrived another
kill -USR1 "$spoold_pid"
ok "it is written again" wait_for 15 is_new
kill -URG "$spoold_pid"
letter later >"$spool/later"
ok "after another look at all" wait_for 15 has_arrived later
is "$(top)" "status.json status.json.edited.refused" "it stays, as do its edits"
is "$(find "$spool/failed" -name "*status*")" "" "and is no message"
ok "spoold stops" stop_spoold
rm "$spool/status.json.edited.refused" "$spool/status.json"

# ---- claimed, and removed --------------------------------------------------

letter lost >"$spool/.raw.0000ABCDEF.lost"
exec {held}>>"$spool/.raw.0000ABCDEF.lost"
letter seen >"$spool/seen"
start_spoold "${relay[@]}"
ok "at its start spoold looks at all" wait_for 15 has_arrived seen
rm "$spool/.raw.0000ABCDEF.lost"
ok "one that was removed after it was claimed is told of" \
    wait_for 15 has_line "$spoold_log" "'lost' .*was removed before"
exec {held}>&-
letter lost >"$spool/lost"
ok "and forgotten" wait_for 15 has_arrived lost
ok "spoold stops" stop_spoold

# ---- many ------------------------------------------------------------------

mkdir "$dir/many"
for ((i = 0; i < 2000; i++)); do
	printf 'From: s@x.test\nTo: n%d@y.test\n\nnumber %d\n' "$i" "$i" \
	    >"$dir/many/n$i"
done
mv "$dir/many" "$spool/tmp/many"
before=$(count_messages)
start_spoold "${relay[@]}"
for ((i = 0; i < 2000; i += 500)); do
	(cd "$spool/tmp/many" && find . -name "n*" -type f -printf '%f\n' |
		head -n 500 | xargs mv -t ../..)
done
ok "2000 at once arrive" wait_for 100 has_messages $((before + 2000))
is "$(cat "$smtpd_out"/*.env | grep -c '^rcpt <n[0-9]*@')" 2000 "once each"
is "$(top)$(claimed)" 0 "and nothing is left"
rmdir "$spool/tmp/many"
ok "spoold stops" stop_spoold
ok "smtpd ends in order" stop_smtpd
# ---- a spool of somebody else's: what root drops there ---------------------

# in_queue NAME: how many messages of that name's are there, whole
in_queue() {
	cat "$spool"/queue/* 2>/dev/null | grep -ac "^rcpt $1@y.test"
}

is_queued() {
	[ "$(in_queue "$1")" -ge 1 ]
}

# as_owner COMMAND...
as_owner() {
	setpriv --reuid=12345 --regid=12345 --clear-groups "$@"
}

if [ "$(id -u)" -eq 0 ] && as_owner true 2>/dev/null; then
	spool=$dir/other
	make_spool
	chown -R 12345:12345 "$spool"
	chmod 0711 "$dir"
	umask 022
	letter early >"$spool/early"
	start_spoold --freq 1
	# Open, and silent for longer than what counts as quiet.
	exec {slow}>"$spool/old-slow"
	letter old-slow >&"$slow"
	opened=$(now)
	letter closed >"$spool/closed"
	ok "root's file in another user's spool" wait_for 15 is_queued closed
	letter own | as_owner sh -c 'cat >"$1/own"' sh "$spool"
	ok "the user's own" wait_for 15 is_queued own
	ok "one of before the start, when it has been quiet" \
	    wait_for 20 is_queued early
	(umask 077 && letter private >"$spool/private")
	ok "one that cannot be read is told of" \
	    wait_for 15 has_line "$spoold_log" "cannot take 'private'.*denied"
	chmod 644 "$spool/private"
	ok "and taken when it can be" wait_for 15 is_queued private
	is "$(grep -c "cannot take 'private'" "$spoold_log")" 1 "told once"
	is_quiet() {
		[ $(($(now) - opened)) -gt 7000000 ]
	}
	wait_for 10 is_quiet
	is "$(in_queue old-slow)" 0 "one that root has open is waited for"
	echo 'the very end' >&"$slow"
	exec {slow}>&-
	ok "until it is closed" wait_for 15 is_queued old-slow
	is "$(cat "$spool"/queue/* | grep -ac '^the very end')" 1 "and whole"
	# Where its other name goes before spoold has seen that there were two,
	# the silence of somebody who has made it has to be waited for.
	letter linked2 | python3 "$dir/django.py" "$spool" linked2
	ok "one that root linked there" wait_for 80 is_queued linked2
	is "$(for name in early closed own linked2 private old-slow; do
		in_queue "$name"
	done | xargs)" "1 1 1 1 1 1" "each is there once"
	is "$(find "$spool/queue" -type f -uid 12345 | wc -l)" 6 \
	    "in files of the spool's owner"
	ok "spoold stops" stop_spoold
else
	skip "another user's spool" "not root"
fi
done_testing
