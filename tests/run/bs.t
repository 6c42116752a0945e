#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail -bs with programs at the other end of a pipe: every reply, the
# dialogues of the clients that are known to use it, limits, and what an
# attacker might hope to get past the final dot.

. "${srcdir:?}/tests/run/lib.sh"
need python3 python3

make_spool
cat >"$dir/conf" <<END
spool = "$spool"
origin = "origin.test"
message_size_max = 20000
recipients_max = 5
END

# session FORMAT: a session whose whole input is there at once; afterwards
# $status, $codes (of all lines of replies), $said and the messages in queue/.
session() {
	# shellcheck disable=SC2059 # it is a format on purpose
	printf "$1" | "$SENDMAIL" -C "$dir/conf" -bs >"$dir/replies" \
	    2>"$dir/said"
	status=$?
	codes=$(sed 's/^\([0-9]*\)\(-\{0,1\}\).*/\1\2/' "$dir/replies" |
	    paste -s -d ' ')
	said=$(<"$dir/said")
}

clear_queue() {
	rm -f "$spool"/queue/*
}

# talks NAME CODES FORMAT: a session with these replies, and nothing else said
talks() {
	session "$3"
	is "$status|$said|$codes" "0||$2" "$1"
}

envelope_of() { # FILE
	sed '/^$/,$d' "$1"
}

body_of() { # FILE
	sed '1,/^\r*$/d' "$1" | sed '1,/^\r$/d'
}

newest() {
	find "$spool/queue" -type f | sort | tail -n 1
}

grep -q '^message_size_max' "$dir/conf" || bail "no limit of size"

# ---- every reply -------------------------------------------------------

talks "the small commands" \
    "220 250 250- 250- 250- 250- 250- 250- 250 250 250 252 214 250 221" \
    'HELO me\r\nEHLO me\r\nNOOP\r\nNOOP and so on\r\nVRFY a@x.test\r\nHELP me\r\nRSET\r\nQUIT\r\nNOOP\r\n'
like "$(<"$dir/replies")" '250-PIPELINING' "EHLO: PIPELINING"
like "$(<"$dir/replies")" '250-SIZE 20000' "EHLO: SIZE"
like "$(<"$dir/replies")" '250-8BITMIME' "EHLO: 8BITMIME"
like "$(<"$dir/replies")" '250-DSN' "EHLO: DSN"
like "$(<"$dir/replies")" '250-ENHANCEDSTATUSCODES' \
    "EHLO: ENHANCEDSTATUSCODES"
like "$(<"$dir/replies")" '250 SMTPUTF8' "EHLO: SMTPUTF8"
ok "each reply ends with CRLF" eval \
    '! grep -qv "^[0-9][0-9][0-9][ -].*"$'"'\r'"'$ "$dir/replies"'
talks "commands in any case, spaces around them" \
    "220 250 250 250 250 250 250 221" \
    'hElO me\r\n  noop\t\r\nmail from:<a@x.test>\r\nRsEt\r\nMAIL  FROM : <a@x.test>  size=3\r\nrcpt  to :\t<b@x.test> \r\nquit\r\n'
talks "what is not there" "220 502 502 502 502 502 502 500 500 221" \
    'EXPN list\r\nETRN x\r\nBDAT 5 LAST\r\nSTARTTLS\r\nAUTH PLAIN AGEAYg==\r\nTURN\r\nFROB\r\n\r\nQUIT\r\n'
talks "out of turn" "220 503 503 250 503 503 250 503 221" \
    'RCPT TO:<a@x.test>\r\nDATA\r\nMAIL FROM:<a@x.test>\r\nMAIL FROM:<b@x.test>\r\nDATA\r\nRSET\r\nRCPT TO:<b@x.test>\r\nQUIT\r\n'
talks "HELO and EHLO forget the sender" "220 250 250 503 221" \
    'MAIL FROM:<a@x.test>\r\nHELO x\r\nRCPT TO:<b@x.test>\r\nQUIT\r\n'
talks "arguments where none belong, none where one does" \
    "220 501 250 250 501 250 501 503 501 501 221" \
    'VRFY\r\nMAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA now\r\nNOOP\r\nRSET all\r\nMAIL\r\nRCPT\r\nRCPT TO\r\nQUIT\r\n' ||
    diag "$(<"$dir/replies")"
like "$(sed -n 's/^501 //p' "$dir/replies" | head -n 3 | tail -n 1)" RSET \
    "RSET has no argument"
talks "paths" "220 501 501 501 501 501 501 250 250 501 501 501 250 221" \
    'MAIL FROM:\r\nMAIL TO:<a@x.test>\r\nMAIL FROM<a@x.test>\r\nMAIL FROM:<a@x.test\r\nMAIL FROM:<a@x.test>SIZE=1\r\nMAIL FROM:<a@x.test,b@x.test>\r\nMAIL FROM:a@x.test SIZE=1\r\nRCPT TO:b@x.test\r\nRCPT TO:<>\r\nRCPT TO:<c@x.test, d@x.test>\r\nRCPT TO:<<e@x.test>>\r\nRCPT TO:<@relay.test:"q r"@x.test>\r\nQUIT\r\n'
talks "HTTP is cut off" "220 521" \
    'POST / HTTP/1.1\r\nHost: localhost:25\r\n\r\nMAIL FROM:<a@x.test>\r\n'
talks "a NUL in a command" "220 500 250 221" \
    'MAIL FROM:<a\0b@x.test>\r\nNOOP\r\nQUIT\r\n'
talks "a bare CR in a command makes no second one" "220 555 250 221" \
    'MAIL FROM:<a@x.test>\rRCPT TO:<b@x.test>\r\nRSET\r\nQUIT\r\n'
is "$(queued)|$(queued tmp)" "0|0" "nothing queued by all that"

# ---- parameters --------------------------------------------------------

talks "parameters of MAIL" \
    "220 250 250 552 501 501 501 501 555 555 501 501 501 501 501 501 250 221" \
    'MAIL FROM:<> SIZE=20000 BODY=7bit RET=hdrs ENVID=x SMTPUTF8\r\nRSET\r\nMAIL FROM:<> SIZE=20001\r\nMAIL FROM:<> SIZE=\r\nMAIL FROM:<> SIZE=-1\r\nMAIL FROM:<> SIZE=1x\r\nMAIL FROM:<> BODY=BINARYMIME\r\nMAIL FROM:<> AUTH=<>\r\nMAIL FROM:<> NOTIFY=NEVER\r\nMAIL FROM:<> RET=ALL\r\nMAIL FROM:<> SMTPUTF8=yes\r\nMAIL FROM:<> ENVID=\r\nMAIL FROM:<> ENVID=a+4\r\nMAIL FROM:<> ENVID=a+0D+0Ab\r\nMAIL FROM:<> SIZE=1 size=1\r\nMAIL FROM:<> SMTPUTF8\r\nQUIT\r\n' ||
    diag "$(<"$dir/replies")"
talks "parameters of RCPT" \
    "220 250 250 501 501 501 501 501 501 555 555 501 250 221" \
    'MAIL FROM:<>\r\nRCPT TO:<a@x.test> NOTIFY=failure,Delay,SUCCESS ORCPT=rfc822;a@x.test\r\nRCPT TO:<a@x.test> NOTIFY=NEVER,DELAY\r\nRCPT TO:<a@x.test> NOTIFY=\r\nRCPT TO:<a@x.test> NOTIFY=SOMETIMES\r\nRCPT TO:<a@x.test> ORCPT=a@x.test\r\nRCPT TO:<a@x.test> ORCPT=rfc822;a+00b\r\nRCPT TO:<a@x.test> ORCPT=rfc822;a=b\r\nRCPT TO:<a@x.test> RET=FULL\r\nRCPT TO:<a@x.test> X\r\nRCPT TO:<a@x.test> NOTIFY=NEVER NOTIFY=NEVER\r\nRCPT TO:<b@x.test> NOTIFY=NEVER\r\nQUIT\r\n' ||
    diag "$(<"$dir/replies")"
long=$(printf '%0250d' 7)
talks "xtext has a limit" "220 250 501 501 250 221" \
    "MAIL FROM:<a@x.test> ENVID=$long\\r\\nRSET now\\r\\nRCPT TO:<a@x.test> ORCPT=rfc822;$long\\r\\nRSET\\r\\nQUIT\\r\\n"
talks "ENVID over the limit" "220 501 221" \
    "MAIL FROM:<a@x.test> ENVID=${long}1\\r\\nQUIT\\r\\n"
session 'EHLO x\r\nMAIL FROM:<s@x.test> RET=FULL ENVID=a+2Bb+3dc BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<a@x.test> NOTIFY=DELAY,FAILURE ORCPT=rfc822;A+2Ba@x.test\r\nRCPT TO:<b@x.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n'
is "$(envelope_of "$(newest)" | sed '1d; /^arrival/d; /^message-id/d')" "uid $(id -u)
sender s@x.test
envid a+b=c
ret FULL
body 8BITMIME
smtputf8 yes
rcpt a@x.test NOTIFY=FAILURE,DELAY ORCPT=rfc822;A+a@x.test
rcpt b@x.test" "all of them in the envelope" || diag "$(<"$dir/replies")"
clear_queue

# What an alias leads to gets the parameters of its RCPT, all of it.
cat >"$dir/aliases" <<'END'
team: x@y.test, y@y.test
crowd: 1@y.test, 2@y.test, 3@y.test, 4@y.test
END
sed "s|^spool = .*|&\naliases = \"$dir/aliases\"|" "$dir/conf" >"$dir/aliased"
mv "$dir/conf" "$dir/plain"
mv "$dir/aliased" "$dir/conf"
session 'EHLO x\r\nMAIL FROM:<s@x.test>\r\nRCPT TO:<team> NOTIFY=NEVER ORCPT=rfc822;team@x.test\r\nRCPT TO:<crowd>\r\nRCPT TO:<z@y.test>\r\nDATA\r\n\r\nx\r\n.\r\nQUIT\r\n'
is "$status|$said|$codes" \
    "0||220 250- 250- 250- 250- 250- 250- 250 250 250 452 250 354 250 221" \
    "an alias, and one that is too many"
is "$(sed -n '/^rcpt/p' "$(newest)")" \
    "rcpt x@y.test NOTIFY=NEVER ORCPT=rfc822;team@x.test
rcpt y@y.test NOTIFY=NEVER ORCPT=rfc822;team@x.test
rcpt z@y.test" "the parameters are for all that it leads to"
mv "$dir/plain" "$dir/conf"
clear_queue

# ---- limits ------------------------------------------------------------

rcpts=$(printf 'RCPT TO:<r%d@x.test>\\r\\n' {1..7})
talks "recipients" "220 250 250 250 250 250 250 452 452 354 250 221" \
    "MAIL FROM:<>\\r\\n${rcpts}DATA\\r\\nx\\r\\n.\\r\\nQUIT\\r\\n"
is "$(grep -c '^rcpt ' "$(newest)")" 5 "those that were taken get it"
clear_queue
talks "a session goes on after too long a message" \
    "220 250 250 354 552 250 250 354 250 221" \
    "MAIL FROM:<>\\r\\nRCPT TO:<a@x.test>\\r\\nDATA\\r\\n$(printf '%0900d\\r\\n' {1..25}).\\r\\nMAIL FROM:<>\\r\\nRCPT TO:<a@x.test>\\r\\nDATA\\r\\nshort\\r\\n.\\r\\nQUIT\\r\\n"
is "$(queued)|$(queued tmp)" "1|0" "only the short one is queued"
like "$(sed -n 5p "$dir/replies")" '^552 5\.3\.4 ' "the long one was too long"
clear_queue
fields=$(printf 'Received: from %d\\r\\n' {1..100})
looping="MAIL FROM:<>\\r\\nRCPT TO:<a@x.test>\\r\\nDATA\\r\\n$fields"
talks "a message that loops" "220 250 250 354 554 250 250 354 250 221" \
    "${looping}Received: from 101\\r\\n\\r\\nx\\r\\n.\\r\\n$looping\\r\\nx\\r\\n.\\r\\nQUIT\\r\\n"
like "$(sed -n 5p "$dir/replies")" '^554 5\.4\.6 .*loop' "it is told why"
is "$(queued)|$(queued tmp)" "1|0" "only the one with 100 hops is queued"
clear_queue
talks "a line of 2048 bytes" "220 250 500 250 221" \
    "NOOP $(printf '%02043d' 1)\\r\\nNOOP $(printf '%02044d' 1)\\r\\nNOOP\\r\\nQUIT\\r\\n"
talks "a line of 300 kB is swallowed whole" "220 500 250 221" \
    "NOOP $(printf '%0300000d' 1) QUIT\\r\\nNOOP\\r\\nQUIT\\r\\n"
session "$(printf 'FROB%.0s\\r\\n' {1..150})QUIT\\r\\n"
is "$codes" "220$(printf ' 500%.0s' {1..100}) 421" "100 errors, then 421"
session "$(printf 'NOOP%.0s\\r\\n' {1..250})QUIT\\r\\n"
is "$codes" "220$(printf ' 250%.0s' {1..200}) 421" "200 times NOOP, then 421"
is "$(tail -n 1 "$dir/replies")" $'421 4.7.0 too many errors\r' "421 says why"
one='MAIL FROM:<>\r\nRCPT TO:<a@x.test>\r\nDATA\r\nx\r\n.\r\n'
noops=$(printf 'NOOP%.0s\\r\\n' {1..90})$(printf 'FROB%.0s\\r\\n' {1..90})
session "$noops$one$noops${one}QUIT\\r\\n"
is "${codes: -3}|$(queued)" "221|2" "each message lets begin to count anew"
clear_queue

# ---- the final dot -----------------------------------------------------

session 'HELO me\nMAIL FROM:<>\nRCPT TO:<a@x.test>\nDATA\nSubject: x\n\n..a\nb\r\n..\n.\nQUIT\n'
is "$codes|$(queued)" "220 250 250 250 354 250 221|1" "LF in all, LF.LF ends"
is "$(body_of "$(newest)")" $'.a\r\nb\r\n.\r' "its text"
clear_queue

# Each sequence between text and a second message that must not be one; with
# the input cut in two at every place, and byte by byte.
cat >"$dir/smuggle.py" <<'END'
import glob, os, socket, subprocess, sys
sendmail, conf, spool = sys.argv[1:]
sequences = {
    r'\n.\n': [b'.'], r'\n.\r\n': [b'.'], r'\r\n.\n': [b''],
    r'\r.\r\n': None, r'\r\n.\r': None, r'\r.\r': None, r'\r.\n': None,
    r'\n.\r': None, r'\n\n.\n': [b'', b'.'], r'\r\n.\r\r\n': [b''],
    r'\r\r\n.\n': [b''], r'\n.\r\n.\n': [b'.', b''], r'\r\n.\0\r\n': None,
    r'\r\n\0.\r\n': None, r'\n\r.\r\n': None, r'\r\n .\r\n': [b' .'],
    r'\r\n..\r\n': [b'.'], r'\n..\r\n': [b'..'],
}
head = b'MAIL FROM:<s@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n'
evil = b'MAIL FROM:<evil@x.test>\r\nRCPT TO:<v@x.test>\r\nDATA\r\nbad\r\n'
want = ['220', '250', '250', '354', '250', '221']

def run(packets):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for packet in packets:
        if packet:
            ours.send(packet)
    ours.close()
    done = subprocess.run([sendmail, '-C', conf, '-bs'], stdin=theirs,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    theirs.close()
    codes = [line[:3].decode() for line in done.stdout.splitlines()]
    found = glob.glob(spool + '/queue/*')
    texts = [open(path, 'rb').read() for path in found]
    for path in found:
        os.unlink(path)
    return codes, texts

def judge(name, lines, packets):
    codes, texts = run(packets)
    if codes != want or len(texts) != 1:
        return 'replies %s, %d messages' % (' '.join(codes), len(texts))
    text = texts[0].split(b'\n\n', 1)[1].split(b'\r\n\r\n', 1)[1]
    if text.count(b'\n') != text.count(b'\r\n') or \
       text.count(b'\r') != text.count(b'\r\n'):
        return 'a bare CR or LF: %r' % text
    if text.count(b'evil@x.test') != 1 or not text.endswith(b'end\r\n'):
        return 'text %r' % text
    if lines is not None:
        got = text[:text.index(b'MAIL')].split(b'\r\n')[1:-1]
        if got != lines:
            return 'lines %r' % got
    return None

for name, lines in sequences.items():
    sequence = name.encode().decode('unicode_escape').encode()
    message = b'first' + sequence + evil + b'end\r\n.\r\n'
    session = head + b'Subject: x\r\n\r\n' + message + b'QUIT\r\n'
    at = session.index(b'first') + 5
    cuts = [[session[:cut], session[cut:]]
            for cut in range(at - 2, at + len(sequence) + 3)]
    cuts += [[session[:cut], session[cut:]]
             for cut in range(len(session) - 12, len(session))]
    cuts += [[session], [session[i:i + 1] for i in range(len(session))]]
    bad = [fault for fault in (judge(name, lines, cut) for cut in cuts) if fault]
    print('%s: %d times one message' % (name, len(cuts)) if not bad
          else '%s: %s' % (name, bad[0]), flush=True)
END
python3 "$dir/smuggle.py" "$SENDMAIL" "$dir/conf" "$spool" \
    >"$dir/smuggled" 2>"$dir/smuggle.log"
is "$?|$(wc -l <"$dir/smuggled")" "0|18" "the sequences have been tried"
while read -r line; do
	like "$line" ': [0-9]+ times one message$' "no end: $line"
done <"$dir/smuggled"
is "$(queued)|$(queued tmp)" "0|0" "nothing is left of them"

# A second message straight behind the dot, and a dot straight behind DATA.
talks "an empty message" "220 250 250 354 250 221" \
    'MAIL FROM:<>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n.\r\nQUIT\r\n'
clear_queue
talks "a message that is all header, and one after it" \
    "220 250 250 354 250 250 250 354 250 221" \
    'MAIL FROM:<>\r\nRCPT TO:<a@x.test>\r\nDATA\r\nSubject: 1\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.test>\r\nDATA\r\nSubject: 2\r\n\r\n.\r\nQUIT\r\n'
is "$(queued)" 2 "both are queued"
clear_queue

# ---- the end comes early -----------------------------------------------

for end in 'half' 'half\r\n' 'half\r\n.' 'half\r\n.\r' 'half\n.\n' ''; do
	talks "input ends in DATA after '$end'" "220 250 250 354" \
	    "MAIL FROM:<>\\r\\nRCPT TO:<a@x.test>\\r\\nDATA\\r\\n$end"
done
is "$(queued)|$(queued tmp)" "0|0" "nothing queued, nothing left"
mkfifo "$dir/to" "$dir/from"
sed 's/^message_size_max.*/message_size_max = 9000000/' "$dir/conf" >"$dir/big"
"$SENDMAIL" -C "$dir/big" -bs <"$dir/to" >"$dir/from" 2>"$dir/said" &
pid=$!
exec {to}>"$dir/to" {from}<"$dir/from"

# answer: the next whole reply's code, at most 10 s later
answer() {
	local line
	until read -r -t 10 -u "$from" line || return 1
	    [[ ${line:3:1} != - ]]; do :; done
	printf '%s ' "${line:0:3}"
}
step() {
	printf '%s\r\n' "$1" >&"$to"
	answer
}

is "$(answer; step 'EHLO x'; step 'MAIL FROM:<>'; step 'RCPT TO:<a@x.test>'
    step DATA)" "220 250 250 250 354 " "step by step"
