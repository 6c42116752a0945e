#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A delivery agent is killed before a sample of its system calls (invariants
# 2, 5 and 6): spoold goes on, tells what it was, starts another, and all mail
# arrives, at most once more for each that died.

TEST_TIMEOUT=300
. "${srcdir:?}/tests/fault/fault.sh"

samples=${FAULT_SAMPLES:-3}
names="read write openat linkat renameat2 fsync unlinkat close pread64 \
connect sendto recvfrom poll socket clone3 newfstatat"

mkdir "$dir/agents"
# make_agent STRACE-OPTION...: the first two agents that start run under
# strace; those that take their place are left alone.
make_agent() {
	rmdir "$dir"/struck.* 2>/dev/null
	cat >"$dir/agents/$agent" <<EOM
#!/bin/sh
real=$builddir/spoold/$kind/$agent
for i in 1 2; do
	if mkdir "$dir/struck.\$i" 2>/dev/null; then
		exec strace -f -qq -o "$dir/agent.trace.\$i" $* "\$real"
	fi
done
exec "\$real"
EOM
	chmod +x "$dir/agents/$agent"
}

# agent_calls: as calls(), the most that one thread made: strace counts for
# each by itself.
agent_calls() {
	sed -nE 's/^([0-9]+) +([a-z_0-9]+)\(.*/\1 \2/p' \
	    "$dir"/agent.trace.[12] | sort | uniq -c |
	    awk '$1 > n[$3] { n[$3] = $1 }
		END { for (name in n) print n[name], name }' | sort -k 2
}

arrivals() {
	if [ "$kind" = maildir ]; then
		cat "$mail"/new/* 2>/dev/null | sed -n 's/^Delivered-To: //p'
	else
		cat "$smtpd_out"/*.env 2>/dev/null |
			sed -nE 's/^rcpt <([^>]*)>.*/\1/p' |
			grep -F ".$round@"
	fi
}

# deliver LABEL: four messages to two recipients each, with whatever agent
# there is; $wrong says what went wrong, $again how much came twice
deliver() {
	local m arrived more
	round=$1
	spool=$dir/round/$round/spool
	mail=$dir/round/$round/mail
	wrong=
	mkdir -p "$dir/round/$round"
	make_spool
	for m in {1..4}; do
		send_simple "$sender" "m$m.r1.$round@y.test" \
		    "m$m.r2.$round@y.test" || bail "sendmail does not work"
	done
	if [ "$kind" = maildir ]; then
		relay=(--relay "maildir:$mail")
	else
		relay=(--relay "127.0.0.1:$smtpd_port" --tls none)
	fi
	SPOOLD_EXEC_PATH=$dir/agents start_spoold --agents 2 "${relay[@]}"
	flushing 40 queue_has 0 >"$dir/late" || wrong+="mail is left over; "
	is_gone "$spoold_pid" && wrong+="spoold ended; "
	stop_spoold || wrong+="spoold ends with $?; "
	queue_has 0 failed || wrong+="something is in failed/; "
	read -r arrived again more < <(arrivals | sort | uniq -c | awk '
	    { n++; again += $1 - 1; if ($1 > 3) more++ }
	    END { print n + 0, again + 0, more + 0 }')
	[ "$arrived" -eq 8 ] || wrong+="$arrived of 8 arrived; "
	[ "$more" -eq 0 ] || wrong+="$more came more often than agents died; "
}

kill_name() { # NAME COUNT
	local n step kills=0 repeated=0 all=()
	step=$((($2 + samples - 1) / samples))
	for ((n = 1; n <= $2; n += step)); do
		make_agent -e "trace=$1" -e "inject=$1:signal=KILL:when=$n"
		rm -f "$spoold_log"
		deliver "$kind.$1.$n"
		repeated=$((repeated + again))
		! grep -q 'died: signal 9' "$spoold_log" ||
			kills=$((kills + 1))
		[ -z "$wrong" ] || all+=("call $n: $wrong;")
	done
	is "${all[*]}" "" "$kind, $1: $kills kills, $repeated deliveries \
repeated"
	ok "$kind, $1: it was killed" [ "$kills" -gt 0 ]
	total=$((total + repeated))
}

kill_kind() {
	local count name
	total=0
	make_agent
	deliver "${kind}0"
	is "$wrong$again" 0 "$kind: undisturbed, all is delivered once"
	agent_calls >"$dir/calls"
	while read -r count name; do
		[[ " $names " = *" $name "* ]] || continue
		kill_name "$name" "$count"
	done <"$dir/calls"
	diag "$kind: $total deliveries repeated"
}

kind=maildir agent=spoold-maildir
kill_kind
if [ -x "$builddir/spoold/smtp/spoold-smtp" ]; then
	start_smtpd
	kind=smtp agent=spoold-smtp
	kill_kind
	ok "smtpd ends in order" stop_smtpd
else
	skip "smtp" "spoold-smtp is not built"
fi

done_testing
