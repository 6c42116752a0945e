#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq doctor and a real relay, Postfix with TLS and SASL.

. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/relays.sh"

need_relays postfix
start_relay postfix
make_spool

configure() {
	{
		printf 'aliases = none\norigin = "example.test"\n'
		printf 'relay main {\nhost = "localhost:%s"\n' \
		    "${port[postfix]}"
		relay_config postfix
		echo '}'
	} >"$config"
}

doctor() {
	out=$(spoolq doctor --relay main 2>&1)
}

configure
# Its certificate is good for two days only.
fails 1 "a relay with a certificate that runs out" doctor
for regex in 'ok    greeting  220 postfix\.test ESMTP' \
    "warn  tls       TLSv1\\.3, 'postfix-cert'" \
    'ok    login     AUTH PLAIN as .ann.: 235' 'ok    quit      221'; do
	like "$out" "$regex" "$regex"
done
echo wrong >"$dir/password"
fails 2 "a wrong password" doctor
like "$out" "FAIL  login     AUTH PLAIN as 'ann': 535" "… is told of"
is "$(find "$dir/postfix/mail" -type f 2>/dev/null | wc -l)" 0 \
    "nothing is sent"
kill_relay postfix
fails 2 "Postfix is gone" doctor
like "$out" 'FAIL  connect .*refused' "… is told of"

done_testing
