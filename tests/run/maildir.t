#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoold-maildir, spoken to as spoold does, then by spoold itself.

. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"

agent=$builddir/spoold/maildir/spoold-maildir
maildir=$dir/mail
make_spool
cd "$spool" || bail "no spool"

# speak LINE...: the agent's output in $out, its exit status in $status
speak() {
	out=$(printf '%s\n' "$@" | "$agent" 2>"$dir/agent.log")
	status=$?
}

set_up=("set relay default" "set maildir $maildir" go)

in_new() {
	find "$maildir/new" -type f | wc -l
}

# ---- settings ----------------------------------------------------------

speak "${set_up[@]}" quit
is "$out/$status" ready/0 "ready once set"
speak "${set_up[@]}"
is "$out/$status" ready/0 "the end of input ends it too"
speak "${set_up[@]}" abort
is "$out/$status" ready/0 "abort ends it"
speak "set colour red" go
is "$out/$status" /78 "an unknown setting is an error"
ok "which names it" grep -q "no setting 'colour'" "$dir/agent.log"
speak "set maildir $maildir" "set host mail.example.org" go
is "$out/$status" /78 "a host beside a Maildir is an error"
for key in helo tls port connections session_messages; do
	speak "set $key 1" "${set_up[@]}"
	is "$out/$status" /78 "so is '$key'"
done
speak "set relay default" go
is "$out/$status" /78 "without a Maildir it does not start"
speak "set maildir mail" go
is "$out/$status" /78 "a relative path is refused"
speak "set maildir <>" go
is "$out/$status" /78 "an empty path is refused"
speak "set maildir" go
is "$out/$status" /76 "a setting without a value is refused"
speak "set maildir /a b" go
is "$out/$status" /76 "one with two as well"
speak "set maildir /%2" go
is "$out/$status" /76 "a malformed path is refused"
ok "nothing was made so far" [ ! -e "$maildir" ]

# ---- a message ---------------------------------------------------------

id=3286A1B2C3
printf 'Subject: one\n\n.\nA bare \r CR\nlast\n' | crlf >"$dir/message"
put_message queue "$id" 1763770000123456 ann@example.org bob@example.net \
    cy@example.net '"d%20e"@example.net' <"$dir/message"
speak "${set_up[@]}" "send $id 0,2" quit
name=$(ls "$maildir/new")
is "$(sed -E 's/^(rcpt .* delivered) [0-9]+ /\1 MS /' <<<"$out")" "ready
start $id maildir:$maildir -
rcpt $id 0 delivered MS 250%202.0.0%20[local]%20kept%20in%20$maildir/new/$name
rcpt $id 2 delivered MS 250%202.0.0%20[local]%20kept%20in%20$maildir/new/$name
done $id" "each recipient has its result, then the job ends"
like "$name" '^[0-9]+\.M[0-9]{6}P[0-9]+Q[0-9]+\.[^/:]+$' \
    "the name is a Maildir name"
{
	echo 'Return-Path: <ann@example.org>'
	echo 'Delivered-To: bob@example.net'
	echo 'Delivered-To: "d e"@example.net'
	printf 'Subject: one\n\n.\nA bare \r CR\nlast\n'
} >"$dir/want"
ok "the file is the message, with LF and its trace fields" \
    cmp "$dir/want" "$maildir/new/$name"
is "$(stat -c %a "$maildir" "$maildir"/{tmp,new,cur} "$maildir/new/$name" |
    xargs)" "700 700 700 700 600" "modes"
is "$(ls -A "$maildir/tmp")" "" "nothing stays in tmp/"
ok "the spool is as it was" [ -f "queue/$id" ]

