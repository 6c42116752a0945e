#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail from the outside: exit statuses, silence, durability, set-group-id,
# hostile surroundings, and real callers.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
printf 'origin = "o.test"\n' >"$dir/conf"
printf 'From: s@x.test\n\nbody\n' >"$dir/mail"
nobody=65534

# run ARGS...: sendmail with standard input as it is; $status, $said
run() {
	said=$("$SENDMAIL" -C "$dir/conf" --spool "$spool" "$@" 2>&1)
	status=$?
}

# refuses STATUS REGEX NAME ARGS...: with that status, one line, nothing queued
refuses() {
	local want=$1 regex=$2 name=$3
	shift 3
	run "$@" <"$dir/mail"
	is "$status|$(queued)|$(queued tmp)" "$want|0|0" "$name: status $want"
	like "$said" "^sendmail: .*($regex)[^
]*\$" "$name: one line says why"
}

# accepts NAME ARGS...: in silence, one message, which is removed
accepts() {
	local name=$1
	shift
	run "$@"
	is "$status|$said|$(queued)|$(queued tmp)" "0||1|0" "$name"
	message=$(cat "$spool"/queue/* | tr -d '\r' | tr '\0' '?')
	rm -f "$spool"/queue/*
}

is_sanitized() {
	grep -aqE '__(asan|tsan|ubsan)_' "$SENDMAIL"
}

# ---- statuses ----------------------------------------------------------

refuses 64 "no recipients" "no recipient"
refuses 64 "no recipients" "only options" -i -f a@x.test
refuses 64 "unknown option -y" "unknown option" -y a@x.test
refuses 64 "daemon is spoold" "-bd" -bd -q30m
refuses 64 "-bv is not supported" "-bv" -bv a@x.test
refuses 65 "bad recipient" "half an address" -i 'a@x.test' '<b@x.test'
refuses 65 "no address" "an empty argument" -i a@x.test ''
refuses 65 "no address" "the null address" -i '<>'
refuses 65 "begins with '-'" "options after a recipient" a@x.test -i
refuses 65 "bad sender" "two senders" -f 'a@x.test b@x.test' c@x.test
refuses 65 "bad recipient" "an endless address" -i \
    "$(printf '%01000d@x.test' 7)"
refuses 65 "bad recipient" "a control character" -i $'a\001b@x.test'
unlike "$said" $'\001' "it is not shown raw"
refuses 78 "conf.none" "no such configuration" -C "$dir/conf.none" a@x.test
echo 'message_size_max = ' >"$dir/conf.bad"
refuses 78 "conf.bad" "a wrong configuration" -C "$dir/conf.bad" a@x.test
refuses 75 "spool.none" "no spool" --spool "$dir/spool.none" a@x.test

mkdir -m 700 "$dir/half" "$dir/half/tmp"
refuses 75 "queue" "a spool without queue/" --spool "$dir/half" a@x.test

printf 'origin = "o.test"\nmessage_size_max = 300\nrecipients_max = 2\n' \
    >"$dir/conf.small"
said=$(head -c 400 /dev/zero | tr '\0' x | "$SENDMAIL" -C "$dir/conf.small" \
    --spool "$spool" a@x.test 2>&1)
is "$?|$(queued)|$(queued tmp)" "69|0|0" "too long: status 69"
like "$said" "300 bytes" "too long: says the limit"
refuses 69 "2 recipients" "too many recipients" -C "$dir/conf.small" \
    a@x.test b@x.test c@x.test
accepts "the limit, duplicates apart, is allowed" -C "$dir/conf.small" \
    a@x.test b@x.test A@x.test <"$dir/mail"

said=$("$SENDMAIL" --spool "$spool" a@x.test 2>&1 <&-)
is "$?|$(queued)" "66|0" "closed standard input is not an empty message"
like "$said" "closed" "and says so"
run a@x.test </
is "$status|$(queued)|$(queued tmp)" "74|0|0" "standard input is a directory"
"$SENDMAIL" --spool "$spool" -C "$dir/conf" a@x.test >&- 2>&- <"$dir/mail"
is "$?|$(queued)" "0|1" "closed standard output and error do no harm"
ok "the queue file has no foreign line" \
    eval '! grep -aq sendmail: "$spool"/queue/*'
rm -f "$spool"/queue/*

# ---- silence, and what passes ------------------------------------------

accepts "empty input" -i a@x.test </dev/null
accepts "ignored flags" -A c -h 25 -L t -O x=y -X "$dir/log" -p SMTP -em \
    -cmnUvx -odb -oem -oi a@x.test <"$dir/mail"
ok "-X writes no file" test ! -e "$dir/log"
printf 'a\0b\nc' >"$dir/nul"
accepts "NUL in the body" -i a@x.test <"$dir/nul"
like "$message" $'\n\na\\?b\nc$' "it is there"
printf 'Subject: a\0b\n\n' >"$dir/nul"
run -i a@x.test <"$dir/nul"
is "$status|$(queued)" "65|0" "NUL in the header"
accepts "full name by -F" -F "Ann Ex" -i a@x.test </dev/null
like "$message" $'\nFrom: Ann Ex <[^>]*@o\\.test>\n' "From has it"
NAME='Name Ex' accepts "full name by NAME" -i a@x.test </dev/null
like "$message" $'\nFrom: Name Ex <' "From has it"
accepts "a name with a line end" -F $'A\nBcc: e@x.test' -i a@x.test </dev/null
unlike "$message" $'\nBcc' "it makes no header"
accepts "last -f wins" -f a@x.test -rb@x.test -f c@x.test d@x.test \
    <"$dir/mail"
like "$message" $'\nsender c@x.test\n' "the sender is the last"
USER=liar LOGNAME=liar EMAIL=liar@x.test \
    accepts "USER and LOGNAME count for nothing" a@x.test </dev/null
unlike "$message" liar "no liar"
mapfile -t many < <(printf 'u%d@x.test\n' {1..1500})
accepts "1500 recipients" -i "${many[@]}" <"$dir/mail"
is "$(grep -c '^rcpt ' <<<"$message")" 1500 "all of them"
accepts "-G adds nothing" -G -i a@x.test < <(printf 'To: b\n\nx\n')
like "$message" $'\n\nTo: b\n\nx$' "nothing"
ok "--help" eval '"$SENDMAIL" --help | grep -q "^usage: sendmail"'
ok "--version" eval '"$SENDMAIL" --version | grep -q spoold'
ok "newaliases" "$SENDMAIL" -bi
ok "an interval" "$SENDMAIL" -q30m
is "$(queued)" 0 "none of them queued anything"

# ---- SMTP on standard input --------------------------------------------

# smtp FORMAT: the codes of the replies, in order, and what was complained of
smtp() {
	exec 2>&1
	# shellcheck disable=SC2059 # it is a format on purpose
	printf "$1" | "$SENDMAIL" -C "$dir/conf.small" --spool "$spool" -bs \
	    >"$dir/replies"
	sed 's/^\([0-9]*[ -]\).*/\1/' "$dir/replies" | tr -d '\n'
}

is "$(smtp 'EHLO x\nNOOP\nVRFY a\nHELP\nRSET\nQUIT\nNOOP\n')" \
    "220 250-250-250-250-250-250-250 250 252 214 250 221 " "-bs: small talk"
is "$(smtp 'DATA\nRCPT TO:<a@x.test>\nMAIL TO:<a>\nFROB\n\n')" \
    "220 503 503 501 500 500 " "-bs: out of turn"
is "$(smtp 'MAIL FROM:<a@x.test> SIZE=301\nMAIL FROM:<a@x.test> X=Y
MAIL FROM:<a b>\nMAIL FROM:<a@x.test> SIZE=300 BODY=8BITMIME
MAIL FROM:<a@x.test>\nRCPT TO:<>\nRCPT TO:<b c>\nRCPT TO:"q r"@x.test
RCPT TO:<b@x.test>\nRCPT TO:<c@x.test>\nDATA\n\nx\n.\n')" \
    "220 552 555 501 250 503 501 501 250 250 452 354 250 " \
    "-bs: parameters and paths"
is "$(queued)" 1 "-bs: one message of it"
rm -f "$spool"/queue/*
is "$(smtp 'MAIL FROM:<>\nRCPT TO:<a@x.test>\nDATA\nhalf')" \
    "220 250 250 354 " "-bs: input that ends before the dot"
is "$(smtp 'MAIL FROM:<>\nRCPT TO:<a@x.test>\nDATA\nhalf\n.')" \
    "220 250 250 354 " "-bs: input that ends in the last line"
is "$(smtp "MAIL FROM:<>\nRCPT TO:<a@x.test>\nDATA\n$(printf '%0400d' 1)
.\nNOOP\n")" "220 250 250 354 552 250 " "-bs: too long a message"
is "$(smtp "$(printf '%03000d' 1)\nNOOP\n")" "220 500 250 " \
    "-bs: too long a line"
is "$(queued)|$(queued tmp)" "0|0" "-bs: nothing queued by them"

# The leak check of a sanitizer does not work under strace(1); what is before
# this line has had it.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

# ---- durability --------------------------------------------------------

if command -v strace >/dev/null && strace -o "$dir/probe" true 2>/dev/null
then
	strace -f -o "$dir/trace" "$SENDMAIL" -C "$dir/conf" \
	    --spool "$spool" -i a@x.test <"$dir/mail"
	is "$?|$(queued)" "0|1" "traced"
	file=$(sed -n 's/.* write(\([0-9]*\), "spoold\/1.*/\1/p' "$dir/trace" |
	    tail -n 1)
	queue=$(sed -n 's/.*openat([0-9]*, "queue".* = \([0-9]*\)$/\1/p' \
	    "$dir/trace")
	is "$(sed -n 's/^[0-9]* *\(link\|f[a-z]*sync\)[a-z]*(\([^,)]*\).*= 0$/\1 \2/p' \
	    "$dir/trace" | grep -v '^link' | tr '\n' ';')" \
	    "fsync $file;fsync $queue;" "file and directory are synced"
	is "$(sed -n 's/^[0-9]* *\(linkat\|fsync\)(.*= 0$/\1/p' "$dir/trace" |
	    tr '\n' ' ')" "linkat fsync fsync " "in the order of DESIGN"
	is "$(sed -n '/fsync/,$p' "$dir/trace" | grep -c ' write(')" 0 \
	    "nothing is written after that"
	rm -f "$spool"/queue/*
	for call in write linkat fsync fchmod; do
		strace -f -o "$dir/trace" -e inject=$call:error=EIO \
		    "$SENDMAIL" -C "$dir/conf" --spool "$spool" -i a@x.test \
		    <"$dir/mail" 2>"$dir/said"
		is "$?|$(queued)|$(queued tmp)" "75|0|0" \
		    "a $call that fails: status 75"
	done
	strace -f -o "$dir/trace" -e inject=read:error=EIO:when=4+ \
	    "$SENDMAIL" -C "$dir/conf" --spool "$spool" -i a@x.test \
	    <"$dir/mail" 2>"$dir/said"
	is "$(($? > 0))|$(queued)|$(queued tmp)" "1|0|0" \
	    "reads that fail queue nothing"
else
	skip "system calls" "strace is not installed or not allowed"
fi

# Before the end of the input nothing is queued.
mkfifo "$dir/pipe"
"$SENDMAIL" -C "$dir/conf" --spool "$spool" -i a@x.test <"$dir/pipe" \
    2>/dev/null &
pid=$!
exec 7>"$dir/pipe"
cat "$dir/mail" >&7
head -c 300000 /dev/zero | tr '\0' x >&7
kill -TERM "$pid"
wait "$pid" 2>/dev/null
status=$?
exec 7>&-
is "$status|$(queued)|$(queued tmp)" "143|0|0" "SIGTERM before the end"

(ulimit -f 1; head -c 3000 /dev/zero | tr '\0' x |
    "$SENDMAIL" -C "$dir/conf" --spool "$spool" -i a@x.test 2>"$dir/said")
is "$?|$(queued)|$(queued tmp)" "75|0|0" "a file size limit: status 75"
is "$(wc -l <"$dir/said")" 1 "and one line"

# ---- environment -------------------------------------------------------

libs=$(readelf -d "$SENDMAIL" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    tr '\n' ' ')
if is_sanitized; then
	skip "no shared library but libc" "built with sanitizers"
else
	like "$libs" '^(libc\.so\.6 )?$' "no shared library but libc"
fi

mkdir "$dir/bin"
cat >"$dir/bin/spoolq" <<END
#!/bin/sh
echo "\$0:\$*" | tee "$dir/args"
END
chmod 755 "$dir/bin/spoolq"
SPOOLD_EXEC_PATH=$dir/none::$dir/bin run -bp </dev/null
is "$status|$said" \
    "0|$dir/bin/spoolq:-C $dir/conf --spool $spool mailq" "mailq is spoolq's"
SPOOLD_EXEC_PATH=$dir/bin run -qI32A219315A </dev/null
is "$(<"$dir/args")" \
    "$dir/bin/spoolq:-C $dir/conf --spool $spool flush --yes 32A219315A" "so is -qI"
is "$status|$said" "0|" "which says nothing"
SPOOLD_EXEC_PATH=$dir/none run -q </dev/null
is "$status" 69 "without a spoolq: status 69"

# as_user COMMAND...: with a uid that owns nothing here
as_user() {
	setpriv --reuid "$nobody" --regid "$nobody" --clear-groups "$@"
}

if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$dir"
	cp "$SENDMAIL" "$dir/sendmail"
	chmod 755 "$dir/sendmail" "$dir/bin"
	chmod 644 "$dir/conf" "$dir/mail"
	said=$(as_user "$dir/sendmail" -C "$dir/conf" --spool "$spool" \
	    a@x.test <"$dir/mail" 2>&1)
	is "$?" 75 "a spool of somebody else: status 75"
	like "$said" "^sendmail: .*spool[^
]*\$" "and one line"
	chmod 600 "$dir/conf"
	said=$(as_user "$dir/sendmail" -C "$dir/conf" --spool "$spool" \
	    a@x.test <"$dir/mail" 2>&1)
	is "$?" 78 "an unreadable configuration: status 78"
	chmod 644 "$dir/conf"

	mkdir -m 700 "$dir/own" "$dir"/own/{tmp,queue,hold,failed}
	chown -R 4444:4444 "$dir/own"
	said=$(setpriv --reuid 4444 --regid 4444 --clear-groups \
	    "$dir/sendmail" -C "$dir/conf" --spool "$dir/own" a@x.test \
	    </dev/null 2>&1)
	is "$?|$said" "0|" "a user without a name can send"
	is "$(cat "$dir"/own/queue/* | sed -n '/^uid/p;/^sender/p;/^From/p' |
	    tr -d '\r' | tr '\n' ' ')" \
	    "uid 4444 sender uid4444@o.test From: uid4444@o.test " \
	    "as uid and number"
	rm -f "$dir"/own/queue/*
	"$SENDMAIL" -C "$dir/conf" --spool "$dir/own" a@x.test </dev/null
	is "$(stat -c %u:%g "$dir"/own/queue/*) $(sed -n '/^uid/p' \
	    "$dir"/own/queue/*)" "4444:4444 uid 0" \
	    "root's mail is given to the spool's owner"
else
	skip "other users" "needs root"
fi

if [ "$(id -u)" -eq 0 ] && ! is_sanitized; then
	chgrp 4445 "$dir/sendmail"
	chmod 2755 "$dir/sendmail"
	said=$(as_user "$dir/sendmail" -C "$dir/conf" a@x.test \
	    <"$dir/mail" 2>&1)
	is "$?" 77 "set-group-id: no -C"
	said=$(as_user "$dir/sendmail" --spool "$dir/own" a@x.test \
	    <"$dir/mail" 2>&1)
	is "$?" 77 "set-group-id: no --spool"
	said=$(SPOOLD_EXEC_PATH=$dir/bin as_user "$dir/sendmail" -bp 2>&1)
	unlike "$said" "$dir" "set-group-id: no SPOOLD_EXEC_PATH"
else
	skip "set-group-id" "needs root, and no sanitizer"
fi

# ---- real callers ------------------------------------------------------

if command -v php >/dev/null; then
	result=$(php -d \
	    sendmail_path="$SENDMAIL -C $dir/conf --spool $spool -t -i" -r '
	var_dump(mail("t@x.test", "Test", "line1\nline2\n.\nline4",
	    "From: s@x.test\r\nBcc: b@x.test\r\nX-A: 1\r\n folded",
	    "-fbounce@x.test"));' 2>&1)
	is "$result|$(queued)" "bool(true)|1" "PHP's mail()"
	text=$(sed '1,/^$/d' "$spool"/queue/*)
	is "$(sed -n '/^sender/p;/^rcpt/p;/^$/q' "$spool"/queue/*)" \
	    "sender bounce@x.test
rcpt t@x.test
rcpt b@x.test" "PHP: envelope"
	like "$text" $'\r\n\r\nline1\r\nline2\r\n\\.\r\nline4\r$' "PHP: body"
	like "$text" $'\r\nX-A: 1\r\n folded\r\n' "PHP: fields"
	unlike "$text" $'Bcc *:|\r\r|[^\r]\n' "PHP: no Bcc, no odd line end"
	rm -f "$spool"/queue/*
else
	skip "PHP's mail()" "php is not installed"
fi

done_testing
