#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq import: the queues of other mailers, written by hand and by the
# mailers themselves; what is left where it is; killed at every step, and
# nothing is lost or doubled.

TEST_TIMEOUT=${TEST_TIMEOUT:-240}
. "${srcdir:?}/tests/run/lib.sh"

make_spool
echo 'relay = "127.0.0.1:1"' >>"$config"
chmod 755 "$dir"

# new_queue NAME SUBDIR...: an empty one in $q
new_queue() {
	q=$dir/$1
	rm -rf "$q"
	mkdir -p "$q"
	shift
	[ $# -eq 0 ] || (cd "$q" && mkdir "$@")
}

# import ARGS...: its output in $out, its exit status is the result
import() {
	out=$(spoolq import "$@" 2>&1)
}

# raw N: message number N of the queue as it leaves
raw() {
	spoolq show --raw "$(ls "$spool/queue" | sed -n "$1p")"
}

# to_whom: all recipients in the queue, sorted
to_whom() {
	spoolq list --json 2>/dev/null |
	    grep -o '"address": *"[^"]*"' | cut -d'"' -f4 | sort | paste -sd' '
}

# files PATTERN: how many such there are in $q
files() {
	find "$q" -maxdepth 1 -type f -name "$1" | wc -l
}

empty_spool() {
	rm -rf "$spool"
	make_spool
}

# ---- the command line ----------------------------------------------------

fails 64 "import of nothing" import
is "${out%%$'\n'*}" "spoolq: which format and directory?" "what is missing"
fails 64 "import of nowhere" import dma
fails 64 "of an unknown format" import $'x\33[2J' "$dir"
is "${out%%$'\n'*}" "spoolq: 'x\\x1B[2J' is none of nullmailer, dma, msmtpq, \
spoolgore and postfix-maildrop" "which is shown harmless"
for path in "$config" "$dir/none"$'\33[2J'; do
	fails 66 "import: no directory" import dma "$path"
	unlike "$out" $'\33' "whose path is shown harmless"
done
like "$out" 'none\\x1B\[2J' "and shown"
for command in 'report --html' 'metrics --textfile'; do
	# shellcheck disable=SC2086
	fails 73 "$command: no such directory" \
	    spoolq $command "$dir/none"$'\33[2J/x' 2>"$dir/err"
	is "$(<"$dir/err")" "spoolq: cannot write '$dir/none\\x1B[2J/x': No such \
file or directory" "the path is shown harmless"
done

# ---- nullmailer ----------------------------------------------------------

new_queue nullmailer queue failed
printf '%s\n' ann@x.test bob@y.test cy@z.test '' 'Subject: one' \
    'Bcc: hidden@z.test' '' hello >"$q/queue/1.1"
printf '%s\n' '' bob@y.test '' 'Subject: two' '' hello >"$q/queue/2.1"
printf '%s\n' ann@x.test bob@y.test >"$q/queue/3.1"
printf '%s\n' ann@x.test bob@y.test '' 'Subject: old' '' old >"$q/failed/9.1"
touch -d '2026-01-02 03:04:05 UTC' "$q/queue/1.1"

fails 65 "a dry run, one of three is torn" import --dry-run nullmailer "$q"
like "$out" '1\.1: would be queued, from ann@x\.test to bob@y\.test \+1' \
    "dry run: what would be"
like "$out" '3\.1: left where it is: has no end' "dry run: the torn one"
like "$out" '2 messages would be imported, 1 left' "dry run: in sum"
is "$(queued) $(ls "$q/queue" | wc -l) $(ls -A "$spool" | wc -l)" "0 3 4" \
    "dry run: nothing is changed"

fails 65 "kept" import --keep nullmailer "$q"
is "$(queued) $(ls "$q/queue" | wc -l)" "2 3" "kept: in both queues"
fails 65 "kept, again" import --keep nullmailer "$q"
like "$out" '1\.1: was imported before, and is kept' "kept, again: said so"
like "$out" '0 messages imported, 2 imported before, 1 left' \
    "kept, again: in sum"
is "$(queued)" 2 "kept, again: not doubled"
fails 65 "kept, a dry run" import -n nullmailer "$q"
like "$out" '0 messages would be imported, 2 imported before' \
    "kept, a dry run: it knows"
fails 65 "drained later" import nullmailer "$q"
is "$(queued) $(ls "$q/queue")" "2 3.1" "drained later: removed, not doubled"
ok "nothing is left of it" test ! -e "$spool/.import"

is "$(to_whom)" "bob@y.test bob@y.test cy@z.test" "nullmailer: recipients"
unlike "$(raw 1)" 'hidden' "nullmailer: no Bcc"
like "$(raw 1)" 'Subject: one' "nullmailer: header"
like "$(raw 1)" 'hello' "nullmailer: text"
like "$(spoolq list --json 2>/dev/null | head -1)" \
    '"arrival_time": *1767323045[,.]' "nullmailer: the time of arrival"
like "$(spoolq list --json 2>/dev/null | sed -n 2p)" '"null_sender": *true' \
    "nullmailer: the null sender"

ok "what was given up is asked for" import --failed nullmailer "$q"
is "$(queued) $(ls "$q/failed" | wc -l)" "3 0" "what was given up is there"

empty_spool
new_queue nullmailer queue
printf '%s\n' ann@x.test bob@y.test '' 'Subject: one' '' hello >"$q/queue/1"
mkfifo "$q/trigger"
exec {reader}<>"$q/trigger"
fails 75 "nullmailer-send is running" import nullmailer "$q"
like "$out" 'nullmailer-send is running' "nullmailer-send: said so"
exec {reader}>&-
ok "it is not any more" import nullmailer "$q/queue"
is "$(queued)" 1 "its queue/ may be named, too"

# ---- dma -----------------------------------------------------------------

empty_spool
new_queue dma
printf '%s\n' 'Subject: one' '' hello >"$q/M1a"
for name in b c d; do
	printf '%s\n' 'ID: 1a' 'Sender: ann@x.test' "Recipient: $name@y.test" \
	    >"$q/Q1a.$name"
done
printf '%s\n' 'ID: 2a' 'Sender: ann@x.test' 'Recipient: b@y.test' >"$q/Q2a.b"
exec {locked}<"$q/Q1a.d"
flock "$locked"
fails 65 "dma" import dma "$q"
like "$out" 'Q1a\.d: left where it is: dma is just sending it' "dma: locked"
like "$out" "Q2a\\.b: left where it is: cannot open 'M2a'" "dma: no message"
is "$(to_whom)" "b@y.test c@y.test" "dma: two recipients"
is "$(cd "$q" && echo *)" "M1a Q1a.d Q2a.b" \
    "dma: the message stays for the third"
exec {locked}<&-
rm "$q/Q2a.b"
ok "dma: all of it" import dma "$q"
is "$(queued) $(ls "$q" | wc -l)" "3 0" "dma: and nothing is left"

# ---- msmtpq --------------------------------------------------------------

# put_msmtpq ID ARGUMENTS
put_msmtpq() {
	printf '%s\n' 'From: Ann <ann@x.test>' 'To: bob@y.test' \
	    'Bcc: cy@z.test' '' hello >"$q/$1.mail"
	echo "$2" >"$q/$1.msmtp"
}

empty_spool
new_queue msmtpq
put_msmtpq 1 '-oi -a work -f ann@x.test -t'
put_msmtpq 2 '--from=ann@x.test --user ann -- d@y.test e@y.test'
put_msmtpq 3 '-C /etc/msmtprc -t f@y.test'
put_msmtpq 4 '-f ann@x.test'
echo '-t' >"$q/5.msmtp"
mkdir "$q/.lock"
fails 75 "msmtpq is at work" import msmtpq "$q"
like "$out" 'msmtpq is at work' "msmtpq is at work: said so"
rmdir "$q/.lock"
fails 65 "msmtpq" import msmtpq "$q"
like "$out" '4\.msmtp: left where it is: .*no recipients' "msmtpq: for nobody"
like "$out" "5\\.msmtp: left where it is: cannot open '5\\.mail'" \
    "msmtpq: no message"
is "$(to_whom)" "bob@y.test bob@y.test cy@z.test cy@z.test d@y.test e@y.test\
 f@y.test" "msmtpq: recipients, with -t those of the header"
unlike "$(raw 1)$(raw 2)$(raw 3)" 'Bcc' "msmtpq: no Bcc"
is "$(ls -A "$q" | paste -sd' ')" "4.mail 4.msmtp 5.msmtp" \
    "msmtpq: what is left, and no lock"

# ---- Spoolgore -----------------------------------------------------------

empty_spool
new_queue spoolgore tmp
for name in m1 m2 m3; do
	printf '%s\n' 'From: Ann <ann@x.test>, Al <al@x.test>' \
	    'To: bob@y.test' 'Cc: d@y.test,' ' e@y.test' 'Bcc: cy@z.test' \
	    '' hello >"$q/$name"
done
printf '%s\n' 'Subject: nobody' '' hello >"$q/m4"
rcpt() { # ADDRESS STATUS
	printf '{"Address":"%s","Status":%s,"Attempts":3,"Error":""}' "$@"
}
printf '{"%s":{"From":"ann@x.test","To":[%s],"Cc":[%s,%s],"Bcc":[%s]},
    "%s":{"From":"ann@x.test","To":[%s],"Cc":[],"Bcc":[]}}' \
    "$q/m2" "$(rcpt bob@y.test 2)" "$(rcpt d@y.test 0)" "$(rcpt e@y.test 1)" \
    "$(rcpt cy@z.test 2)" "$q/m3" "$(rcpt bob@y.test 2)" >"$q/.spoolgore.js"
