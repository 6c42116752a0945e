#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The scripted SMTP server itself: the other tests trust it.

. "${srcdir:?}/tests/run/lib.sh"

# A client in bash: connect, say LINE and see the reply, close.
connect_to() {
	exec {sock}<>"/dev/tcp/127.0.0.1/$1"
}

hang_up() {
	exec {sock}>&-
}

# all_closed N: the server has noticed that so many connections are over
all_closed() {
	[ "$(count_log ' -- closed$')" -ge "$1" ]
}

# The last line of a reply, in $reply; empty at the end of the connection.
read_reply() {
	reply=
	while IFS= read -r -t 10 -u "$sock" reply; do
		reply=${reply%$'\r'}
		[[ $reply =~ ^[0-9]{3}- ]] || return 0
	done
	return 1
}

say() {
	printf '%s\r\n' "$1" >&"$sock"
	read_reply
}

# The beginning of a transaction.
begin() {
	connect_to "$smtpd_port"
	read_reply
	say "EHLO client.test"
	say "MAIL FROM:<${1:-a@x.test}>"
}

no_more() {
	local byte
	! IFS= read -r -t 5 -n 1 -u "$sock" byte && [ -z "$byte" ]
}

# --- the well-behaved server, and rules by address and number
cat >"$dir/script" <<'EOS'
# a comment
rcpt match=*@busy.test  reply "450 4.2.0 busy"
rcpt match=*@none.test  reply "550 5.1.1 no such user"   # another
mail match=slow@x.test  delay 0.2 then default
dot  n=2                reply "451 4.3.0\x20later"
dot  match=lost@x.test  store; drop
data match=cut@x.test   mid-data-drop 10
rset n=1                raw "250-a\r\n250 b\r\n"
rset                    long 600
noop                    drip 1
EOS
start_smtpd --script "$dir/script"

begin
is "$reply" "250 2.1.0 Sender ok" "MAIL is accepted"
say "RCPT TO:<bob@y.test> NOTIFY=NEVER"
like "$reply" ^250 "RCPT is accepted"
say "RCPT TO:<BOB@BUSY.TEST>"
is "$reply" "450 4.2.0 busy" "a rule matches by address"
say "RCPT TO:<bob@none.test>"
is "$reply" "550 5.1.1 no such user" "the next rule too"
say DATA
like "$reply" ^354 "DATA is answered"
say $'Subject: x\r\n\r\n..dots\r\n.\n.\r\n...\r\nbare\nlf\rcr\r\n.'
like "$reply" ^250 "the message is accepted"
printf 'Subject: x\r\n\r\n.dots\r\n\n.\r\n..\r\nbare\nlf\rcr\r\n' \
    >"$dir/want"
ok "dots are unstuffed and nothing else is changed" \
    cmp "$dir/want" "$smtpd_out/000001.eml"
is "$(sed -n 3p "$smtpd_out/000001.env")" "helo client.test" \
    "the envelope has the client's name"
is "$(grep -E '^(mail|rcpt)' "$smtpd_out/000001.env")" \
    $'mail <a@x.test> \nrcpt <bob@y.test> NOTIFY=NEVER' \
    "and exactly the accepted recipients with their parameters"
is "$(grep -E '^bare' "$smtpd_out/000001.env")" $'bare_lf 2\nbare_cr 1' \
    "bare line ends are counted"

say "MAIL FROM:<>"
like "$reply" ^250 "the null sender is accepted"
say DATA
like "$reply" ^554 "DATA without recipients is refused"
say "RCPT TO:<bob@y.test>"
say DATA
say "."
is "$reply" "451 4.3.0 later" "a rule by number, with an escape"
is "$(count_messages)" 1 "what is refused is not kept"
printf 'RSET\r\n' >&"$sock"
IFS= read -r -t 5 -u "$sock" reply
is "$reply" $'250-a\r' "a raw reply of two lines"
read_reply
say RSET
is "${#reply}" 600 "a long reply is as long as asked for"
say NOOP
is "$reply" "250 2.0.0 Ok" "a dripped reply is complete"
say "FOO bar"
like "$reply" ^500 "unknown commands are refused"
say "$(printf '%05000d' 0)"
like "$reply" ^500 "a line that is too long is refused"
printf 'NOOP \0x\r\n' >&"$sock"
read_reply
like "$reply" ^500 "so is a NUL"
say "MAIL FROM:a@x.test"
like "$reply" ^501 "so is an address without brackets"
say QUIT
like "$reply" ^221 "QUIT is answered"
ok "and the connection closed" no_more
hang_up
wait_for 10 all_closed 1

