#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What callers of sendmail rely on, case by case: the command line, the bytes
# on standard input, and the queue file that must come of them.  In a queue
# file everything after the first empty line is the message.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
login=$(id -un)
printf 'origin = "o.test"\naliases = none\n' >"$dir/conf"

# vector NAME STDIN ARGS...: STDIN is a format for printf.  Afterwards $status,
# $err, $out, $files (how many messages), and of the first one $sender,
# $rcpts (sorted, each followed by a space), $head and $body, with LF.
vector() {
	local name=$1 stdin=$2
	shift 2
	echo "# $name"
	rm -f "$spool"/queue/*
	# shellcheck disable=SC2059 # it is a format on purpose
	out=$(printf "$stdin" | NAME='' "$SENDMAIL" -C "$dir/conf" \
	    --spool "$spool" "$@" 2>"$dir/err"; exit "${PIPESTATUS[1]}")
	status=$?
	err=$(<"$dir/err")
	files=$(find "$spool/queue" -type f | wc -l)
	head='' body='' sender='' rcpts=''
	[ "$files" -eq 0 ] || inspect "$(first_file)"
}

first_file() {
	find "$spool/queue" -type f | sort | head -n 1
}

inspect() {
	local file=$1
	sed '/^$/q' "$file" >"$dir/envelope"
	sed '1,/^$/d' "$file" >"$dir/message"
	sender=$(sed -n 's/^sender //p' "$dir/envelope")
	rcpts=$(sed -n 's/^rcpt //p' "$dir/envelope" | sort | tr '\n' ' ')
	head=$(tr -d '\r' <"$dir/message" | sed '/^$/,$d')
	# The x keeps line ends that a substitution would drop.
	body=$(tr -d '\r' <"$dir/message" | sed '1,/^$/d'; echo x)
	body=${body%x}
}

# field NAME: the bodies of its fields, a line each, unfolded lines below it
field() {
	awk -v want="${1,,}:" '
	/^[ \t]/ { if (found) print; next }
	{ found = index(tolower($0), want) == 1 }
	found { sub(/^[^:]*:[ \t]*/, ""); print }' <<<"$head"
}

has_field() {
	grep -qi "^$1[ 	]*:" <<<"$head"
}

# queued_quietly NAME SENDER RCPTS: exit status 0, silence, one message
queued_quietly() {
	is "$status|$out|$err|$files" "0|||1" "$1: queued, nothing said"
	is "$sender" "$2" "$1: sender"
	is "$rcpts" "$3" "$1: recipients"
}

refused() { # NAME STATUS REGEX
	is "$status|$files|$out" "$2|0|" "$1: status $2, nothing queued"
	like "${err,,}" "$3" "$1: says why"
	is "$(wc -l <"$dir/err")" 1 "$1: in one line"
}

me=$login@o.test
ascii_from='From: s@sender.test\n'

vector argv_defaults 'Subject: hi\n\nbody\n' -i a@dest.test
queued_quietly argv_defaults "$me" "a@dest.test "
is "$(field subject)" hi "argv_defaults: Subject"
like "$(field from)" "^(.* <)?$me>?\$" "argv_defaults: From"
like "$(field date)" \
    '^[A-Z][a-z]{2}, +[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [+-][0-9]{4}$' \
    "argv_defaults: Date"
like "$(field message-id)" '^<[^<>@ ]+@[^<>@ ]+>$' "argv_defaults: Message-Id"
for name in To Cc Bcc Sender Return-Path; do
	ok "argv_defaults: no $name" eval '! has_field $name'
done
is "$body" $'body\n' "argv_defaults: body"

vector argv_comma_list 'From: root (Cron Daemon)\nTo: root,a@dest.test
Subject: Cron <root@host> x\nMIME-Version: 1.0
X-Cron-Env: <SHELL=/bin/sh>\n\n\303\266ut\n' \
    -FCronDaemon -i -B8BITMIME -oem root,a@dest.test
