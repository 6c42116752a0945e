#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Logins by token (XOAUTH2, OAUTHBEARER), where secrets come from, and which
# mechanism is taken over what kind of connection.

. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/agent.sh"

make_spool
make_ca
make_cert good 2
make_cert other 2 DNS:other.test
tls=(--cert "$dir/good.pem" --key "$dir/good.key")
common=(host=localhost ca_file="$dir/ca.pem" helo=client.test session_messages=1
    rest_ms=0)
user=ann@x.test

# One that does not fit a command line, and so goes by itself.
long=$(head -c 700 /dev/zero | tr '\0' t)
echo short >"$dir/tokens"
echo "$long" >>"$dir/tokens"

# fetch.sh: says the first line of $dir/now, and counts how often it is asked
cat >"$dir/fetch.sh" <<EOF
echo x >>"$dir/fetched"
head -n 1 "$dir/now"
EOF
fetched() {
	if [ -e "$dir/fetched" ]; then wc -l <"$dir/fetched"; else echo 0; fi
}

for mech in XOAUTH2 OAUTHBEARER; do
	auth=${mech,,}
	start_smtpd "${tls[@]}" --tokens "$dir/tokens" --auth-mechs "$mech" \
	    --require-auth
	for token in short "$long"; do
		name="$mech, ${#token} bytes"
		echo "$token" >"$dir/now"
		rm -f "$dir/fetched"
		ok "$name: ready" start_agent "${common[@]}" tls=starttls \
		    port="$smtpd_port" auth="$auth" user="$user" \
		    password_command="sh '$dir/fetch.sh'"
		delivers "$name"
		delivers "$name, another connection"
		is "$(fetched)" 1 "$name: fetched once for both"
		ok "$name: the agent ends" stop_agent
	done
	like "$(cat "$smtpd_out/000001.env")" $'\nauth '"$user"$'\n' \
	    "$mech: as the user"

	# The token runs out while the agent runs.
	name="$mech, run out"
	echo short >"$dir/now"
	rm -f "$dir/fetched"
	ok "$name: ready" start_agent "${common[@]}" tls=starttls \
	    port="$smtpd_port" auth="$auth" user="$user" \
	    password_command="sh '$dir/fetch.sh'"
	delivers "$name: while it holds"
	echo fresh >"$dir/now"
	echo fresh >"$dir/tokens.new"
	echo "$long" >>"$dir/tokens.new"
	mv "$dir/tokens.new" "$dir/tokens"
	delivers "$name: with a new one"
	is "$(fetched)" 2 "$name: fetched again once"
	echo stale >"$dir/now"
	echo other >"$dir/tokens"
	in_trouble "AUTH $mech: 535 .*status" "$name: refused for good" login
	is "$(fetched)" 3 "$name: fetched again once, no more"
	in_trouble "AUTH $mech: 535" "$name: refused again" login
	is "$(fetched)" 4 "$name: a fresh token is not fetched again"
	ok "$name: the agent ends" stop_agent
	printf '%s\n' short "$long" >"$dir/tokens"

	# From a file, and not in clear.
	echo short >"$dir/file"
	ok "$mech, file: ready" start_agent "${common[@]}" tls=starttls \
	    port="$smtpd_port" auth="$auth" user="$user" \
	    password_file="$dir/file"
	delivers "$mech, file"
	ok "$mech, file: the agent ends" stop_agent
	stop_smtpd
	is "$(cat "$agent_log" "$agent_out" | grep -cE 'short|ttttt|fresh')" 0 \
	    "$mech: no token is told"
done

# As long as Microsoft's, and longer.
cat >"$dir/server.py" <<'EOF'
import base64, os, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
with open(sys.argv[1] + '.new', 'w') as f:
    print(listener.getsockname()[1], file=f)
