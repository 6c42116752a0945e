#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# "srv:DOMAIN" as the agent sees it, with a real name server in a network of
# the test's own: which service is asked for, which TLS follows from it, whose
# certificate will do, names with several addresses, and DNS that fails.

# Before the harness, so that all of it is in the namespaces.
if [ "${1-}" != inside ]; then
	for program in ip dnsmasq openssl; do
		command -v $program >/dev/null || {
			echo "1..0 # SKIP $program is not installed (Debian" \
			    "packages iproute2, dnsmasq-base, openssl)"
			exit 0
		}
	done
	if [ "$(id -u)" -ne 0 ] ||
	    ! unshare --net --mount --uts true 2>/dev/null; then
		echo "1..0 # SKIP needs root and namespaces"
		exit 0
	fi
	exec unshare --net --mount --uts --propagation private "$BASH" "$0" \
	    inside
fi
# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"
. "${srcdir:?}/tests/run/agent.sh"

chmod 755 "$dir"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' \
    >"$dir/resolv.conf"
echo 'hosts: files dns' >"$dir/nsswitch.conf"
printf '127.0.0.1 localhost\n127.0.1.1 client.example.test client\n' >"$dir/hosts"
for file in resolv.conf nsswitch.conf hosts; do
	chmod 644 "$dir/$file"
	mount --bind "$dir/$file" "/etc/$file" || bail "cannot mount"
done
ip link set lo up || bail "no network of its own"
hostname client || bail "no name of its own"

make_spool
make_ca
make_cert wide 2 DNS:a.example.test,DNS:out.other.test
make_cert domain 2 DNS:example.test

# Where: 127.0.0.N for each of them.
smtpd_name=tls start_smtpd --listen 127.0.0.2 --cert "$dir/wide.pem" \
    --key "$dir/wide.key" --implicit-tls
tls=$smtpd_port tls_out=$smtpd_out
smtpd_name=start start_smtpd --listen 127.0.0.3 --cert "$dir/wide.pem" \
    --key "$dir/wide.key"
start=$smtpd_port start_out=$smtpd_out
smtpd_name=domain start_smtpd --listen 127.0.0.4 --cert "$dir/domain.pem" \
    --key "$dir/domain.key" --implicit-tls
domain=$smtpd_port
smtpd_name=clear start_smtpd --listen 127.0.0.5
clear=$smtpd_port
smtpd_name=many start_smtpd --listen ::1
many=$smtpd_port

# dns ARGS...: the name server with these records besides
dns() {
	[ -z "${dns_pid:-}" ] || end_process "$dns_pid"
	rm -f "$dir/dns.log"
	dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root \
	    --pid-file= --no-resolv --no-hosts --local=/test/ \
	    --local-ttl="${ttl:-1}" \
	    --listen-address=127.0.0.1 --bind-interfaces --log-queries \
	    --log-facility="$dir/dns.log" \
	    --host-record=a.example.test,127.0.0.2 \
	    --host-record=b.example.test,127.0.0.3 \
	    --host-record=out.other.test,127.0.0.2 \
	    --host-record=d.other.test,127.0.0.4 \
	    --host-record=clear.example.test,127.0.0.5 \
	    --host-record=many.example.test,127.0.0.9,::1 \
	    "$@" >"$dir/dnsmasq.log" 2>&1 </dev/null &
	dns_pid=$!
	wait_for 10 has_line "$dir/dns.log" 'started, version' ||
	    bail "no name server: $(tail -n 1 "$dir/dnsmasq.log")"
}
srv() { # SERVICE DOMAIN TARGET PORT [PRIORITY]
	echo "--srv-host=_$1._tcp.$2,$3,$4,${5:-0},0"
}
asked() { # SERVICE: how often
	grep -c "query\[SRV\] _$1\._tcp" "$dir/dns.log"
}

common=(ca_file="$dir/ca.pem" session_messages=1 connect_timeout=5 rest_ms=0)

# One service or both, and what the user says about TLS.
while read -r name tls_mode records want; do
	read -ra list <<<"${records//,/ }"
	args=()
	for record in "${list[@]}"; do
		case $record in
		implicit) args+=("$(srv submissions example.test \
		    a.example.test "$tls" 9)") ;;
		starttls) args+=("$(srv submission example.test \
		    a.example.test "$start" 1)") ;;
		none) args+=("--srv-host=_submissions._tcp.example.test") ;;
		esac
	done
	dns "${args[@]}"
	ok "$name: ready" start_agent "${common[@]}" host=srv:example.test \
	    tls="$tls_mode"
	case $want in
	trouble*) in_trouble "${want#trouble:}" "$name" ;;
	*) delivers "$name"
		is "$(server_of "$id")" "a.example.test[127.0.0.2]:$tls" \
		    "$name: the server" ;;
	esac
	stop_agent
done <<'EOF'
implicit,by-opportunistic opportunistic implicit tls
both,implicit-first starttls implicit,starttls tls
both,implicit implicit implicit,starttls tls
implicit,none none implicit trouble:offers.TLS
starttls,implicit implicit starttls trouble:no._submissions
a-dot starttls none trouble:takes.no.mail
nothing starttls - trouble:it.has.none
EOF