queued_quietly argv_comma_list "$me" "a@dest.test root@o.test "
is "$(field from)" "root@o.test (Cron Daemon)" "argv_comma_list: From"
like "$(field to)" '^root@o\.test, ?a@dest\.test$' "argv_comma_list: To"
is "$(field x-cron-env)" "<SHELL=/bin/sh>" "argv_comma_list: other fields"
is "$body" $'\303\266ut\n' "argv_comma_list: body"
ok "argv_comma_list: BODY" grep -qx "body 8BITMIME" "$dir/envelope"

vector argv_double_dash "$ascii_from\nbody\n" \
    -i -- -fevil@sender.test a@dest.test
is "$status|$err|$files" "0||1" "argv_double_dash: queued"
is "$sender" "$me" "argv_double_dash: no option after --"
like " $rcpts" ' a@dest\.test ' "argv_double_dash: recipient"
unlike " $rcpts" ' -' "argv_double_dash: no address begins with a dash"

vector argv_none 'From: s@sender.test\nTo: t@hdr.test\n\nbody\n' -i
refused argv_none 64 recipient

vector t_to_cc_bcc 'FROM: s@sender.test\nTO:t@hdr.test\ncC: c@hdr.test
bCC:b@hdr.test\nX-After: 1\n\nbody\n' -t -i
queued_quietly t_to_cc_bcc "$me" "b@hdr.test c@hdr.test t@hdr.test "
is "$(field to) $(field cc) $(field x-after)" "t@hdr.test c@hdr.test 1" \
    "t_to_cc_bcc: fields"
ok "t_to_cc_bcc: Bcc leaves no trace" \
    eval '! grep -qi "bcc *:\|b@hdr" "$dir/message"'
is "$body" $'body\n' "t_to_cc_bcc: body"

vector t_bcc_folded 'From: s@sender.test\nBcc: x@hdr.test,\n\ty@hdr.test,
 z@hdr.test\nTo: t@hdr.test\nBcc: w@hdr.test\nX-After: 1\n\nbody\n' -t -i
queued_quietly t_bcc_folded "$me" \
    "t@hdr.test w@hdr.test x@hdr.test y@hdr.test z@hdr.test "
is "$(field x-after)" 1 "t_bcc_folded: what follows stays"
ok "t_bcc_folded: no trace" eval '! grep -q "[wxyz]@hdr" "$dir/message"'

vector t_grammar 'From: s@sender.test
To: "Doe, John" <a@hdr.test>, b@hdr.test (Doe, J (nested, x) y),
 (pre) c(mid)@hdr.test
Cc: Team: d@hdr.test, "E, F" <e@hdr.test>;, =?utf-8?Q?J=C3=B6rg=2C_X?= <f@hdr.test>,
 "Long\n Name, X" <g@hdr.test>, "z@hdr.test" <h@hdr.test>,
 John Q. Public <i@hdr.test>\n\nbody\n' -t -i
queued_quietly t_grammar "$me" \
    "$(printf '%s@hdr.test ' a b c d e f g h i)"
is "$body" $'body\n' "t_grammar: body"

vector t_resent 'From: s@sender.test\nTo: t@hdr.test\nCc: c@hdr.test
Bcc: orig@hdr.test\nResent-From: r@sender.test\nResent-To: rt@hdr.test
Resent-Bcc: rb@hdr.test\nDate: Thu, 1 Jan 1970 00:00:00 +0000\n\nbody\n' -t -i
queued_quietly t_resent "$me" "rb@hdr.test rt@hdr.test "
is "$(field to) $(field resent-to)" "t@hdr.test rt@hdr.test" \
    "t_resent: fields stay"
like "$(field resent-date)" . "t_resent: Resent-Date"
like "$(field resent-message-id)" '^<.+@.+>$' "t_resent: Resent-Message-Id"
is "$(field date)" "Thu, 1 Jan 1970 00:00:00 +0000" "t_resent: one Date"
ok "t_resent: no trace of either Bcc" \
    eval '! grep -qi "^bcc\|-bcc\|rb@hdr\|orig@hdr" "$dir/message"'

vector t_no_recipients 'From: s@sender.test
To: undisclosed-recipients:;\nCc: (nobody)\nBcc:\n\nbody\n' -t -i
refused t_no_recipients 64 recipient