os.rename(sys.argv[1] + '.new', sys.argv[1])
want = b'user=ann\1auth=Bearer ' + b't' * 8000 + b'\1\1'
sock, _ = listener.accept()
f = sock.makefile('rwb', buffering=0)
f.write(b'220 hello\r\n')
data = False
for line in f:
    word = line.strip().upper()[:4]
    if word == b'EHLO':
        f.write(b'250-hello\r\n250 AUTH XOAUTH2\r\n')
    elif line == b'AUTH XOAUTH2\r\n':
        f.write(b'334 \r\n')
        good = base64.b64decode(f.readline()) == want
        f.write(b'235 ok\r\n' if good else b'535 no\r\n')
    elif word == b'DATA':
        f.write(b'354 go\r\n')
        while f.readline() != b'.\r\n':
            pass
        f.write(b'250 ok\r\n')
    else:
        f.write(b'250 ok\r\n')
EOF
if command -v python3 >/dev/null; then
	python3 "$dir/server.py" "$dir/py.port" 2>"$dir/server.log" &
	wait_for 10 test -e "$dir/py.port"
	head -c 8000 /dev/zero | tr '\0' t >"$dir/huge"
	ok "8000 bytes: ready" start_agent host=127.0.0.1 tls=none user=ann \
	    port="$(<"$dir/py.port")" auth=xoauth2 password_file="$dir/huge"
	delivers "8000 bytes"
	stop_agent
else
	skip "a long token" "python3 is not installed"
fi

# What the server must offer.
smtpd_name=some
start_smtpd "${tls[@]}" --auth "$user:pw" --tokens "$dir/tokens" \
    --auth-mechs "PLAIN XOAUTH2"
echo pw >"$dir/password"
while read -r auth regex; do
	ok "auth=$auth: ready" start_agent "${common[@]}" tls=starttls \
	    port="$smtpd_port" auth="$auth" user="$user" \
	    password_file="$dir/password"
	in_trouble "$regex" "auth=$auth" login
	stop_agent
done <<'EOF'
oauthbearer AUTH OAUTHBEARER is not offered, only PLAIN XOAUTH2
login AUTH LOGIN is not offered, only PLAIN XOAUTH2
cram-md5 AUTH CRAM-MD5 is not offered, only PLAIN XOAUTH2
EOF
for auth in plain auto; do
	ok "auth=$auth: ready" start_agent "${common[@]}" tls=starttls \
	    port="$smtpd_port" auth="$auth" user="$user" \
	    password_file="$dir/password"
	delivers "auth=$auth"
	stop_agent
done
is "$(count_log ' C: AUTH PLAIN')" 2 "PLAIN both times"
is "$(count_log ' C: AUTH XOAUTH2')" 0 "auto takes no password for a token"
ok "no TLS on this machine: ready" start_agent "${common[@]}" tls=none \
    port="$smtpd_port" auth=xoauth2 user="$user" password_file="$dir/file"
delivers "no TLS, but this machine"
stop_agent
stop_smtpd

# Not over a network without TLS that has a good certificate.
address=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9.]+$' |
    grep -v '^127\.' | head -n 1)
if [ -n "$address" ]; then
	smtpd_name=far
	start_smtpd --listen "$address" --cert "$dir/other.pem" \
	    --key "$dir/other.key" --auth "$user:pw" --tokens "$dir/tokens" \
	    --auth-mechs "PLAIN LOGIN CRAM-MD5 XOAUTH2 OAUTHBEARER"
	for auth in auto plain login xoauth2 oauthbearer; do
		file=$dir/password
		[[ $auth != *oa* ]] || file=$dir/file
		for mode in none opportunistic; do
			[ "$auth" != auto ] || continue
			ok "$auth, $mode: ready" start_agent \
			    host="$address" port="$smtpd_port" tls="$mode" \
			    auth="$auth" user="$user" helo=client.test \
			    password_file="$file"
			in_trouble "needs TLS" "$auth, $mode" login
			stop_agent
		done
		is "$(count_log ' C: AUTH (PLAIN|LOGIN|X|O)')" 0 \
		    "$auth: nothing readable was sent"
	done
	ok "login_in_clear: ready" start_agent host="$address" \
	    port="$smtpd_port" tls=none user="$user" auth=plain \
	    password_file="$dir/password" login_in_clear=yes helo=client.test
	delivers "login_in_clear"
	stop_agent
	stop_smtpd
else
	skip "logins over a network" "no address but loopback's"
fi