exec {writer}>>"$q/m1"
fails 65 "Spoolgore" import spoolgore "$q"
like "$out" 'm1: left where it is: is still being written' \
    "Spoolgore: being written"
like "$out" 'm3: left where it is: each of its recipients was served' \
    "Spoolgore: nobody is left"
like "$out" 'm4: left where it is: has no sender' "Spoolgore: from nobody"
is "$(to_whom)" "d@y.test e@y.test" "Spoolgore: those that were not served"
exec {writer}>&-
fails 65 "Spoolgore: written" import spoolgore "$q"
is "$(to_whom)" "bob@y.test cy@z.test d@y.test d@y.test e@y.test e@y.test" \
    "Spoolgore: To, Cc and Bcc"
like "$(spoolq list --json 2>/dev/null | head -1)" '"sender": *"ann@x.test"' \
    "Spoolgore: the first From"
is "$(cd "$q" && echo *)" "m3 m4 tmp" "Spoolgore: what is left"
echo '{' >"$q/.spoolgore.js"
fails 65 "Spoolgore: its status is torn" import spoolgore "$q"
is "$(queued)" 2 "Spoolgore: nothing is sent twice for that"

new_queue spoolgore
for name in m1 m2 m3 m4; do
	printf '%s\n' 'From: ann@x.test' 'To: bob@y.test' '' hello >"$q/$name"