# STARTTLS, where the target's address is the other server's.
dns "$(srv submission start.test b.example.test "$start")" \
    "$(srv submission example.test b.example.test "$start")"
for mode in starttls opportunistic; do
	ok "_submission, $mode: ready" start_agent "${common[@]}" \
	    host=srv:example.test tls="$mode"
	in_trouble "name does not match.*wanted: 'example.test'" \
	    "_submission, $mode, wrong certificate"
	stop_agent
done
is "$(count_messages "$start_out")" 0 "nothing goes to a stranger"

# Whose certificate will do.
dns "$(srv submissions example.test d.other.test "$domain")" \
    "$(srv submissions example2.test out.other.test "$tls")"
ok "the domain's own: ready" start_agent "${common[@]}" \
    host=srv:example.test tls=starttls
delivers "a target elsewhere with the domain's certificate"
stop_agent
before=$(count_messages "$tls_out")
ok "a stranger's: ready" start_agent "${common[@]}" \
    host=srv:example2.test tls=starttls
in_trouble "certificate of out.other.test: .*wanted: 'example2.test'" \
    "a target elsewhere with its own certificate"
stop_agent
is "$(count_messages "$tls_out")" "$before" "nothing goes there"

# A name with DNS's last dot; certificates have none.
ok "a last dot: ready" start_agent "${common[@]}" tls=implicit \
    host="a.example.test.:$tls"
delivers "a last dot"
stop_agent

# In clear, if the user wants it and nothing else is there.
dns "$(srv submission example.test clear.example.test "$clear")"
ok "in clear: ready" start_agent "${common[@]}" host=srv:example.test \
    tls=none
delivers "in clear"
stop_agent

# Answers are kept, but no longer than they hold.
ttl=60 dns "$(srv submission example.test clear.example.test "$clear")"
ok "kept: ready" start_agent "${common[@]}" host=srv:example.test tls=none
before=$(asked submission)
delivers "kept: the first"
delivers "kept: the second"
is "$(($(asked submission) - before))" 1 "DNS was asked once for both"
stop_agent

# A fleet that changes is seen soon: its own machine had the answer till then.
dns "$(srv submission example.test clear.example.test "$clear")"
ok "a change: ready" start_agent "${common[@]}" host=srv:example.test \
    tls=none helo=client.test
delivers "a change: before it"
smtpd_name=new start_smtpd --listen 127.0.0.5
dns "$(srv submission example.test clear.example.test "$smtpd_port")"
sees_new() {
	deliver
	[ "$(server_of "$id")" = "clear.example.test[127.0.0.5]:$smtpd_port" ]
}
ok "a change: is seen" wait_for 30 sees_new
stop_agent

# Several addresses, of which only one answers; and who we are.
ok "many addresses: ready" start_agent "${common[@]}" tls=none \
    host=many.example.test port="$many"
delivers "many addresses: the one that answers"
is "$(server_of "$id")" "many.example.test[::1]:$many" \
    "many addresses: the server"
like "$(cat "$dir/many.log")" 'C: EHLO client.example.test' \
    "EHLO has the whole name of this machine"
stop_agent
ok "source: ready" start_agent "${common[@]}" tls=none source=127.0.0.1 \
    host=many.example.test port="$many"
in_trouble "many.example.test\[127.0.0.9\]:$many: Connection refused$" \
    "source: only addresses of its family are tried"
stop_agent

# The next host if DNS has nothing, or is not there.
ok "nothing: ready" start_agent "${common[@]}" tls=none host=srv:void.test \
    host="127.0.0.5:$clear"
delivers "no records: the next host"
stop_agent
end_process "$dns_pid"
dns_pid=
ok "no DNS: ready" start_agent "${common[@]}" tls=none \
    host=srv:example.test helo=client.test
in_trouble "cannot ask DNS for servers of 'example.test'" "no DNS"
stop_agent
ok "no DNS, next: ready" start_agent "${common[@]}" tls=none \
    host=srv:example.test host="127.0.0.5:$clear" helo=client.test
delivers "no DNS: the next host"
ok "no DNS: nobody else asks it for a while" has_line "$agent_log" \
    "host 'srv:example.test' rests .*cannot ask DNS"
delivers "no DNS: the next host again"
stop_agent

# A name server that hangs holds up neither an order to stop nor us.
echo 'nameserver 192.0.2.53' >"$dir/resolv.conf"
ip link add name d0 type dummy 2>/dev/null && ip addr add 192.0.2.1/24 dev d0 &&
    ip link set d0 up
ok "mute DNS: ready" start_agent "${common[@]}" tls=none connect_timeout=2 \
    host=srv:example.test helo=client.test
in_trouble "servers of 'example.test': the resolver" "mute DNS"
enqueue
agent_says send "$id" '*'
agent_says abort
ok "mute DNS: the agent ends when told" wait_for 5 is_gone "$agent_pid"
wait "$agent_pid"

done_testing
