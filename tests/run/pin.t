#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# TLS beyond the CA: fingerprints, our own certificate, the least version,
# files that cannot be loaded, and what exactly is told.

. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/agent.sh"

make_spool
make_ca
make_ca strangers
make_cert good 2
make_cert expired -1
make_cert other 2 DNS:other.test,DNS:more.test,IP:192.0.2.9
make_cert strange 2 DNS:localhost strangers
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout "$dir/self.key" -out "$dir/self.pem" -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null ||
	bail "cannot make a certificate"

# pin_of NAME: with colons and in upper case, as openssl says it
pin_of() {
	openssl x509 -in "$dir/$1.pem" -noout -fingerprint -sha256 |
		sed 's/.*=//'
}

common=(host=localhost ca_file="$dir/ca.pem" helo=client.test)
plain_pin() {
	pin_of "$1" | tr -d : | tr A-F a-f
}

# with NAME ARGS...: a server with that certificate
with() {
	start_smtpd --cert "$dir/$1.pem" --key "$dir/$1.key" "${@:2}"
}

# told CERT REGEX NAME [SETTING...]: why a certificate is not good enough
told() {
	local tls
	for tls in starttls implicit; do
		# shellcheck disable=SC2046
		with "$1" $([ "$tls" = starttls ] || echo --implicit-tls)
		ok "$3, $tls: ready" start_agent "${common[@]}" \
		    port="$smtpd_port" tls="$tls" "${@:4}"
		in_trouble "$2" "$3, $tls"
		is "$(count_log ' C: (MAIL|AUTH)')" 0 "$3, $tls: nothing said"
		stop_agent
		stop_smtpd
	done
}
year=$(date -u +%Y)
told expired "certificate of localhost: expired on ($year|$((year - 1)))-[0-9-]+ [0-9:]+ UTC" \
    "expired"
told other "name does not match, it is for other.test, more.test, 192.0.2.9" \
    "another name"
told strange "unknown CA .*test CA strangers" "unknown CA"
told self "self-signed" "self-signed"
told good "fingerprint is not the configured one, but $(plain_pin good)" \
    "a wrong fingerprint" fingerprint="$(pin_of other)"

# A fingerprint is enough, whatever else is wrong.
for cert in expired other strange self; do
	with "$cert"
	ok "pin of $cert: ready" start_agent "${common[@]}" \
	    port="$smtpd_port" tls=starttls \
	    fingerprint="$(pin_of good) $(pin_of "$cert")"
	delivers "pin of $cert"
	like "$(cat "$smtpd_out/000001.env")" $'\ntls TLSv1' "pin of $cert: TLS"
	stop_agent
	stop_smtpd
done

# Nor is opportunistic TLS content with a wrong one, or with none at all.
with good
ok "opportunistic: ready" start_agent "${common[@]}" port="$smtpd_port" \
    tls=opportunistic fingerprint="$(plain_pin other)"
in_trouble "fingerprint" "opportunistic, wrong fingerprint"
stop_agent
stop_smtpd
start_smtpd
ok "opportunistic, no TLS: ready" start_agent "${common[@]}" \
    port="$smtpd_port" tls=opportunistic fingerprint="$(plain_pin good)"
in_trouble "STARTTLS is not offered" "opportunistic, fingerprint, no TLS"
stop_agent
stop_smtpd
with expired
ok "opportunistic, expired: ready" start_agent "${common[@]}" \
    port="$smtpd_port" tls=opportunistic
delivers "opportunistic, no fingerprint, any certificate"
stop_agent
stop_smtpd

# The least version.
with good --tls-max 1.2
ok "tls_min 13: ready" start_agent "${common[@]}" port="$smtpd_port" \
    tls=starttls tls_min=13
in_trouble "TLS handshake: .*(version|alert)" "tls_min 13, server has 1.2"
stop_agent
ok "tls_min 12: ready" start_agent "${common[@]}" port="$smtpd_port" \
    tls=starttls tls_min=12
delivers "tls_min 12, server has 1.2"
stop_agent
stop_smtpd

# Files that cannot be loaded are the relay's trouble and name themselves.
cp "$dir/good.pem" "$dir/client.pem"
cp "$dir/other.key" "$dir/wrong.key"
echo nonsense >"$dir/nonsense.pem"
openssl ec -in "$dir/good.key" -aes128 -passout pass:x \
    -out "$dir/locked.key" 2>/dev/null