vector bcc_without_t 'From: s@sender.test\nTo: t@hdr.test\nBcc: b@hdr.test
Resent-To: r@hdr.test\nResent-Bcc: rb@hdr.test\n\nbody\n' -i a@dest.test
queued_quietly bcc_without_t "$me" "a@dest.test "
is "$(field to)" t@hdr.test "bcc_without_t: To"
ok "bcc_without_t: no Bcc" eval '! grep -qi "bcc *:\|b@hdr" "$dir/message"'

vector keep_existing 'Sender: sh@sender.test
From: A One <a1@x.test>, a2@x.test\nDate: Thu, 1 Jan 1970 00:00:00 +0000
Message-ID: <abc@x.test>\nSubject: 1\nSubject: 2\n\nbody\n' -i a@dest.test
queued_quietly keep_existing "$me" "a@dest.test "
is "$head" 'Sender: sh@sender.test
From: A One <a1@x.test>, a2@x.test
Date: Thu, 1 Jan 1970 00:00:00 +0000
Message-ID: <abc@x.test>
Subject: 1
Subject: 2' "keep_existing: the header is as it was"

vector f_null_quoted 'From: Mail Delivery Subsystem <postmaster@x.test>
To: <a@dest.test>\n\nbody\n' -i -f '<>' -- a@dest.test
queued_quietly f_null_quoted '<>' "a@dest.test "
is "$(field from)" "Mail Delivery Subsystem <postmaster@x.test>" \
    "f_null_quoted: From"

vector F_quoting 'To: t@hdr.test\nSubject: x\n\nbody\n' \
    -F 'O"Brien, X (y) <z>' -i a@dest.test
queued_quietly F_quoting "$me" "a@dest.test "
is "$(field from)" "\"O\\\"Brien, X (y) <z>\" <$me>" "F_quoting: From"

vector php8_mail 'To: t@hdr.test\r\nSubject: Test\r
X-PHP-Originating-Script: 33:x.php\r\nFrom: s@sender.test\r
Bcc: b@hdr.test\r\n\r\nline1\nline2\n.\nline4\r\n' \
    -t -i -fbounce@sender.test
queued_quietly php8_mail bounce@sender.test "b@hdr.test t@hdr.test "
is "$(field subject) $(field x-php-originating-script)" "Test 33:x.php" \
    "php8_mail: fields"
is "$body" $'line1\nline2\n.\nline4\n' "php8_mail: body"
ok "php8_mail: every line ends with one CR LF" \
    eval '! grep -qP "\r\r|[^\r]$|^$" "$dir/message"'
ok "php8_mail: no Bcc" eval '! has_field bcc'

vector dot_without_i "$ascii_from"'\nx\n.\r\ny\n' a@dest.test
queued_quietly dot_without_i "$me" "a@dest.test "
is "$body" $'x\n' "dot_without_i: body"

vector mbox_from_lines 'From joe@x.test Sat Jan  1 00:00:00 2022\r
>From b\r\n>>From c\r\nFrom: s@sender.test\r\nSubject: x\r\n\r
From the start\r\n>From x\r\n' -i a@dest.test
queued_quietly mbox_from_lines "$me" "a@dest.test "
is "$(field from) $(field subject)" "s@sender.test x" \
    "mbox_from_lines: header"
is "$body" $'From the start\n>From x\n' "mbox_from_lines: body"
ok "mbox_from_lines: no trace" eval '! grep -q "Sat Jan  1" "$dir/message"'

vector eightbit_raw "$ascii_from"'MIME-Version: 1.0
Content-Transfer-Encoding: 8bit\n\nGr\303\274\303\237e \377\376\n' \
    -B8BITMIME -i a@dest.test
queued_quietly eightbit_raw "$me" "a@dest.test "
is "$body" $'Gr\303\274\303\237e \377\376\n' "eightbit_raw: body"
ok "eightbit_raw: BODY" grep -qx "body 8BITMIME" "$dir/envelope"