# More than a pipe holds: it is in the middle of that.
printf 'Subject: x\r\n\r\n%0500000d\r\n' 1 >&"$to"
kill -TERM "$pid"
wait "$pid"
is "$?|$(queued)|$(queued tmp)" "143|0|0" "SIGTERM in DATA queues nothing"
exec {to}>&- {from}<&-

# ---- when nothing can be taken -------------------------------------------

# turned_away STATUS NAME ARGS...: the client hears it, and so does stderr
turned_away() {
	local want=$1 name=$2
	shift 2
	printf 'EHLO x\r\nQUIT\r\n' | "$SENDMAIL" "$@" -bs \
	    >"$dir/replies" 2>"$dir/said"
	is "${PIPESTATUS[1]}|$(<"$dir/replies")|$(wc -l <"$dir/said")" \
	    "$want|421 4.3.0 no mail can be taken now"$'\r'"|1" "$name"
}
echo 'nonsense = 1' >"$dir/wrong"
turned_away 78 "no configuration" -C "$dir/nowhere"
turned_away 78 "a wrong configuration" -C "$dir/wrong"
turned_away 75 "no spool" -C "$dir/conf" --spool "$dir/nowhere"

# ---- the dialogues of clients ------------------------------------------

# converse NAME WANT LINE...: each line is sent when the last was answered; one
# that begins with ":" is sent without waiting
converse() {
	local name=$1 want=$2 line
	shift 2
	"$SENDMAIL" -C "$dir/conf" -bs <"$dir/to" >"$dir/from" 2>"$dir/said" &
	pid=$!
	exec {to}>"$dir/to" {from}<"$dir/from"
	{
		answer
		for line; do
			case $line in
			:*) printf '%s\r\n' "${line#:}" >&"$to" ;;
			*) step "$line" ;;
			esac
		done
	} >"$dir/heard"
	exec {to}>&-
	wait "$pid"
	is "$?|$(<"$dir/said")|$(<"$dir/heard")" "0||$want" "$name"
	exec {from}<&-
}

