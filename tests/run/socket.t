#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# localhost:25: systemd starts sendmail -bs for each connection, as
# contrib/systemd/ has it, for real clients, and what they sent reaches the
# relay.

. "${srcdir:?}/tests/run/lib.sh"
need python3 python3
need systemd-socket-activate systemd

unit=$builddir/contrib/systemd/spoold-smtp@.service
socket=$srcdir/contrib/systemd/spoold-smtp.socket
# The arguments that systemd would give it.
read -r -a exec < <(sed -n 's/^ExecStart=-//p' "$unit")
is "${exec[0]##*/} ${exec[*]:1}" "sendmail -bs" "what the unit runs"

make_spool
start_smtpd
config=$dir/conf
cat >"$config" <<END
spool = "$spool"
origin = "origin.test"
message_size_max = 1000000
END
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none

# serve NAME ADDRESS PORT: listen there; its log is $dir/NAME.log
serve() {
	systemd-socket-activate --accept --inetd -l "$2:$3" \
	    -E ASAN_OPTIONS -E UBSAN_OPTIONS -E LSAN_OPTIONS \
	    "$SENDMAIL" -C "$config" "${exec[@]:1}" >"$dir/$1.log" 2>&1 &
	server=$!
	wait_for 10 has_line "$dir/$1.log" "^Listening on"
}

free_port() { # FAMILY ADDRESS
	python3 -c 'import socket, sys
s = socket.socket(getattr(socket, sys.argv[1]))
s.bind((sys.argv[2], 0))
print(s.getsockname()[1])' "$@"
}

port=$(free_port AF_INET 127.0.0.1)
ok "it listens" serve socket 127.0.0.1 "$port"

is_sanitized() {
	grep -aqE '__(asan|tsan|ubsan)_' "$SENDMAIL"
}

# arrived N: the relay has so many messages and the queue is empty
arrived() {
	has_messages "$1" && queue_has 0
}

# file_of SUBJECT: where the relay put the message
file_of() {
	grep -l "^Subject: $1" "$smtpd_out"/*.eml | head -n 1
}

# header_of SUBJECT: unfolded, without CR
header_of() {
	sed 's/\r$//; /^$/,$d' "$(file_of "$1")" | sed -e ':a' -e 'N; $!ba' \
	    -e 's/\n[ \t][ \t]*/ /g'
}

# envelope_of SUBJECT: as the relay saw it
envelope_of() {
	local file
	file=$(file_of "$1")
	sed -n '/^mail\|^rcpt/p' "${file%.eml}.env"
}

# received_of SUBJECT HELO WITH NAME: the field that tells where it came from
received_of() {
	like "$(header_of "$1" | head -n 1)" "^Received: from $2 \(\[127\.0\.0\.1\]\) by origin\.test with $3 \(from userid $(id -u)\); [A-Z][a-z][a-z], [0-9]{1,2} [A-Z][a-z][a-z] [0-9]{4} [0-9:]{8} [-+][0-9]{4}$" "$4"
}

# logged FILE COMMAND...: all that it prints goes there
logged() {
	local log=$dir/$1
	shift
	"$@" >>"$log" 2>&1
}

expected=0

# ---- Python's smtplib --------------------------------------------------

cat >"$dir/python.py" <<'END'
import smtplib, sys
from email.message import EmailMessage

port = int(sys.argv[1])
with smtplib.SMTP('127.0.0.1', port, local_hostname='py.test') as smtp:
    message = EmailMessage()
    message['From'] = 'ann@x.test'
    message['To'] = 'bob@y.test, eve@y.test'
    message['Bcc'] = 'hidden@y.test'
    message['Subject'] = 'python one'
    message.set_content('.\n..\n.x\nplain\n')
    assert smtp.send_message(message) == {}
    code, _ = smtp.verify('bob@y.test')
    assert code == 252, code
    refused = smtp.sendmail('ann@x.test', ['', 'bob@y.test'],
                            b'Subject: python two\r\n\r\ncaf\xc3\xa9\r\n',
                            mail_options=['BODY=8BITMIME', 'RET=HDRS',
                                          'ENVID=QQ+2B1'],
                            rcpt_options=['NOTIFY=FAILURE,DELAY',
                                          'ORCPT=rfc822;bob@y.test'])
    assert refused[''][0] == 501, refused
    try:
        smtp.sendmail('ann@x.test', 'bob@y.test', b'x' * 1100000)
        raise SystemExit('too large a message was taken')
    except smtplib.SMTPSenderRefused as error:
        assert error.smtp_code == 552, error
    smtp.ehlo_or_helo_if_needed()
    assert smtp.has_extn('smtputf8') and smtp.has_extn('pipelining')
    assert smtp.esmtp_features['size'] == '1000000'
