#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Postfix, Exim and OpenSMTPD as relays, a few hundred messages each: all
# arrive once and intact; with a wrong password or CA none goes and none is
# lost.

: "${TEST_TIMEOUT:=240}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/relays.sh"

need_relays postfix exim opensmtpd
make_ca other
count=200

# text N: what SMTP and mail servers like to spoil
text() {
	printf 'number %d\n.\n..two\n.one\nFrom here\ntrailing blanks  \n' "$1"
	printf 'caf\351, %0*d\n\n\n' $(($1 * 4)) 0
}

# send_texts RELAY FROM TO: the messages numbered so, four at a time
send_texts() {
	local relay=$1 from=$2 to=$3 part i pids=()
	for part in 0 1 2 3; do
		for ((i = from + part; i <= to; i += 4)); do
			{
				printf 'Subject: %d\nMessage-ID: <%d@%s.x>\n\n' \
				    "$i" "$i" "$relay"
				text "$i"
			} | sm -i -B 8BITMIME -f ann@x.test -- "r$i@y.test" ||
			    echo "message $i" >>"$dir/unsent"
		done &
		pids+=("$!")
	done
	wait "${pids[@]}"
}

# intact RELAY: each message it has delivered has its text
intact() {
	local file number
	for file in "$(relay_box "$1")"/*; do
		number=$(sed -n 's/^Subject: *//p; /^\r*$/q' "$file")
		sed '1,/^$/d' "$file" | cmp -s - <(text "$number") ||
		    diag "message $number: $(sed '1,/^$/d' "$file" |
			cmp - <(text "$number") 2>&1)"
	done
}

# ids RELAY N: those of the messages 1 to N
ids() {
	local i
	for ((i = 1; i <= $2; i++)); do
		echo "<$i@$1.x>"
	done | sort
}

# configure RELAY: in $config
configure() {
	config=$dir/$1.conf
	{
		echo "relay = \"localhost:${port[$1]}\""
		relay_config "$1"
		echo 'aliases = none'
	} >"$config"
}

# all_wait N: that many are queued, and nothing has become of them
all_wait() {
	is "$(queued) $(queued failed) $(events failed) $(events bounced)" \
	    "$1 0 0 0" "$2: none is lost, none refused, nobody gets a report"
}

for relay in postfix exim opensmtpd; do
	start_relay "$relay"
	configure "$relay"
	rm -rf "$spool"
	make_spool
	start_spoold
	send_texts "$relay" 1 $count
	ok "$relay: $count messages were sent" test ! -e "$dir/unsent"
	ok "$relay: they arrive" wait_for 60 relay_has $count "$relay"
	ok "$relay: the queue is empty" wait_for 10 queue_has 0
	is "$(relay_ids "$relay")" "$(ids "$relay" $count)" \
	    "$relay: each of them, once"
	is "$(intact "$relay")" "" "$relay: all texts are unchanged"
	ok "$relay: spoold stops" stop_spoold
	[ "$relay" != opensmtpd ] || continue

	# Logged in as ann, inside of TLS: both say so in their own way.
	is "$(grep -lE 'with (esmtpsa|ESMTPSA)' "$(relay_box "$relay")"/* |
	    wc -l)" $count "$relay: by TLS and with a login"

	echo wrong >"$dir/password"
	start_spoold
	send_texts "$relay" $((count + 1)) $((count + 5))
	ok "$relay: wrong password: the relay counts as down" \
	    wait_for 60 has_events 2 relay-down
	ok "$relay: wrong password: all are queued" wait_for 10 queue_has 5
	all_wait 5 "$relay: wrong password"
	like "$(tail -n 4 "$spoold_log")" 535 \
	    "$relay: wrong password: the reply is told"
	echo secret >"$dir/password"
	ok "$relay: the right one: delivered" \
	    flushing 40 relay_has $((count + 5)) "$relay"
	ok "$relay: the right one: the queue is empty" wait_for 10 queue_has 0
	ok "$relay: spoold stops again" stop_spoold

	down=$(events relay-down)
	sed -i 's|^ca_file = .*|ca_file = "'"$dir/other.pem"'"|' "$config"
	start_spoold
	send_texts "$relay" $((count + 6)) $((count + 10))
	ok "$relay: wrong CA: the relay counts as down" \
	    wait_for 60 has_events $((down + 2)) relay-down
	ok "$relay: wrong CA: all are queued" wait_for 10 queue_has 5
	all_wait 5 "$relay: wrong CA"
	like "$(tail -n 4 "$spoold_log")" '[Cc]ertificate|issuer' \
	    "$relay: wrong CA: the reason is told"
	ok "$relay: spoold stops with the wrong CA" stop_spoold
	configure "$relay"
	start_spoold
	ok "$relay: the right CA: delivered" \
	    wait_for 30 relay_has $((count + 10)) "$relay"
	ok "$relay: the right CA: the queue is empty" wait_for 10 queue_has 0
	is "$(relay_ids "$relay")" "$(ids "$relay" $((count + 10)))" \
	    "$relay: in the end each of them came once"
	ok "$relay: spoold stops in the end" stop_spoold
	kill_relay "$relay"
done

done_testing