converse "Symfony and Laravel: two messages, a ping, a refusal, RSET" \
    "220 250 250 250 354 250 250 250 250 354 250 250 501 250 221 " \
    'EHLO [127.0.0.1]' 'MAIL FROM:<s@x.test>' 'RCPT TO:<a@x.test>' DATA \
    ':Subject: 1' ':' ':one' ':..dot' . NOOP \
    'MAIL FROM:<s@x.test>' 'RCPT TO:<b@x.test>' DATA ':Subject: 2' ':' ':two' . \
    'MAIL FROM:<s@x.test>' 'RCPT TO:<b c@x.test>' RSET QUIT
is "$(queued)" 2 "both are queued"
is "$(body_of "$(find "$spool/queue" -type f | sort | head -n 1)")" \
    $'one\r\n.dot\r' "the first"
clear_queue
converse "SwiftMailer: HELO, sender, many recipients, end without QUIT" \
    "220 250 250 250 250 354 250 " \
    'HELO [127.0.0.1]' 'MAIL FROM:<s@x.test>' 'RCPT TO:<a@x.test>' \
    'RCPT TO:<b@x.test>' DATA ':Subject: 1' ':' ':one' .
is "$(queued)" 1 "it is queued"
clear_queue
converse "alpine: RSET first, 8BITMIME, DSN" \
    "220 250 250 250 250 354 250 221 " \
    'EHLO host' RSET \
    'MAIL FROM:<s@x.test> BODY=8BITMIME RET=HDRS ENVID=alpine.2.26' \
    'RCPT TO:<a@x.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a@x.test' \
    DATA ':Subject: 1' ':' ':one' . QUIT
is "$(queued)" 1 "it is queued"
clear_queue
python3 - "$SENDMAIL" "$dir/conf" >"$dir/cut" 2>"$dir/cut.log" <<'END'
import os, subprocess, sys
text = (b'EHLO x\r\nMAIL FROM:<s@x.test>\r\nRCPT TO:<a@x.test>\r\nDATA\r\n'
        b'Subject: x\r\n\r\none\r\n.\r\nNOOP\r\nQUIT\r\n')
child = subprocess.Popen([sys.argv[1], '-C', sys.argv[2], '-bs'], bufsize=0,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for i in range(len(text)):
    child.stdin.write(text[i:i + 1])
child.stdin.close()
print(' '.join(line[:3].decode() for line in child.stdout if line[3:4] == b' '),
      child.wait())
END
is "$(<"$dir/cut")|$(queued)" "220 250 250 250 354 250 250 221 0|1" \
    "byte by byte"
is "$(queued tmp)" 0 "nothing is left in tmp/"
clear_queue

done_testing