with smtplib.SMTP('127.0.0.1', port, local_hostname='old') as smtp:
    smtp.helo('a b\tc(\x01)<script>')
    smtp.sendmail('ann@x.test', 'bob@y.test', b'Subject: python three\n\nx\n')
END
ok "Python's smtplib" logged python.log python3 "$dir/python.py" "$port"
expected=$((expected + 3))
ok "its messages arrive" wait_for 20 arrived $expected
is "$(envelope_of "python one" | sed 's/ SIZE=[0-9]*//; s/ *$//')" \
    "mail <ann@x.test>
rcpt <bob@y.test>
rcpt <eve@y.test>
rcpt <hidden@y.test>" "the first: envelope"
unlike "$(header_of "python one")" "[Hh]idden" "the first: no Bcc"
is "$(sed '1,/^\r$/d' "$(file_of "python one")")" \
    $'.\r\n..\r\n.x\r\nplain\r' "the first: text"
received_of "python one" py.test ESMTP "the first: Received"
like "$(envelope_of "python two")" \
    'mail <ann@x.test>.* RET=HDRS ENVID=QQ\+2B1' "the second: RET and ENVID"
like "$(envelope_of "python two")" 'BODY=8BITMIME' "the second: 8BITMIME"
like "$(envelope_of "python two")" \
    'rcpt <bob@y.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@y.test' \
    "the second: NOTIFY and ORCPT"
like "$(<"$(file_of "python two")")" $'caf\303\251' "the second: text"
received_of "python three" 'a.b.c\?\?\?\?script\?' SMTP \
    "the third: what it calls itself is harmless"

# ---- swaks -------------------------------------------------------------

if command -v swaks >/dev/null; then
	ok "swaks, pipelining" logged swaks.log swaks \
	    --server "127.0.0.1:$port" --pipeline --ehlo swaks.test \
	    --from ann@x.test --to bob@y.test,eve@y.test \
	    --header 'Subject: swaks' --body $'.\nswaks\n'
	expected=$((expected + 1))
	ok "its message arrives" wait_for 20 arrived $expected
	is "$(envelope_of swaks | grep -c ^rcpt)" 2 "with both recipients"
	received_of swaks swaks.test ESMTP "with Received"
	fails 28 "swaks: no AUTH" logged swaks.log swaks \
	    --server "127.0.0.1:$port" --from a@x.test --to b@y.test \
	    --auth PLAIN --auth-user a --auth-password b
	fails 29 "swaks: no TLS" logged swaks.log swaks \
	    --server "127.0.0.1:$port" --from a@x.test --to b@y.test --tls
else
	skip "swaks" "it is not installed (Debian package swaks)"
fi

# ---- Nodemailer --------------------------------------------------------

cat >"$dir/mail.js" <<'END'
const nodemailer = require('nodemailer');
const transport = nodemailer.createTransport({
	host: '127.0.0.1', port: Number(process.argv[2]), name: 'node.test',
	pool: true, maxConnections: 3,
});
(async () => {
	await transport.verify();
	await Promise.all([1, 2, 3, 4, 5, 6].map((i) => transport.sendMail({
		from: 'Ann <ann@x.test>', to: 'bob@y.test', bcc: 'b' + i + '@y.test',
		subject: 'node ' + i, text: '.\nnumber ' + i + '\n',
		dsn: { id: 'id+' + i, return: 'headers', notify: ['failure'],
		    recipient: 'ann@x.test' },
	})));
	transport.close();
})().catch((error) => { console.error(error); process.exit(1); });
END
export NODE_PATH=/usr/share/nodejs
if node -e 'require("nodemailer")' 2>/dev/null; then
	ok "Nodemailer, six messages over three connections" \
	    logged node.log timeout 60 node "$dir/mail.js" "$port"
	expected=$((expected + 6))
	ok "its messages arrive" wait_for 20 arrived $expected
	for i in 1 2 3 4 5 6; do
		like "$(envelope_of "node $i")" "ENVID=id\\+2B$i" \
		    "number $i: ENVID"
		is "$(envelope_of "node $i" | grep -c "^rcpt .* NOTIFY=FAILURE")" \
		    2 "number $i: NOTIFY for both"
	done
	received_of "node 3" node.test ESMTP "with Received"