done
empty_spool
printf '{"/x/m1":{"To":[{"Address":null,"Status":0}]},"/x/m2":null,
    "/x/m3":{"To":[7],"Cc":null},"/y/z":{}}' >"$q/.spoolgore.js"
fails 65 "Spoolgore: odd values" import spoolgore "$q"
is "$(grep -c 'm[13]: .*has no address in' <<<"$out")" 2 \
    "Spoolgore: addresses that are none"
like "$out" 'm2: left where it is: is no object' "Spoolgore: no entry"
is "$(cd "$q" && echo *) $(queued)" "m1 m2 m3 1" "Spoolgore: the good one"
rm "$q"/*
# It runs there, and calls its directory by a name of its own.
(cd "$dir" && exec -a spoolgore perl -e 'sleep 60' spoolgore) &
pid=$!
is_spoolgore() {
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = \
	    "spoolgore -e sleep 60 spoolgore " ]
}
wait_for 10 is_spoolgore
fails 75 "Spoolgore is running" import spoolgore "$q"
new_queue elsewhere
ok "Spoolgore is running elsewhere" import spoolgore "$q"
kill "$pid"
wait "$pid" 2>/dev/null
ok "Spoolgore is not running" import spoolgore "$dir/spoolgore"

# ---- Postfix, by hand ----------------------------------------------------

record() { # TYPE TEXT (short)
	# shellcheck disable=SC2059 # the length is a character
	printf "$1\\x$(printf %x ${#2})%s" "$2"
}

put_maildrop() { # NAME RECORDS...
	local name=$1
	shift
	"$@" >"$q/maildrop/$name"
	chmod 744 "$q/maildrop/$name"
}

good_records() {
	record T "1767323045 250000"
	record S ann@x.test
	record A notify_flags=4
	record R bob@y.test
	record M ''
	record N 'Subject: one'
	record N ''
	record L 'a long '
	record N line
	record X ''
	record R cy@z.test
	record E ''
}

torn_records() {
	good_records | head -c 60
}

foreign_records() {
	record C "   12  12"
	good_records
}

empty_spool
new_queue postfix maildrop pid
put_maildrop 1 good_records
put_maildrop 2 torn_records
put_maildrop 3 foreign_records
put_maildrop 4 good_records
chmod 600 "$q/maildrop/4"
fails 65 "maildrop" import postfix-maildrop "$q"
like "$out" '2: left where it is: is not whole' "maildrop: torn"
like "$out" "3: left where it is: is of another of Postfix" \
    "maildrop: another queue's"
like "$out" '4: left where it is: is being written' "maildrop: not ready"
is "$(to_whom)" "bob@y.test cy@z.test" "maildrop: recipients"
like "$(raw 1)" 'a long line' "maildrop: text"
like "$(spoolq list --json 2>/dev/null | head -1)" \
    '"arrival_time": *1767323045[,.]' "maildrop: the time of arrival"
like "$(tr -d '\0' <"$spool/queue/$(ls "$spool/queue")" | head -12)" \
    'rcpt bob@y.test NOTIFY=FAILURE' "maildrop: what the sender wants to know"
: >"$q/pid/master.pid"
exec {locked}<"$q/pid/master.pid"
flock "$locked"
fails 75 "Postfix is running" import postfix-maildrop "$q"
if [ "$(id -u)" -eq 0 ]; then
	chmod 600 "$q/pid/master.pid"
	chown -R 65534:65534 "$q/maildrop"
	ASAN_OPTIONS=detect_leaks=0 \
	    fails 75 "Postfix is running, root alone sees that" \
	    import postfix-maildrop "$q"
	like "$out" 'Postfix is running' "root alone sees that: said so"
fi
exec {locked}<&-
ln -sf nowhere "$q/pid/master.pid"
fails 75 "whether Postfix is running is not known" import postfix-maildrop "$q"
like "$out" 'cannot find out whether Postfix is running' "not known: said so"

# ---- what cannot be ------------------------------------------------------

fails 64 "an unknown format" import sendmail "$q"
fails 64 "no directory" import dma
fails 66 "a directory that is not there" import dma "$dir/none"
fails 64 "the spool itself" import spoolgore "$spool"
new_queue links queue
printf '%s\n' ann@x.test b@y.test '' x >"$dir/elsewhere"
ln -s "$dir/elsewhere" "$q/queue/1"
mkfifo "$q/queue/2"
empty_spool
fails 65 "links and pipes" import nullmailer "$q"
is "$(queued)" 0 "links and pipes: are not opened"
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$spool"
	setpriv --reuid=65534 --regid=65534 --clear-groups \
	    "$SPOOLQ" -C "$config" --spool "$spool" import nullmailer "$q" \
	    >"$dir/other.log" 2>&1
	is $? 77 "another user"
	chmod 700 "$spool"
fi

# ---- killed --------------------------------------------------------------

# fill FORMAT: three messages for r1, r2 and r3
fill() {
	local i
	new_queue "killed-$1" queue
	for i in 1 2 3; do
		case $1 in
		nullmailer)
			printf '%s\n' ann@x.test "r$i@y.test" '' \
			    "Subject: $i" '' text >"$q/queue/$i" ;;
		dma)
			printf '%s\n' "Subject: $i" '' text >"$q/queue/M1"
			printf '%s\n' 'ID: 1' 'Sender: ann@x.test' \
			    "Recipient: r$i@y.test" >"$q/queue/Q1.$i" ;;
		msmtpq)
			rmdir "$q/queue" 2>/dev/null
			put_msmtpq "$i" "-f ann@x.test r$i@y.test" ;;
		esac
	done
}

# killed_at FORMAT ARGS...: at each call that changes anything, one after the
# other
killed_at() {
	local format=$1 call n status lost='' rounds=0
	shift
	for call in renameat renameat2 unlinkat fsync mkdirat; do
		for ((n = 1; n < 40; n++)); do
			empty_spool
			fill "$format"
			ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o /dev/null \
			    -e "inject=$call:signal=KILL:when=$n" \
			    "$SPOOLQ" -C "$config" --spool "$spool" import \
			    "$@" "$format" "$q" >/dev/null 2>&1
			status=$?
			import "$@" "$format" "$q" || lost+=" $call.$n:$?"
			[ "$(to_whom)" = "r1@y.test r2@y.test r3@y.test" ] ||
			    lost+=" $call.$n:$(to_whom)"
			rounds=$((rounds + 1))
			[ "$status" -ge 128 ] || break
		done
	done
	is "$lost" "" "$format $*: killed in $rounds places, each once"
	[ -n "$*" ] || is "$(find "$q" -type f | wc -l)" 0 \
	    "$format: nothing is left there"
}

# interrupted: the first message of $q, filled, is taken, and not published
interrupted() {
	local n
	for n in 1 2 3 4 5 6; do
		empty_spool
		fill nullmailer
		ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o /dev/null \
		    -e "inject=renameat2:signal=KILL:when=$n" "$SPOOLQ" \
		    -C "$config" --spool "$spool" import nullmailer "$q" \
		    >/dev/null 2>&1
		[ "$(queued)" = 0 ] || continue
		taken=$(find "$q/queue" -name '.imported-*-1')
		ready=$(find "$spool/.import/ready" -type f)
		[ -z "$taken" ] || [ -z "$ready" ] || return 0
	done
	fail "an import is interrupted in its middle"
}

# spelled SPOOL: import into it
spelled() {
	out=$("$SPOOLQ" -C "$config" --spool "$1" import nullmailer "$q" 2>&1)
}

# all_once NAME: the three messages are there, and nothing is left elsewhere
all_once() {
	is "$(to_whom)" "r1@y.test r2@y.test r3@y.test" "$1: each once"
	is "$(find "$q" -type f | wc -l) $(ls -A "$spool" | wc -l)" "0 4" \
	    "$1: and nothing is left"
}

# calls N: how many system calls it takes to import N messages
calls() {
	local i
	empty_spool
	new_queue many queue
	for ((i = 0; i < $1; i++)); do
		printf '%s\n' ann@x.test bob@y.test '' text >"$q/queue/$i"
	done
	ASAN_OPTIONS=detect_leaks=0 strace -f -o "$dir/calls" "$SPOOLQ" \
	    -C "$config" --spool "$spool" import nullmailer "$q" >/dev/null
	[ "$(queued)" = "$1" ] && wc -l <"$dir/calls"
}

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	interrupted
	ok "the spool is spelled otherwise" spelled "$spool/"
	all_once "the spool is spelled otherwise"
	interrupted
	ln -s "$spool" "$dir/link"
	ok "the spool is behind a link" spelled "$dir/link"
	all_once "the spool is behind a link"
	interrupted
	mv "$spool" "$spool.moved"
	ok "the spool has moved" spelled "$spool.moved"
	mv "$spool.moved" "$spool"
	all_once "the spool has moved"

	interrupted
	mv "$q" "$q.moved"
	ok "the directory has moved" import nullmailer "$q.moved"
	mv "$q.moved" "$q"
	ok "the directory is back" import nullmailer "$q"
	all_once "the directory has moved"

	# A copy of it is another one: it may not take what ready/ has.
	interrupted
	cp -a "$q" "$q.copy"
	rm "$q.copy/queue"/[23]
	cp "$q/queue/2" "$q.copy/queue/1"
	fails 75 "a copy of the directory" import nullmailer "$q.copy"
	like "$out" 'of an import from another directory' "a copy: said so"
	like "$out" '1: left where it is: one of that name is there' \
	    "a copy: a name that is taken"
	is "$(find "$q.copy/queue" -type f | wc -l) $(ls "$spool/.import/ready")" \
	    "2 ${ready##*/}" "a copy: all is left"
	rm "$q.copy/queue/1"
	ok "the directory itself" import nullmailer "$q"
	all_once "the directory itself"
	ok "the copy, then" import nullmailer "$q.copy"
	is "$(queued) $(find "$q.copy" -type f | wc -l)" "3 0" \
	    "the copy, then: it has nothing new"
	rm -rf "$q.copy"

	# Whose an original is cannot be known.
	interrupted
	mv "$taken" "$q/queue/.imported-0.0-1"
	fails 75 "taken by who knows whom" import nullmailer "$q"
	like "$out" '1: left where it is: it is .\.imported-\.\.\.-1.' \
	    "taken by who knows whom: said so"
	like "$out" "imported-0\\.0-1' below .* is of an import into another" \
	    "what is there of another spool is named"
	is "$(find "$q/queue" -type f) $(ls "$spool/.import/ready")" \
	    "$q/queue/.imported-0.0-1 ${ready##*/}" "nothing of it is removed"
	is "$(to_whom)" "r2@y.test r3@y.test" "and the others are queued"
	mv "$q/queue/.imported-0.0-1" "$taken"
	ok "now it is known" import nullmailer "$q"
	all_once "now it is known"
	interrupted
	touch "$taken"
	fails 75 "what was taken has changed" import nullmailer "$q"
	is "$(ls "$spool/.import/ready") $(find "$q" -type f)" \
	    "${ready##*/} $taken" "what was taken has changed: both are left"

	few=$(calls 20)
	many=$(calls 80)
	ok "80 messages ($many calls) are four times 20 ($few)" \
	    test "$many" -lt $((few * 9 / 2))

	empty_spool
	fill nullmailer
	ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o /dev/null \
	    -e "inject=renameat2:signal=KILL:when=1" "$SPOOLQ" -C "$config" \
	    --spool "$spool" import nullmailer "$q" >/dev/null 2>&1
	is "$(queued) $(find "$spool/.import/ready" -type f | wc -l)" "0 1" \
	    "killed before a message is ours"
	rm "$q/queue/1"
	ok "and somebody else has sent it meanwhile" import nullmailer "$q"
	is "$(to_whom)" "r2@y.test r3@y.test" "it is not sent again"
	killed_at nullmailer
	killed_at nullmailer --keep
	killed_at dma
	killed_at msmtpq