# UTF-8 is admitted; nothing else, which no relay could make sense of.
mail='From: s@sender.test\n\nbody\n'
vector eightbit_arg "$mail" -i $'\303\274ser@dest.test' $'a@ex\303\244mple.test'
queued_quietly eightbit_arg "$me" "%C3%BCser@dest.test a@ex%C3%A4mple.test "
vector eightbit_t 'From: s@sender.test\nTo: a@hdr.test, \303\274@hdr.test\n\nx\n' \
    -t -i
queued_quietly eightbit_t "$me" "%C3%BC@hdr.test a@hdr.test "
vector eightbit_f "$mail" -i -f $'\303\274@sender.test' a@dest.test
queued_quietly eightbit_f %C3%BC@sender.test "a@dest.test "
for address in $'a\200@b.test' $'a@ex\344mple.test'; do
	vector notutf8_arg "$mail" -i ok@dest.test "$address"
	refused notutf8_arg 65 \
	    "bad recipient '[^']+': has 8-bit characters that are not utf-8"
done
vector notutf8_f "$mail" -i -f $'\374@sender.test' a@dest.test
refused notutf8_f 65 "bad sender '[^']+': has 8-bit characters that are not"
vector eightbit_name "$mail" -i $'J\303\274rg <a@dest.test>'
queued_quietly eightbit_name "$me" "a@dest.test "
# The relay is known to take none of them: the local part is all that cannot
# be written in another way.
: >"$spool/.no-smtputf8"
vector eightbit_bs 'MAIL FROM:<\303\274@sender.test>\nMAIL FROM:<s@sender.test>
RCPT TO:<\303\274@dest.test>\nDATA\nRCPT TO:<a@ex\303\244mple.test>\nQUIT\n' -bs
rm -f "$spool/.no-smtputf8"
is "$status|$files" "0|0" "eightbit_bs: nothing queued"
is "$(sed 's/^\([0-9]*\) .*$/\1/' <<<"$out" | tr '\n' ' ')" \
    "220 553 250 553 503 250 221 " \
    "eightbit_bs: 553"

vector control_arg "$mail" -i $'a\033[31m@dest.test'
refused control_arg 65 \
    "bad recipient 'a\\\\x1b\[31m@dest.test': has a control character"

vector dsn_flags "$ascii_from\nbody\n" \
    -N failure,delay -R hdrs -V ENV1234 -i a@dest.test
is "$status|$err|$files" "0||1" "dsn_flags: queued"
is "$(sed -n '/^ret\|^envid\|^rcpt/p' "$dir/envelope" | sort)" \
    "envid ENV1234
rcpt a@dest.test NOTIFY=FAILURE,DELAY
ret HDRS" "dsn_flags: envelope"

vector bs_session 'HELO [127.0.0.1]\r\nMAIL FROM:<s@sender.test>\r
RCPT TO:<not an address>\r\nRCPT TO:<a@dest.test>\r\nDATA\r
From: s@sender.test\r\nBcc: b@hdr.test\r\nSubject: x\r\n\r\n..dot\r
body\r\n.\r\nMAIL FROM:<>\nRCPT TO:<root>\nDATA\nSubject: 2\n\nb2\n.\nQUIT\n' \
    -bs
is "$status|$err|$files" "0||2" "bs_session: two messages"
is "$(sed 's/^\([0-9]*\) .*\r$/\1/' <<<"$out" | tr '\n' ' ')" \
    "220 250 250 501 250 354 250 250 250 354 250 221 " "bs_session: replies"
is "$sender|$rcpts" "s@sender.test|a@dest.test " "bs_session: envelope"
is "$body" $'.dot\nbody\n' "bs_session: body"
ok "bs_session: no Bcc" eval '! has_field bcc'
inspect "$(find "$spool/queue" -type f | sort | tail -n 1)"
is "$sender|$rcpts|$body" $'<>|root@o.test |b2\n' "bs_session: second"

rm -f "$spool"/queue/*
ln -s "$SENDMAIL" "$dir/mailq"
if [ -x "$SPOOLQ" ]; then
	out=$(SPOOLD_EXEC_PATH=${SPOOLQ%/*} "$dir/mailq" --spool "$spool" \
	    2>"$dir/err")
	is "$?|$out" "0|Mail queue is empty" "mailq_empty"
else
	skip mailq_empty "spoolq is not built"
fi

done_testing