else
	skip "Nodemailer" "it is not installed (Debian package node-nodemailer)"
fi

# ---- an address with 8-bit characters ----------------------------------

stop_spoold
# spoold leaves it there when the relay has not offered SMTPUTF8.
rm -f "$spool/.no-smtputf8"
cat >"$dir/utf8.py" <<'END'
import smtplib, sys
from email.message import EmailMessage
from email.policy import SMTPUTF8
message = EmailMessage(policy=SMTPUTF8)
message['From'] = 'ann@x.test'
message['To'] = 'j\u00fcrg@y.test'
message['Subject'] = 'gr\u00fc\u00dfe'
message.set_content('x')
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as smtp:
    smtp.send_message(message)
END
ok "Python's smtplib with SMTPUTF8" logged python.log \
    python3 "$dir/utf8.py" "$port"
is "$(queued)" 1 "it is queued"
file=$(find "$spool/queue" -type f)
is "$(grep -as '^rcpt\|^smtputf8\|^uid' "$file")" "uid $(id -u)
smtputf8 yes
rcpt j%C3%BCrg@y.test" "its envelope"
like "$(grep -as -A 1 '^Received' "$file")" "with UTF8SMTP" "its Received"
rm -f "$spool"/queue/*
: >"$spool/.no-smtputf8"
ok "it is refused where the relay is known not to take it" \
    eval '! logged python.log python3 "$dir/utf8.py" "$port"'
like "$(tail -n 1 "$dir/python.log")" "553, .*5\.6\.7 .*SMTPUTF8" "and told why"
rm "$spool/.no-smtputf8"

# ---- more of them at once ----------------------------------------------

cat >"$dir/many.py" <<'END'
import smtplib, sys, threading
failed = []
def work(i):
    try:
        with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as smtp:
            for j in range(5):
                smtp.sendmail('a@x.test', 'r%d-%d@y.test' % (i, j),
                              b'Subject: many\r\n\r\nx\r\n')
    except Exception as error:
        failed.append(error)
threads = [threading.Thread(target=work, args=(i,)) for i in range(20)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(str(failed[0]) if failed else 0)
END
ok "20 connections at once, 5 messages each" python3 "$dir/many.py" "$port" \
    2>>"$dir/python.log"
is "$(queued)|$(queued tmp)" "100|0" "all of them are queued"
is "$(cat "$spool"/queue/* | grep -ac '^rcpt r')" 100 "each for its own"
rm -f "$spool"/queue/*

# ---- connections that end in the middle --------------------------------

for end in close shutdown reset; do
	ok "a connection that ends in DATA: $end" python3 - "$port" "$end" \
	    2>>"$dir/python.log" <<'END'
import socket, struct, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
f = s.makefile('rb')
assert f.readline()[:3] == b'220'
s.sendall(b'MAIL FROM:<>\r\nRCPT TO:<a@y.test>\r\nDATA\r\n')
assert [f.readline()[:3] for _ in range(3)] == [b'250', b'250', b'354']
s.sendall(b'Subject: x\r\n\r\nhalf\r\n.\r')
if sys.argv[2] == 'shutdown':
    s.shutdown(socket.SHUT_WR)
    assert f.readline() == b''
elif sys.argv[2] == 'reset':
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
f.close()
s.close()
END
done
answers=$(printf 'NOOP\r\nQUIT\r\n' | python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.stdin.buffer.read())
print(" ".join(line[:3].decode() for line in s.makefile("rb")))' "$port")
is "$answers" "220 250 221" "the next one is served"
no_sessions() {
	! ps -o args= --ppid "$server" | grep -q "sendmail.*-bs"
}
ok "no session is left" wait_for 20 no_sessions
is "$(queued)|$(queued tmp)" "0|0" "nothing queued by them"

# ---- time --------------------------------------------------------------

# poll(2) that says at once that its time is over stands for five minutes.
if command -v strace >/dev/null && strace -o "$dir/probe" true 2>/dev/null
then
	cat >"$dir/slow.py" <<'END'
import os, socket, subprocess, sys
listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
served, _ = listener.accept()
client.sendall(sys.argv[2].encode().decode('unicode_escape').encode())
child = subprocess.Popen(['strace', '-o', os.devnull, '-e',
                          'inject=poll:retval=0:when=2+'] + sys.argv[3:],
                         stdin=served, stdout=served)
served.close()
print(' '.join(line[:3].decode() for line in client.makefile('rb')),
      child.wait() > 0)
END
	is "$(ASAN_OPTIONS=detect_leaks=0 python3 "$dir/slow.py" x \
	    'NOOP\r\n' "$SENDMAIL" -C "$config" -bs)" "220 250 421 True" \
	    "a client that says nothing for too long"
	is "$(ASAN_OPTIONS=detect_leaks=0 python3 "$dir/slow.py" x \
	    'MAIL FROM:<>\r\nRCPT TO:<a@y.test>\r\nDATA\r\nSubject: x\r\n' \
	    "$SENDMAIL" -C "$config" -bs)" "220 250 250 354 421 False" \
	    "and one that does so in DATA"
	is "$(queued)|$(queued tmp)" "0|0" "nothing queued"
else
	skip "time" "strace is not installed or not allowed"
fi

# ---- IPv6 --------------------------------------------------------------

if port6=$(free_port AF_INET6 ::1 2>/dev/null) &&
    serve socket6 '[::1]' "$port6"; then
	ok "IPv6" python3 -c '
import smtplib, sys
with smtplib.SMTP("::1", int(sys.argv[1]), local_hostname="six") as smtp:
    smtp.sendmail("a@x.test", "b@y.test", b"Subject: six\r\n\r\nx\r\n")' \
	    "$port6" 2>>"$dir/python.log"
	like "$(tr -d '\r' <"$(find "$spool/queue" -type f)" | paste -s -d ' ')" \
	    'Received: from six \(\[IPv6:::1\]\) .*from userid '"$(id -u)" \
	    "its Received"
	rm -f "$spool"/queue/*
else
	port6=
	skip "IPv6" "no IPv6 here"
fi

# ---- whose connection it is --------------------------------------------

# An IPv6 socket that takes IPv4 as well: the client's address is mapped.
port46=$(free_port AF_INET 0.0.0.0)
serve socket46 '[::]' "$port46" || port46=
cat >"$dir/owner.py" <<'END'
import os, smtplib, socket, sys
os.setresuid(54321, 54321, 54321)
class Client(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        sock = socket.socket(family)
        sock.settimeout(20)
        sock.connect((host, port))
        return sock
with Client(sys.argv[1], int(sys.argv[2]), local_hostname='who') as smtp:
    smtp.sendmail('a@x.test', 'b@y.test', b'Subject: x\r\n\r\nx\r\n')
END

# knows_owner NAME ADDRESS PORT SHOWN: of a client of another user
knows_owner() {
	if [ -z "$3" ]; then
		skip "$1" "no IPv6 here"
		return
	fi
	ok "$1" logged python.log python3 "$dir/owner.py" "$2" "$3"
	like "$(cat "$spool"/queue/* | tr -d '\r' | paste -s -d ' ')" \
	    "Received: from who \\(\\[$4\\]\\) .*from userid 54321\\)" \
	    "$1: its user"
	is "$(grep -ahs '^uid' "$spool"/queue/*)" "uid 54321" \
	    "$1: the message is that user's"
	rm -f "$spool"/queue/*
}
if [ "$(id -u)" -eq 0 ]; then
	v4='127\.0\.0\.1'
	knows_owner "IPv4" 127.0.0.1 "$port" "$v4"
	knows_owner "IPv4 over an IPv6 socket" ::ffff:127.0.0.1 "$port" "$v4"
	knows_owner "IPv6" ::1 "$port6" IPv6:::1
	knows_owner "IPv6, where both are served" ::1 "$port46" IPv6:::1
	knows_owner "IPv4, where both are served" 127.0.0.1 "$port46" "$v4"
	knows_owner "IPv4 over an IPv6 socket, where both are served" \
	    ::ffff:127.0.0.1 "$port46" "$v4"
else
	skip "whose connection it is" "needs root"
fi

# ---- clients from elsewhere --------------------------------------------

cat >"$dir/knock.py" <<'END'
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
s.sendall(b'MAIL FROM:<>\r\nRCPT TO:<a@y.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n')
try:
    print(' '.join(line[:9].decode() for line in s.makefile('rb')))
except ConnectionResetError:
    print('reset')
END

if [ -n "$port46" ]; then
	like "$(python3 "$dir/knock.py" 127.0.0.1 "$port46")" "^220 " \
	    "a mapped address of loopback is one"
	rm -f "$spool"/queue/*
	like "$(python3 "$dir/knock.py" 127.1.2.3 "$port46")" "^220 " \
	    "as all of 127/8 is"
	rm -f "$spool"/queue/*
fi
own=$(python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("192.0.2.77", 9))
print(s.getsockname()[0])' 2>/dev/null)
if [ -n "$own" ] && serve outside 0.0.0.0 "$(free_port AF_INET 0.0.0.0)"; then
	outside=$(sed -n 's/^Listening on .*:\([0-9]*\) .*/\1/p' \
	    "$dir/outside.log")
	like "$(python3 "$dir/knock.py" "$own" "$outside")" \
	    "^(554 5\.7\.1|reset)$" "a client with another address is not served"
	[ -z "$port46" ] ||
		like "$(python3 "$dir/knock.py" "$own" "$port46")" \
		    "^(554 5\.7\.1|reset)$" "nor with a mapped one"
	is "$(queued)|$(queued tmp)" "0|0" "and queues nothing"