with good
while read -r what settings; do
	# shellcheck disable=SC2086
	ok "$what: ready" start_agent host=localhost port="$smtpd_port" \
	    helo=client.test tls=starttls $settings
	in_trouble "cannot load $what '.*': .*" "$what"
	in_trouble "cannot load $what '.*': .*" "$what again"
	ok "$what: the agent lives" stop_agent
done <<EOF
ca_file ca_file=$dir/none.pem
ca_file ca_file=$dir/nonsense.pem
cert_file ca_file=$dir/ca.pem cert_file=$dir/none.pem
key_file ca_file=$dir/ca.pem cert_file=$dir/client.pem key_file=$dir/none.key
key_file ca_file=$dir/ca.pem cert_file=$dir/client.pem key_file=$dir/wrong.key
key_file ca_file=$dir/ca.pem cert_file=$dir/client.pem key_file=$dir/locked.key
key_file ca_file=$dir/ca.pem cert_file=$dir/client.pem
EOF

# A CA file that changes while the agent runs.
cp "$dir/strangers.pem" "$dir/changing.pem"
ok "changing CA: ready" start_agent host=localhost port="$smtpd_port" \
    helo=client.test tls=starttls ca_file="$dir/changing.pem"
in_trouble "unknown CA" "the wrong CA"
cp "$dir/ca.pem" "$dir/new.pem"
mv "$dir/new.pem" "$dir/changing.pem"
delivers "the right CA, in a new file"
stop_agent
stop_smtpd

# Our own certificate, as a server sees it.
cat >"$dir/server.py" <<'EOF'
import socket, ssl, sys
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(sys.argv[1] + '/good.pem', sys.argv[1] + '/good.key')
ctx.verify_mode = ssl.CERT_REQUIRED
ctx.load_verify_locations(sys.argv[1] + '/ca.pem')
listener = socket.create_server(('127.0.0.1', 0))
with open(sys.argv[1] + '/py.port.new', 'w') as f:
    print(listener.getsockname()[1], file=f)
import os
os.rename(sys.argv[1] + '/py.port.new', sys.argv[1] + '/py.port')
while True:
    sock, _ = listener.accept()
    try:
        tls = ctx.wrap_socket(sock, server_side=True)
        who = dict(x[0] for x in tls.getpeercert()['subject'])
        f = tls.makefile('rwb', buffering=0)
        f.write(b'220 hello\r\n')
        in_data = False
        for line in f:
            word = line.strip().upper()[:4]
            if in_data:
                if line != b'.\r\n':
                    continue
                in_data = False
                f.write(('250 from %s\r\n' % who['commonName']).encode())
            elif word == b'DATA':
                in_data = True
                f.write(b'354 go\r\n')
            elif word == b'QUIT':
                f.write(b'221 bye\r\n')
                break
            else:
                f.write(b'250 ok\r\n')
        tls.close()
    except (ssl.SSLError, OSError) as e:
        sock.close()
EOF
if command -v python3 >/dev/null; then
	make_cert client 2 DNS:client.test
	cat "$dir/client.pem" "$dir/client.key" >"$dir/both.pem"
	python3 "$dir/server.py" "$dir" 2>"$dir/server.log" &
	server=$!
	wait_for 10 test -e "$dir/py.port"
	read -r port <"$dir/py.port"
	for files in "cert_file=$dir/client.pem key_file=$dir/client.key" \
	    "cert_file=$dir/both.pem"; do
		# shellcheck disable=SC2086
		ok "client certificate: ready" start_agent "${common[@]}" \
		    port="$port" tls=implicit $files
		delivers "client certificate"
		like "$(grep "^rcpt $id" "$agent_out")" "from%20client" \
		    "the server knows whose it is"
		stop_agent
	done
	ok "no client certificate: ready" start_agent "${common[@]}" \
	    port="$port" tls=implicit
	in_trouble "certificate required|alert|closed" "no client certificate"
	stop_agent
	kill "$server"
else
	skip "client certificate" "python3 is not installed"
fi

# What is no fingerprint, no version.
for bad in fingerprint=abcd "fingerprint=$(plain_pin good)0" \
    "fingerprint=$(plain_pin good | tr 0-9 x)" tls_min=11 tls_min=14 \
    "key_file=$dir/client.key"; do
	fails 1 "'${bad:0:20}' is refused" start_agent "${common[@]}" "$bad"
	exec {_agent_in}>&-
	wait "$agent_pid"
	is "$?" 64 "'${bad:0:20}': usage"
done

done_testing