# Passwords by command.
start_smtpd --auth "ann:s3cret pass%word" --require-auth
passwords=(host=127.0.0.1 port="$smtpd_port" tls=none user=ann helo=client.test
    session_messages=1)
echo 's3cret pass%word' >"$dir/now"
rm -f "$dir/fetched"
# HOME is the user's, not the one that keeps libESMTP from its files.
ok "command: ready" start_agent "${passwords[@]}" password_command="
	test -d \"\$HOME\" && test \"\$PWD\" = / || exit 9
	ls -l /proc/self/fd >'$dir/fds'
	(sleep 300; echo late) &
	sh '$dir/fetch.sh'"
delivers "a password by command"
delivers "a password by command, another connection"
is "$(fetched)" 1 "the password is kept for a while"
is "$(grep -Ec 'socket|anon_inode|/spool/' "$dir/fds")" 0 \
    "no descriptor of the agent's is the command's"
ok "the agent ends" stop_agent

# command COMMAND REGEX NAME: no password, the relay is in trouble
command_fails() {
	ok "$3: ready" start_agent "${passwords[@]}" password_command="$1"
	in_trouble "$2" "$3" login
	ok "$3: the agent ends" stop_agent
}
before=$(count_log ' C: AUTH')
command_fails 'echo out; echo "no key" >&2; echo more >&2; exit 3' \
    'password_command: exit status 3: no key$' "a command that fails"
command_fails 'kill -9 $$' 'password_command: killed by signal 9' \
    "a command that is killed"
command_fails 'true' 'password_command: its output is empty' \
    "a command that says nothing"
command_fails 'yes' 'password_command: says more than 64 KB' \
    "a command that does not stop talking"
command_fails 'head -c 300 /dev/zero | tr "\0" a' \
    'password is longer than 255 bytes' "a long password"
command_fails '/nonexistent/x' 'password_command: exit status 127: .*not found' \
    "a command that is not there"
is "$(count_log ' C: AUTH')" "$before" "nothing was sent for them"

# A credential of systemd's may have any mode: who gets there is its business.
mkdir -p "$dir/credentials"
echo 's3cret pass%word' >"$dir/credentials/relay"
chmod 440 "$dir/credentials/relay"
CREDENTIALS_DIRECTORY=$dir/credentials
export CREDENTIALS_DIRECTORY
ok "a credential: ready" start_agent "${passwords[@]}" \
    password_file="$dir/credentials/relay"
delivers "a credential that its group may read"
ok "the agent ends" stop_agent
ok "outside of there: ready" start_agent "${passwords[@]}" \
    password_file="$dir/credentials/../credentials/relay"
in_trouble "needs mode 0600" "a path that leaves the credentials" login
ok "the agent ends" stop_agent
unset CREDENTIALS_DIRECTORY

# A server that repeats what it was sent.
before=$(printf '\0ann\0s3cret pass%%word' | base64)
smtpd_name=parrot start_smtpd --auth ann:other \
    --rule "authend reply \"535 5.7.8 authentication of $before failed\""
ok "an echo: ready" start_agent "${passwords[@]}" port="$smtpd_port" \
    auth=plain password_command="sh '$dir/fetch.sh'"
rm -f "$dir/fetched"
in_trouble "535 5.7.8 authentication of … failed" "an echo" login
in_trouble "535 5.7.8" "an echo again" login
is "$(fetched)" 2 "a password that was refused is fetched anew"
ok "the agent ends" stop_agent
is "$(cat "$agent_log" "$agent_out" | grep -cF "${before:4:12}")" 0 \
    "the login is told nowhere"
stop_smtpd

# One that repeats the password readable, and the login where none is due.
echo="s3cret pass%word in $before"
masked=%E2%80%A6
for stage in authend mail rcpt data dot; do
	start_smtpd --auth "ann:s3cret pass%word" \
	    --rule "$stage n=1 reply \"554 5.6.0 no $echo\""
	ok "$stage: ready" start_agent "${passwords[@]}" port="$smtpd_port" \
	    auth=plain password_command="sh '$dir/fetch.sh'"
	deliver
	like "$(cat "$agent_out")" "554%205.6.0%20no%20$masked%20in%20$masked" \
	    "$stage: the password is masked"
	ok "$stage: the agent ends" stop_agent
	is "$(cat "$agent_log" "$agent_out" |
	    grep -cF -e s3cret -e "${before:4:12}")" 0 \
	    "$stage: it is told nowhere"
	stop_smtpd