rm "$maildir/new"/*
speak "${set_up[@]}" "send $id *" "send $id 1"
is "$(in_new)" 2 "each job makes a file of its own"
is "$(cat "$maildir"/new/* | grep -c ^Delivered-To:)" 4 \
    "one for all recipients, one for one"
is "$(tail -n 1 <<<"$out")/$status" "done $id/0" \
    "the end of input lets jobs finish"

rm "$maildir/new"/*
put_message queue 3286A1B2C4 1763770000123456 '<>' bob@example.net \
    <"$dir/message"
speak "${set_up[@]}" "send 3286A1B2C4 *"
ok "the null sender" grep -qx 'Return-Path: <>' "$maildir"/new/*

# Line ends across the pieces in which it is copied, and no line end at all.
rm "$maildir/new"/*
{
	head -c 65535 /dev/zero | tr '\0' x
	printf '\r\n\r\r\n'
	head -c 65532 /dev/zero | tr '\0' y
	printf '\r\nz\r'
} >"$dir/message"
put_message queue 3286A1B2C5 1763770000123456 '<>' bob@example.net \
    <"$dir/message"
speak "${set_up[@]}" "send 3286A1B2C5 *"
{
	printf 'Return-Path: <>\nDelivered-To: bob@example.net\n'
	head -c 65535 /dev/zero | tr '\0' x
	printf '\n\r\n'
	head -c 65532 /dev/zero | tr '\0' y
	printf '\nz\r'
} >"$dir/want"
ok "a CR at the end of a piece" cmp "$dir/want" "$maildir"/new/*

# ---- what is not delivered ---------------------------------------------

rm "$maildir/new"/*
sed 's/last/lost/' "queue/$id" >queue/3286A1B2D1
speak "${set_up[@]}" "send 3286A1B2D1 *"
is "$out/$status" "ready
bad 3286A1B2D1 [local]%20the%20checksum%20is%20wrong/0" "a wrong checksum"
head -c -1 "queue/$id" >queue/3286A1B2D2
speak "${set_up[@]}" "send 3286A1B2D2 *"
like "$out" $'^ready\nbad 3286A1B2D2 [^ ]*long[^ ]*$' "a torn file"
speak "${set_up[@]}" "send 3286A1B2D3 *"
like "$out" $'^ready\nback 3286A1B2D3 local [^ ]*No%20such%20file[^ ]*$' \
    "no such message"
for places in 3 0,3 -1 '0,' ',' 0,x 10 99999999999999999999 0,1,2,0; do
	speak "${set_up[@]}" "send $id $places"
	is "$out/$status" "ready
back $id local [local]%20no%20such%20recipients/0" \
	    "places '$places' are refused"
done
speak "${set_up[@]}" "send $id "
is "$out/$status" ready/76 "places are needed"
speak "${set_up[@]}" "send ../hold/x *"
is "$out/$status" ready/76 "what is no id ends it"
speak "send $id *"
is "$out/$status" /76 "so does a job before go"
speak "${set_up[@]}" "sing"
is "$out/$status" ready/76 "and an unknown command"
is "$(in_new)" 0 "nothing of that was delivered"

# ---- trouble with the Maildir is the relay's, and passes ---------------

speak "set maildir $dir/no/mail" go "send $id *" quit
like "$out/$status" "^ready
start $id maildir:$dir/no/mail -
back $id relay [^ ]*$dir/no/mail[^ ]*No%20such%20file[^ ]*/0\$" \
    "a missing parent"
: >"$dir/file"
speak "set maildir $dir/file" go "send $id *"
like "$out" "
back $id relay [^ ]*$dir/file[^ ]*Not%20a%20directory\$" "a file in its place"
if [ "$(id -u)" -ne 0 ]; then
	chmod 500 "$maildir/tmp"
	speak "${set_up[@]}" "send $id *"
	chmod 700 "$maildir/tmp"
	like "$out" "
back $id relay [^ ]*$maildir/tmp[^ ]*Permission%20denied\$" \
	    "no permission to write"
fi

head -c 300000 /dev/zero | tr '\0' x |
    put_message queue 3286A1B2C6 1763770000123456 '<>' bob@example.net
# A disk that is full: no file may be longer than 100 KiB.
out=$(
	ulimit -f 100
	printf '%s\n' "${set_up[@]}" "send 3286A1B2C6 *" "send $id 0" |
	    "$agent" 2>"$dir/agent.log"
)
like "$out" "^ready
start 3286A1B2C6 maildir:$maildir -
back 3286A1B2C6 relay [^ ]*$maildir/tmp[^ ]*File%20too%20large
start $id maildir:$maildir -
rcpt $id 0 delivered [^
]*
done $id\$" "a full disk, then a message that fits"
is "$(ls -A "$maildir/tmp")" "" "leaves nothing in tmp/"
is "$(in_new)" 1 "and one file in new/"

# ---- durable before it is said -----------------------------------------

if strace -o /dev/null true 2>/dev/null; then
	rm -r "$maildir"
	# The leak checker of a sanitized build cannot work under strace.
	printf '%s\n' "${set_up[@]}" "send $id 0" |
	    ASAN_OPTIONS=detect_leaks=0 strace -y -o "$dir/trace" \
	    -e trace=fsync,renameat2,write,mkdir,mkdirat "$agent" >/dev/null
	order=$(sed -nE \
	    -e 's/^mkdir(at)?\(.*/mkdir/p' \
	    -e "s|^fsync\(.*<$dir>\).*|sync-parent|p" \
	    -e "s|^fsync\(.*<$maildir>\).*|sync-maildir|p" \
	    -e "s|^fsync\(.*<$maildir/tmp/.*\).*|sync-file|p" \
	    -e "s|^fsync\(.*<$maildir/new>\).*|sync-new|p" \
	    -e 's/^renameat2\(.*RENAME_NOREPLACE\).*/rename/p' \
	    -e 's/^write\(1<.*"rcpt .*/said/p' "$dir/trace" | xargs)
	is "$order" "mkdir sync-parent mkdir mkdir mkdir sync-maildir \
sync-file rename sync-new said" "file, then name, then the word"
else
	skip "file, then name, then the word" "strace does not work here"
fi

# ---- through spoold ----------------------------------------------------

rm queue/*
put_message queue "$id" 1763770000123456 ann@example.org bob@example.net \
    cy@example.net < <(printf 'Subject: by spoold\n\nhello\n' | crlf)
ok "spoold --once delivers and finds its queue empty" \
    run_spoold --once --relay "maildir:$dir/mail2"
is "$(cat "$dir/mail2/new"/* | grep -cE '^(Delivered-To|Return-Path):')" 3 \
    "in one file for both"
is "$(queued)" 0 "the queue is empty"
is "$(events delivered)" 2 "both are journalled"

done_testing