else
	skip "a client from elsewhere" "this machine has loopback only"
fi

# ---- the units ---------------------------------------------------------

# What the unit leaves a session suffices for the longest header there may be.
memory=$(sed -n 's/^MemoryMax=\([0-9]*\)M$/\1/p' "$unit")
like "$memory|$(sed -n 's/^TasksMax=//p' "$unit")" '^[0-9]+\|[0-9]+$' \
    "one session has limits"
if ! is_sanitized; then
	sed 's/^message_size_max.*/message_size_max = 50000000/' "$config" \
	    >"$dir/conf.big"
	{
		printf '%s\r\n' 'MAIL FROM:<>' 'RCPT TO:<a@x.test>' DATA
		yes "X-A: $(printf '%0993d' 7)"$'\r' | head -c 16000000
		printf '\r\n\r\nx\r\n.\r\nQUIT\r\n'
	} >"$dir/big"
	is "$(prlimit --data=$((memory << 20)) "$SENDMAIL" -C "$dir/conf.big" \
	    -bs <"$dir/big" | cut -c 1-3 | paste -s -d ' ')" \
	    "220 250 250 354 250 221" "they let a header of 16 MB pass"
	rm -f "$spool"/queue/* "$dir/big"
fi

if command -v systemd-analyze >/dev/null; then
	mkdir "$dir/units"
	sed "s|^ExecStart=-[^ ]*|ExecStart=-$SENDMAIL|" "$unit" \
	    >"$dir/units/spoold-smtp@.service"
	sed -i "s|^User=.*|User=root|; s|^Group=.*|Group=root|" \
	    "$dir/units/spoold-smtp@.service"
	cp "$socket" "$dir/units"
	systemd-analyze verify --man=no "$dir/units/spoold-smtp.socket" \
	    "$dir/units/spoold-smtp@1.service" >"$dir/verify" 2>&1
	is "$?|$(grep -F spoold-smtp "$dir/verify")" "0|" \
	    "systemd finds nothing wrong with them"
	ok "its exposure level is 1.5 at most" logged security.log \
	    systemd-analyze security --no-pager --offline=true \
	    --threshold=15 "$dir/units/spoold-smtp@1.service"
fi

done_testing