else
	skip "killed at every step" "strace is not installed, or may not run"
fi

# ---- with spoold ---------------------------------------------------------

empty_spool
start_smtpd
start_spoold --relay "127.0.0.1:$smtpd_port"
fill nullmailer
ok "while spoold runs" import nullmailer "$q"
ok "spoold delivers them" wait_for 20 has_messages 3
ok "and has no more" wait_for 20 queue_has 0
is "$(count_messages)" 3 "each once"
stop_spoold || fail "spoold stops"

# ---- the mailers themselves ----------------------------------------------

# real NAME PACKAGE PROGRAM: unpacked, in $program; or a case is skipped
real() {
	[ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null || {
		skip "the real $1" "needs root and namespaces"
		return 1
	}
	program=$(bash "$srcdir/tests/run/get-mta" "$@" 2>"$dir/get.log") &&
	    return
	skip "the real $1" "$(tail -n 1 "$dir/get.log")"
	return 1
}

# over PATH DIR COMMAND...: with DIR in the place of PATH, which may be missing
over() {
	local made=
	[ -e "$1" ] || { mkdir -p "$1" && made=$1; }
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c 'at=$1 with=$2; shift 2
	    mount --bind "$with" "$at" && "$@"' - "$@"
	local status=$?
	[ -z "$made" ] || rmdir "$made"
	return "$status"
}

empty_spool
if real nullmailer nullmailer usr/sbin/nullmailer-queue; then
	new_queue real-nullmailer queue tmp failed
	mkfifo "$q/trigger"
	# Set-uid to that one.
	chown -R --reference="$program" "$q"
	printf '%s\n' ann@x.test bob@y.test cy@z.test '' 'Subject: real' '' \
	    text | over /var/spool/nullmailer "$q" "$program" \
	    >"$dir/nullmailer.log" 2>&1
	is "$(ls "$q/queue" | wc -l)" 1 "nullmailer-queue has queued it"
	ok "the real nullmailer's queue" import nullmailer "$q"
	is "$(to_whom) $(ls "$q/queue" | wc -l)" "bob@y.test cy@z.test 0" \
	    "the real nullmailer's recipients"
fi

empty_spool
if real dma dma usr/sbin/dma; then
	new_queue real-dma
	mkdir "$dir/dma-etc"
	printf '%s\n' 'SMARTHOST 127.0.0.1' 'PORT 1' DEFER \
	    'MAILNAME host.test' >"$dir/dma-etc/dma.conf"
	chmod 755 "$dir/dma-etc"
	chmod 644 "$dir/dma-etc/dma.conf"
	# It works as the group that may write there, after a while.
	chgrp mail "$q"
	chmod 2775 "$q"
	printf '%s\n' 'Subject: real' '' text |
	    over /var/spool/dma "$q" unshare --mount sh -c '
		mkdir -p /etc/dma && mount --bind "$1" /etc/dma && shift &&
		"$@"' - "$dir/dma-etc" "$program" -f ann@x.test \
		bob@y.test cy@z.test >"$dir/dma.log" 2>&1
	is "$(files 'Q*') $(files 'M*')" "2 2" \
	    "dma has queued it"
	ok "the real dma's queue" wait_for 10 import dma "$q"
	is "$(to_whom)" "bob@y.test cy@z.test" "the real dma's recipients"
	is "$(files '[QM]*')" 0 "the real dma's queue is empty"
fi

empty_spool
if real msmtp msmtp usr/libexec/msmtp/msmtpq/msmtpq; then
	new_queue real-msmtpq
	printf '#!/bin/sh\n[ "$1" = --version ]\n' >"$dir/msmtp"
	chmod 755 "$dir/msmtp"
	printf '%s\n' 'From: ann@x.test' 'To: bob@y.test' 'Subject: real' '' \
	    text | MSMTP=$dir/msmtp MSMTPQ_Q=$q MSMTPQ_LOG=$dir/msmtpq.log \
	    EMAIL_CONN_TEST=x EMAIL_QUEUE_QUIET=t "$program" -f ann@x.test \
	    -t >"$dir/msmtpq-out.log" 2>&1
	is "$(find "$q" -name '*.mail' | wc -l)" 1 "msmtpq has queued it"
	ok "the real msmtpq's queue" import msmtpq "$q"
	is "$(to_whom) $(ls -A "$q" | wc -l)" "bob@y.test 0" \
	    "the real msmtpq's recipient"
fi

empty_spool
if [ "$(id -u)" -eq 0 ] && [ -x /usr/sbin/postdrop ] &&
    id postfix >/dev/null 2>&1; then
	new_queue real-postfix maildrop public data
	chmod 755 "$q"
	chown postfix "$q/maildrop" "$q/data"
	chgrp postdrop "$q/maildrop"
	chmod 1730 "$q/maildrop"
	printf '%s\n' 'compatibility_level = 3.6' "queue_directory = $q" \
	    "data_directory = $q/data" 'myhostname = postfix.test' \
	    "maillog_file = $dir/postfix.log" \
	    "maillog_file_prefixes = $dir" >"$q/main.cf"
	: >"$q/master.cf"
	chmod 644 "$q/main.cf" "$q/master.cf"
	program=/usr/sbin/sendmail
	[ -x /usr/sbin/sendmail.postfix ] && program=/usr/sbin/sendmail.postfix
	{
		printf '%s\n' 'Subject: real' 'To: a@y.test, b@y.test' \
		    'Bcc: c@z.test' ''
		printf '%05000d\n' 7
		echo .dot
	} >"$dir/real.eml"
	$program -C "$q" -i -N failure,delay -V env1 -f ann@x.test -t \
	    <"$dir/real.eml" >"$dir/postdrop.log" 2>&1
	file=$(find "$q/maildrop" -type f)
	# It writes what Postfix itself reads there; the header is added to.
	postcat -c "$q" -b "$file" >"$dir/theirs" 2>"$dir/postcat.log"
	ok "the real Postfix's maildrop" import postfix-maildrop "$q"
	is "$(to_whom)" "a@y.test b@y.test c@z.test" \
	    "the real Postfix's recipients"
	raw 1 | tr -d '\r' | sed '1,/^$/d' | tr -d '\n' >"$dir/ours"
	tr -d '\n' <"$dir/theirs" >"$dir/theirs.1"
	is "$(tr -d ' ' <"$dir/ours" | cksum)" \
	    "$(tr -d ' ' <"$dir/theirs.1" | cksum)" \
	    "the text is what postcat reads"
	like "$(head -12 "$spool/queue/$(ls "$spool/queue")")" \
	    'envid env1' "its ENVID"
	like "$(head -12 "$spool/queue/$(ls "$spool/queue")")" \
	    'rcpt a@y.test NOTIFY=FAILURE,DELAY' "its NOTIFY"
	is "$(find "$q/maildrop" -type f | wc -l)" 0 "and maildrop is empty"
else
	skip "the real Postfix" "needs root, and Postfix installed"
fi

# ---- root, for a spool of somebody else's --------------------------------

if [ "$(id -u)" -eq 0 ]; then
	empty_spool
	chown -R 65533:65533 "$spool"
	fill nullmailer
	chown -R 65532 "$q"
	# (Who has changed its user cannot be looked at for leaks.)
	ASAN_OPTIONS=detect_leaks=0 \
	    ok "root imports between two others" import nullmailer "$q"
	is "$(stat -c %u "$spool"/queue/* | sort -u) $(queued)" "65533 3" \
	    "the messages are the spool's owner's"
fi

done_testing