done
start_smtpd --tokens "$dir/tokens" --auth-mechs XOAUTH2 \
    --rule 'authend reply "535 5.7.8 wrong.to=ken! is no token"'
echo 'wrong.to=ken!' >"$dir/now"
ok "an echo of a token: ready" start_agent "${passwords[@]}" \
    port="$smtpd_port" auth=xoauth2 password_command="sh '$dir/fetch.sh'"
in_trouble "535 5.7.8 … is no token" "an echo of a token" login
ok "an echo of a token: the agent ends" stop_agent
echo 's3cret pass%word' >"$dir/now"
stop_smtpd

# One that does not stop asking.  It notes what it was answered.
cat >"$dir/asker.py" <<'EOF'
import os, socket, sys
listener = socket.create_server(('127.0.0.1', 0))
with open(sys.argv[1] + '.new', 'w') as f:
    print(listener.getsockname()[1], file=f)
os.rename(sys.argv[1] + '.new', sys.argv[1])
while True:
    sock, _ = listener.accept()
    f = sock.makefile('rwb', buffering=0)
    f.write(b'220 hello\r\n')
    asked = 0
    for line in f:
        if asked or line.upper().startswith(b'AUTH'):
            f.write(b'334 QUFB\r\n')
            asked += 1
        else:
            f.write(b'250-hello\r\n'
                    b'250 AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2\r\n')
    with open(sys.argv[2], 'w') as out:
        print(asked, file=out)
EOF
if command -v python3 >/dev/null; then
	python3 "$dir/asker.py" "$dir/asker.port" "$dir/asked" \
	    2>"$dir/asker.log" &
	asker=$!
	wait_for 10 test -e "$dir/asker.port"
	for auth in plain login cram-md5 xoauth2; do
		rm -f "$dir/asked"
		ok "$auth, asked for ever: ready" start_agent \
		    "${passwords[@]}" port="$(<"$dir/asker.port")" \
		    auth="$auth" password_command="sh '$dir/fetch.sh'"
		in_trouble "AUTH ${auth^^}: .*334" "$auth, asked for ever" login
		ok "$auth, asked for ever: the agent ends" stop_agent
		ok "$auth, asked for ever: the server knows" \
		    wait_for 10 test -s "$dir/asked"
		at_most "$(<"$dir/asked")" 3 "$auth, asked for ever: gives up"
	done
	kill "$asker"
	wait "$asker" 2>/dev/null
else
	skip "a server that does not stop asking" "python3 is not installed"
fi

# One that has left its group ends all the same.
ok "another group: ready" start_agent "${passwords[@]}" password_command="
	echo \$\$ >'$dir/elsewhere'
	exec perl -e 'setpgrp(0, getpgrp(getppid)); sleep 300'"
enqueue
agent_says send "$id" '*'
ok "a command in another group" wait_for 10 test -s "$dir/elsewhere"
agent_says abort
ok "the agent ends soon" wait_for 10 is_gone "$agent_pid"
wait "$agent_pid"
ok "and so does the command" wait_for 5 is_gone "$(cat "$dir/elsewhere")"
exec {_agent_in}>&-

# A command that hangs does not outlive an order to stop.
ok "a command that hangs: ready" start_agent "${passwords[@]}" \
    password_command="echo \$\$ >'$dir/hanging'; sleep 300; echo x"
enqueue
agent_says send "$id" '*'
ok "a command that hangs" wait_for 10 test -s "$dir/hanging"
agent_says abort
ok "the agent ends at once" wait_for 10 is_gone "$agent_pid"
wait "$agent_pid"
like "$(cat "$agent_out")" "back $id stop" "the message is handed back"
ok "the command is gone" wait_for 5 is_gone "$(cat "$dir/hanging")"
exec {_agent_in}>&-
is "$(cat "$agent_log" "$agent_out" | grep -c s3cret)" 0 \
    "the password is told nowhere"

done_testing