start=$(now)
begin slow@x.test
ok "a delay lasts" test $(($(now) - start)) -ge 200000
like "$reply" ^250 "and then the default follows"
hang_up
wait_for 10 all_closed 2

begin lost@x.test
say "RCPT TO:<c@y.test>"
say DATA
printf 'x\r\n.\r\n' >&"$sock"
ok "drop closes without a reply" no_more
hang_up
ok "store keeps the message all the same" wait_for 5 has_messages 2
wait_for 10 all_closed 3

begin cut@x.test
say "RCPT TO:<c@y.test>"
say DATA
printf 'Subject: long enough\r\n' >&"$sock"
ok "mid-data-drop closes amid the data" no_more
hang_up
ok "an end amid the data is survived" wait_for 5 has_line "$smtpd_log" \
    "broken off after 10 bytes"
wait_for 10 all_closed 4
begin; hang_up

ok "figures are written" wait_for 5 has_line "$smtpd_out/stats" \
    '"connections":5,"current":0,"max_concurrent":1,"messages":2'
ok "SIGTERM is a clean exit" stop_smtpd
is "$(tail -n 1 "$smtpd_out/stats")" '"per_connection":[1,0,1,0,0]}' \
    "messages are counted per connection"

# --- rude ones
smtpd_name=rude start_smtpd --seed 7 \
    --rule 'connect session=1 drop' --rule 'connect session=2 rst' \
    --rule 'connect session=3 drop-after "220 par"' \
    --rule 'connect session=4 garbage 100; drop' \
    --rule 'connect session=5 garbage 100; drop' \
    --rule 'connect session=6 endless' \
    --rule 'connect session=7 reply "554 5.3.2 no"' \
    --rule 'connect session=8 reply "421 4.3.2 busy"' \
    --rule 'ehlo mute'

connect_to "$smtpd_port"
ok "drop at connect" no_more
hang_up
(exec {sock}<>"/dev/tcp/127.0.0.1/$smtpd_port"; read -r -u "$sock" _) \
    2>/dev/null
connect_to "$smtpd_port"
IFS= read -r -t 5 -u "$sock" reply
is "$reply" "220 par" "drop-after sends its bytes"
hang_up
connect_to "$smtpd_port"
timeout 5 cat <&"$sock" >"$dir/garbage1"
hang_up
is "$(wc -c <"$dir/garbage1")" 100 "garbage is as long as asked for"
connect_to "$smtpd_port"
timeout 5 cat <&"$sock" >"$dir/garbage2"
hang_up
fails 1 "and differs between connections" \
    cmp -s "$dir/garbage1" "$dir/garbage2"
connect_to "$smtpd_port"
for i in {1..50}; do
	IFS= read -r -t 5 -u "$sock" reply || break
done
is "$i $reply" $'50 220-and there is more to be said\r' "endless"
hang_up
connect_to "$smtpd_port"
read_reply
like "$reply" ^554 "a greeting may refuse"
say "EHLO x"
like "$reply" ^503 "and is meant so"
hang_up
connect_to "$smtpd_port"
read_reply
ok "421 closes" no_more
hang_up
connect_to "$smtpd_port"
read_reply
printf 'EHLO x\r\n' >&"$sock"
IFS= read -r -t 0.3 -u "$sock" reply
is "$reply" "" "mute says nothing"
hang_up
ok "every rude way is in the transcript" wait_for 5 eval \
    '[ "$(count_log " -- (drop|rst|garbage 100|endless|mute)$")" -eq 9 ]'
ok "the server ends while clients are connected" stop_smtpd

start_smtpd --max-connections 1
connect_to "$smtpd_port"
read_reply
first=$sock
connect_to "$smtpd_port"
read_reply
like "$reply" ^421 "a connection too many is sent away"
hang_up
exec {first}>&-
ok "both at once were seen" wait_for 5 eval \
    '[ "$(stat_of max_concurrent)" = 2 ]'
ok "it ends" stop_smtpd

