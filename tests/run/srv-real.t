#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Relays that a domain names by SRV records, in a network of the test's own with
# a real name server in it: shares by weight, precedence by priority, servers
# and DNS that are gone.

# Before the harness, so that all of it is in the namespaces.
if [ "${1-}" != inside ]; then
	for program in ip dnsmasq openssl; do
		command -v $program >/dev/null || {
			echo "1..0 # SKIP $program is not installed (Debian" \
			    "packages iproute2, dnsmasq-base, openssl)"
			exit 0
		}
	done
	[ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null || {
		echo "1..0 # SKIP needs root and namespaces"
		exit 0
	}
	exec unshare --net --mount --propagation private "$BASH" "$0" inside
fi
: "${TEST_TIMEOUT:=120}"
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"

chmod 755 "$dir"
echo 'nameserver 127.0.0.1' >"$dir/resolv.conf"
echo 'hosts: files dns' >"$dir/nsswitch.conf"
echo '127.0.0.1 localhost' >"$dir/hosts"
for file in resolv.conf nsswitch.conf hosts; do
	chmod 644 "$dir/$file"
	mount --bind "$dir/$file" "/etc/$file" || bail "cannot mount"
done
ip link set lo up || bail "no network of its own"

# --- servers, each with an address, a name and a certificate
declare -A port=() pid=()
make_ca
address() {
	case $1 in
	one) echo 127.0.0.11 ;;
	two) echo 127.0.0.12 ;;
	last) echo 127.0.0.13 ;;
	tls) echo 127.0.0.14 ;;
	esac
}

start_server() { # NAME ARGS...
	local name=$1
	shift
	[ -e "$dir/cert-$name.pem" ] ||
	    make_cert "cert-$name" 2 \
		"DNS:$name.example.test,DNS:$name.implicit.example.test"
	smtpd_name=$name start_smtpd --listen "$(address "$name")" \
	    --port "${port[$name]:-0}" --cert "$dir/cert-$name.pem" \
	    --key "$dir/cert-$name.key" "$@"
	port[$name]=$smtpd_port
	pid[$name]=$smtpd_pid
}

got() {
	count_messages "$dir/$1.out"
}

got_all() {
	[ $(($(got one) + $(got two) + $(got last) + $(got tls))) -ge "$1" ]
}

start_server one
start_server two
start_server last
start_server tls --implicit-tls

# --- the name server
start_dns() {
	local name hosts=()
	for name in one two last tls; do
		hosts+=(--host-record="$name.example.test,$(address $name)")
	done
	dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root \
	    --pid-file= --no-resolv --no-hosts --local=/test/ --local-ttl=1 \
	    --listen-address=127.0.0.1 --bind-interfaces \
	    --log-queries --log-facility="$dir/dns.log" "${hosts[@]}" \
	    --srv-host="_submission._tcp.example.test,one.example.test,${port[one]},10,75" \
	    --srv-host="_submission._tcp.example.test,two.example.test,${port[two]},10,25" \
	    --srv-host="_submission._tcp.example.test,last.example.test,${port[last]},20,100" \
	    --host-record="tls.implicit.example.test,$(address tls)" \
	    --srv-host="_submissions._tcp.implicit.example.test,tls.implicit.example.test,${port[tls]},0,0" \
	    --srv-host="_submissions._tcp.elsewhere.test,tls.implicit.example.test,${port[tls]},0,0" \
	    >"$dir/dnsmasq.log" 2>&1 </dev/null &
	dns=$!
	wait_for 10 has_line "$dir/dns.log" 'started, version' ||
	    bail "no name server: $(tail -n 1 "$dir/dnsmasq.log")"
}
start_dns

# --- shares
config=$dir/srv.conf
configure() {
	cat >"$config" <<EOC
relay "fleet" {
	host = "srv:$1"
	tls = $2
	ca_file = "$dir/ca.pem"
	connections = 4
	messages_per_connection = 1
}
aliases = none
EOC
}
configure example.test starttls
make_spool
count=160
start_spoold
ok "$count messages are sent" send_numbered $count
ok "they arrive" wait_for 60 got_all $count
ok "the queue is empty" wait_for 10 queue_has 0
like "$(<"$dir/dns.log")" 'query\[SRV\] _submission\._tcp\.example\.test' \
    "DNS was asked"
# 3/4 of them, and five standard deviations.
first=$(got one)
ok "the first has its share: $first" test "$first" -ge 93 -a "$first" -le 147
is "$(got two)" $((count - first)) "the second has the rest"
is "$(got last)" 0 "that of the next priority has nothing"
is "$(cat "$dir"/one.out/*.env "$dir"/two.out/*.env | grep -c '^tls TLSv1')" \
    $count "all of it inside of TLS"
is "$(cat "$dir"/one.out/*.env | grep '^sni ' | sort -u)" \
    "sni one.example.test" "for the name that DNS has given"

# --- one that is dead
end_process "${pid[one]}"
second=$(got two)
ok "the first is gone: messages are sent" send_numbered 20
ok "the first is gone: its equal has all" \
    wait_for 20 has_messages $((second + 20)) "$dir/two.out"
is "$(got last)" 0 "the first is gone: its equal is enough"
end_process "${pid[two]}"
ok "both are gone: messages are sent" send_numbered 20
ok "both are gone: the next priority has all" \
    wait_for 20 has_messages 20 "$dir/last.out"
ok "both are gone: the queue is empty" wait_for 10 queue_has 0
is "$(events relay-down) $(events deferred) $(events failed)" "0 0 0" \
    "and nothing was put off for it"
ok "spoold stops" stop_spoold

# --- DNS is gone
end_process "$dns"
: >"$dir/dns.log"
start_spoold
send_simple ann@x.test bob@y.test
ok "without DNS the relay counts as down" wait_for 40 has_events 1 relay-down
is "$(queued) $(events failed)" "1 0" "without DNS messages wait"
like "$(tail -n 5 "$spoold_log")" 'example\.test|DNS' \
    "without DNS: the reason is told"
start_dns
ok "with DNS: delivered" flushing 30 has_messages 21 "$dir/last.out"
ok "spoold stops after that" stop_spoold

# --- TLS from the first byte
configure implicit.example.test implicit
start_spoold
send_simple ann@x.test bob@y.test
ok "_submissions: delivered" wait_for 20 has_messages 1 "$dir/tls.out"
ok "spoold stops again" stop_spoold

# --- a name that anybody could have put into the answer
down=$(events relay-down)
configure elsewhere.test implicit
start_spoold
send_simple ann@x.test bob@y.test
ok "a server of another domain: the relay counts as down" \
    wait_for 20 has_events $((down + 1)) relay-down
like "$(tail -n 3 "$spoold_log")" "certificate.*elsewhere\.test" \
    "a server of another domain: the certificate is not for this one"
is "$(got tls) $(queued) $(events failed)" "1 1 0" \
    "a server of another domain: it gets nothing, and nothing is lost"
ok "spoold stops in the end" stop_spoold
done_testing
