#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoold is killed before a sample of its system calls while it delivers five
# messages to three recipients each (invariants 2, 4 and 5).  Another spoold
# then delivers the rest: everything arrives; what the journal called delivered
# before the kill is not sent again, and nothing more than once again; and the
# status was a valid document at every moment.

TEST_TIMEOUT=300
. "${srcdir:?}/tests/fault/fault.sh"

# How many kills for a system call's name at most; at a smaller step every one
# is hit (FAULT_SAMPLES=1000 takes minutes).
samples=${FAULT_SAMPLES:-7}
need python3 python3

pairs=()	# "message recipient" that have to arrive in this round

# prepare_round LABEL: a spool of its own with the messages; recipients are of
# this round alone, for all rounds may share a server.
prepare_round() {
	local m i round_rcpts
	round=$1
	spool=$dir/round/$round/spool
	mail=$dir/round/$round/mail
	mkdir -p "$dir/round/$round"
	make_spool
	pairs=()
	for m in {1..5}; do
		round_rcpts=()
		for i in {1..3}; do
			round_rcpts+=("m$m.r$i.$round@y.test")
		done
		send_simple "$sender" "${round_rcpts[@]}" ||
		    bail "sendmail does not work"
		pairs+=("${round_rcpts[@]}")
	done
}

relay_options() {
	if [ "$kind" = maildir ]; then
		relay=(--relay "maildir:$mail")
	else
		relay=(--relay "127.0.0.1:$smtpd_port" --tls none)
	fi
}

# arrivals: an address a line, as often as it got a message of this round
arrivals() {
	if [ "$kind" = maildir ]; then
		cat "$mail"/new/* 2>/dev/null | sed -n 's/^Delivered-To: //p'
	else
		cat "$smtpd_out"/*.env | sed -nE 's/^rcpt <([^>]*)>.*/\1/p' |
			grep -F ".$round@"
	fi
}

# journalled: the same by the journal
journalled() {
	cat "$spool"/.journal.jsonl* 2>/dev/null |
		sed -nE 's/.*"event":"delivered".*"rcpt":"([^"]*)".*/\1/p'
}

keep_status() {
	[ ! -e "$spool/.status.json" ] ||
		cp "$spool/.status.json" "$kept/$kind.$round.json"
}

# judge: what is wrong with this round's arrivals, or nothing.  Adds to
# $repeated and $sent.
judge() {
	arrivals | sort | uniq -c >"$dir/arrived"
	printf '%s\n' "${pairs[@]}" >"$dir/expected"
	perl -e '
		my (%n, @wrong, $again);
		open my $in, "<", $ARGV[0]; 
		/^\s*(\d+) (\S+)/ and $n{$2} = $1 while <$in>;
		my %done = map { chomp; $_ => 1 } do {
			open my $d, "<", $ARGV[1]; <$d> };
		for my $to (do { open my $e, "<", $ARGV[2]; <$e> }) {
			chomp $to;
			my $n = delete $n{$to} // 0;
			push @wrong, "$to is lost" if $n == 0;
			push @wrong, "$to got $n" if $n > 2;
			push @wrong, "$to got $n though journalled"
			    if $n > 1 && $done{$to};
			$again += $n - 1 if $n > 1;
		}
		push @wrong, "$_ is unknown" for keys %n;
		print $again // 0, " @wrong\n";
	' "$dir/arrived" "$dir/done" "$dir/expected" >"$dir/verdict"
	local again wrong
	read -r again wrong <"$dir/verdict"
	repeated=$((repeated + again))
	sent=$((sent + ${#pairs[@]}))
	printf '%s' "$wrong"
}

# kill_at NAME N STRACE-OPTION...: one round; what is wrong with it in $wrong.
# A call that does not come this time is no kill, but counts as a round.
kill_at() {
	local name=$1 n=$2 status
	shift 2
	rounds=$((rounds + 1))
	prepare_round "$kind$rounds"
	relay_options
	traced "$@" -e "trace=$name" -e "inject=$name:signal=KILL:when=$n" -- \
	    "$SPOOLD" -C "$config" --agents 2 "${relay[@]}" \
	    --drain "$spool"
	status=$?
	wrong=
	case $status in
	137) kills=$((kills + 1)) ;;
	0) : ;;
	*) wrong="exit status $status before; " ;;
	esac
	keep_status
	journalled | sort >"$dir/done"
	spoolq list >/dev/null 2>"$dir/list.err" || wrong+="spoolq list fails; "
	run_spoold --drain --agents 2 "${relay[@]}" ||
	    wrong+="exit status $? afterwards; "
	keep_status
	queue_has 0 || wrong+="something stays in queue/; "
	queue_has 0 failed || wrong+="something is in failed/; "
	judge >"$dir/judged"
	wrong+=$(<"$dir/judged")
}

# kill_name NAME COUNT STRACE-OPTION...
kill_name() {
	local name=$1 count=$2 n step all=()
	shift 2
	step=$(((count + samples - 1) / samples))
	kills=0
	repeated=0
	sent=0
	for ((n = 1; n <= count; n += step)); do
		kill_at "$name" "$n" "$@"
		[ -z "$wrong" ] || all+=("call $n: $wrong;")
	done
	is "${all[*]}" "" "$kind, $name: $kills kills, $repeated of $sent \
deliveries repeated"
	ok "$kind, $name: it was killed" [ "$kills" -gt 0 ]
	total_kills=$((total_kills + kills))
	total_repeated=$((total_repeated + repeated))
}

# What changes something, and what waits for the agents.
names="openat write unlinkat unlink renameat renameat2 fsync mkdirat linkat \
read epoll_wait epoll_pwait getdents64 close clone clone3 socketpair"

kill_kind() {
	local count name
	rounds=0
	total_kills=0
	total_repeated=0
	prepare_round "${kind}0"
	relay_options
	# The main thread alone, which strace follows: it is there that things
	# happen.
	traced -- "$SPOOLD" -C "$config" --agents 2 "${relay[@]}" --drain \
	    "$spool"
	is "$?" 0 "$kind: undisturbed, it delivers"
	: >"$dir/done"
	repeated=0 sent=0
	is "$(judge)" "" "$kind: everything, once"
	calls >"$dir/calls"
	while read -r count name; do
		[[ " $names " = *" $name "* ]] || continue
		kill_name "$name" "$count"
	done <"$dir/calls"
	# The journal's thread.
	kill_name fdatasync 2 -f
	diag "$kind: $total_kills kills, $total_repeated deliveries repeated"
	ok "$kind: most kills hit" [ "$total_kills" -ge $((rounds / 2)) ]
}

kind=maildir
kill_kind
if [ -x "$builddir/spoold/smtp/spoold-smtp" ]; then
	start_smtpd
	kind=smtp
	kill_kind
	ok "smtpd ends in order" stop_smtpd
else
	skip "smtp" "spoold-smtp is not built"
fi

in_dir "$kept"
ok "the status is a valid document every time (${#entries[@]})" \
    python3 -c 'import json, sys
for name in sys.argv[1:]:
    with open(name) as f:
        assert json.load(f)["version"] == 1, name' "${entries[@]}"

done_testing