# --- AUTH
plain() {
	printf '\0%s\0%s' "$1" "$2" | base64
}
start_smtpd --auth ann:secret --require-auth
begin
like "$reply" ^530 "MAIL needs a login"
say "AUTH PLAIN $(plain ann wrong)"
like "$reply" ^535 "a wrong password is refused"
say "AUTH PLAIN $(plain ann secret)"
like "$reply" ^235 "the right one is not"
say "MAIL FROM:<a@x.test>"
like "$reply" ^250 "MAIL is accepted now"
hang_up
connect_to "$smtpd_port"
read_reply
say "EHLO x"
say "AUTH LOGIN"
is "$reply" "334 VXNlcm5hbWU6" "LOGIN asks for the name"
say "$(printf ann | base64)"
say "$(printf secret | base64)"
like "$reply" ^235 "LOGIN works"
hang_up
connect_to "$smtpd_port"
read_reply
say "EHLO x"
say "AUTH CRAM-MD5"
challenge=$(printf '%s' "${reply#334 }" | base64 -d)
mac=$(printf '%s' "$challenge" | openssl md5 -hmac secret)
say "$(printf 'ann %s' "${mac##* }" | base64 -w 0)"
like "$reply" ^235 "CRAM-MD5 works"
hang_up
connect_to "$smtpd_port"
read_reply
say "EHLO x"
say "AUTH CRAM-MD5"
say "$(printf 'ann 00' | base64)"
like "$reply" ^535 "a wrong digest is refused"
say "AUTH PLAIN"
is "$reply" "334 " "PLAIN asks when nothing was sent along"
say "!!!"
like "$reply" ^501 "what is no base64 is refused"
say "AUTH PLAIN"
say "*"
like "$reply" ^501 "AUTH can be given up"
say "AUTH FOO"
like "$reply" ^504 "an unknown mechanism is refused"
hang_up
ok "it ends after AUTH" stop_smtpd

# --- AUTH with tokens
xoauth2() {
	printf 'user=%s\1auth=Bearer %s\1\1' "$1" "$2" | base64 -w 0
}
oauthbearer() {
	printf 'n,a=%s,\1host=h\1port=25\1auth=Bearer %s\1\1' "$1" "$2" |
	    base64 -w 0
}
greeted() {
	connect_to "$smtpd_port"
	read_reply
	say "EHLO x"
}
printf 'old\nnew\n' >"$dir/tokens"
start_smtpd --auth ann:secret --tokens "$dir/tokens" \
    --auth-mechs "XOAUTH2 OAUTHBEARER"
greeted
is "$reply" "250 AUTH XOAUTH2 OAUTHBEARER" "tokens: AUTH is offered"
say "AUTH XOAUTH2 $(xoauth2 ann wrong)"
like "$reply" '^334 ' "XOAUTH2: a wrong token gets a reason"
like "$(base64 -d <<<"${reply#334 }")" '^\{"status":"400",' \
    "XOAUTH2: in JSON"
say ""
like "$reply" ^535 "XOAUTH2: and then 535"
say "AUTH XOAUTH2 $(xoauth2 bob new)"
say ""
like "$reply" ^535 "XOAUTH2: another user's token is wrong"
say "AUTH XOAUTH2 $(xoauth2 ann new)"
like "$reply" ^235 "XOAUTH2: the right token is right"
hang_up
greeted
say "AUTH PLAIN $(plain ann secret)"
like "$reply" ^504 "tokens: nothing else was offered"
say "AUTH OAUTHBEARER"
say "$(oauthbearer ann new)"
like "$reply" ^235 "OAUTHBEARER works"
hang_up
echo other >"$dir/tokens"
greeted
say "AUTH OAUTHBEARER $(oauthbearer ann new)"
like "$(base64 -d <<<"${reply#334 }")" '"invalid_token"' \
    "OAUTHBEARER: a token that is taken back is wrong"
say AQ==
like "$reply" ^535 "OAUTHBEARER: and then 535"
hang_up
ok "it ends after tokens" stop_smtpd

# --- limits, delays, figures
start_smtpd --max-messages 1 --without dsn --without SIZE --reply-delay 300 \
    --times "$dir/times"
exec {sock}<>"/dev/tcp/127.0.0.1/$smtpd_port"
read_reply
printf 'EHLO x\r\n' >&"$sock"
IFS= read -r -d 'S' -t 5 -u "$sock" reply
is "${reply//[$'\r\n']/ }" \
    "250-smtpd.test  250-PIPELINING  250-8BITMIME  250 ENHANCED" \
    "--without withholds extensions"
read_reply
start=$(now)
# In one write, which the shell does not promise.
perl -e 'syswrite STDOUT,
    "MAIL FROM:<a\@x.test>\r\nRCPT TO:<b\@x.test>\r\nDATA\r\n"' >&"$sock"
read_reply && read_reply && read_reply
took=$(($(now) - start))
ok "--reply-delay waits" test "$took" -ge 299000
say .
like "$reply" ^250 "the first message is accepted"
like "$(<"$smtpd_out/000001.env")" $'\ngroups 2\n' "in two round trips"
like "$(<"$dir/times")" '^[0-9]+ 1 2 <a@x.test>$' "the time is kept"
say "MAIL FROM:<a@x.test>"
like "$reply" ^421 "--max-messages: another one is not"
ok "and the connection is closed" no_more
hang_up
ok "it ends after limits" stop_smtpd

start_smtpd --unix "$dir/socket"
is "$smtpd_port" "$dir/socket" "--unix: the path is told"
cat >"$dir/unix.py" <<'EOP'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rb")
print(f.readline().decode().strip())
s.sendall(b"QUIT\r\n")
print(f.readline().decode().strip())
EOP
if command -v python3 >/dev/null; then
	like "$(timeout 10 python3 "$dir/unix.py" "$dir/socket")" \
	    $'^220 .*\n221 ' "--unix: it is served"
else
	skip "--unix: it is served" "python3 is not installed"
fi
ok "it ends after a Unix socket" stop_smtpd

# --- TLS
make_ca
make_cert good 2
make_cert old -1
tls_args=(--cert "$dir/good.pem" --key "$dir/good.key")
s_client() {
	printf 'QUIT\r\n' | timeout 20 openssl s_client \
	    -connect "127.0.0.1:$smtpd_port" -CAfile "$dir/ca.pem" \
	    -verify_hostname localhost -servername localhost \
	    -verify_return_error -quiet -ign_eof "$@" 2>&1
}

start_smtpd "${tls_args[@]}" --require-tls \
    --rule 'starttls n=2 inject "250 injected\r\n"'
begin
like "$reply" ^530 "MAIL needs TLS"
hang_up
like "$(s_client -starttls smtp)" "221 2.0.0 Bye" "STARTTLS works"
like "$(cat "$smtpd_log")" "tls TLSv1.3 sni=localhost" "TLS is logged"
connect_to "$smtpd_port"
read_reply
say "EHLO x"
printf 'STARTTLS\r\n' >&"$sock"
IFS= read -r -t 5 -u "$sock" reply
IFS= read -r -t 5 -u "$sock" second
is "$second" $'250 injected\r' "bytes are injected behind the 220"
hang_up
ok "it ends after TLS" stop_smtpd

start_smtpd "${tls_args[@]}" --implicit-tls --tls-max 1.2
like "$(s_client)" "221 2.0.0 Bye" "implicit TLS works"
like "$(cat "$smtpd_log")" "tls TLSv1.2" "--tls-max holds"
printf 'no tls\r\n' >"/dev/tcp/127.0.0.1/$smtpd_port"
ok "plaintext is not mistaken for TLS" wait_for 5 has_line "$smtpd_log" \
    "tls failed"
ok "it ends after implicit TLS" stop_smtpd

start_smtpd --cert "$dir/old.pem" --key "$dir/old.key"
like "$(s_client -starttls smtp)" "certificate has expired" \
    "an expired certificate has expired"
ok "it ends after that" stop_smtpd

# --- the command line
for args in "--rule,foo drop" "--rule,rcpt drip" "--rule,rcpt n=x drop" \
    "--rule,rcpt" "--rule,rcpt drop; foo" "--rule,rcpt drop 5" \
    "--rule,dot reply \"\\q\"" "--rule,dot reply \"open" \
    "--script,$dir/none" "--foo" "extra" "--port,x" "--implicit-tls" \
    "--cert,$dir/good.pem" "--tls-max,2" "--auth,nobody" \
    "--reply-delay,x" "--unix,$(printf '%0200d' 0)"; do
	IFS=, read -r option value <<<"$args"
	said=$("$SMTPD" "$option" ${value:+"$value"} 2>&1)
	is "$? $(printf '%s\n' "$said" | grep -c '^smtpd: ')" "64 1" \
	    "one line and 64 for: $args"
done
printf 'dot drop\n\nrcpt oops\n' >"$dir/bad"
like "$("$SMTPD" --script "$dir/bad" 2>&1)" "/bad:3: .*oops" \
    "a bad script is told by line"

done_testing
