#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoold is killed at, or fails in, system calls while it makes messages of
# files that lie at the top of the spool.  No relay is there, so queue/ shows
# what came of it: after another start each file is one message, whatever
# happened (invariants 1, 2 and 5).

TEST_TIMEOUT=300
. "${srcdir:?}/tests/fault/fault.sh"

# How many kills for a system call's name at most.
samples=${FAULT_SAMPLES:-6}
files=5
rounds=0

# prepare_round: a spool with so many files
prepare_round() {
	local i
	rounds=$((rounds + 1))
	spool=$dir/round/$rounds
	mkdir -p "$dir/round"
	make_spool
	for ((i = 0; i < files; i++)); do
		printf 'From: a@x.test\nTo: r%d@y.test\n\nnumber %d\n' \
		    "$i" "$i" >"$spool/letter $i"
	done
}

# once STRACE-ARGUMENT...: look through the spool and end; no relay is
# configured, so that something is always left
once() {
	traced -f "$@" -- "$SPOOLD" -C "$config" --once "$spool"
}

# judge: what is wrong with queue/, or nothing
judge() {
	local i n
	for ((i = 0; i < files; i++)); do
		n=$(cat "$spool"/queue/* 2>/dev/null |
			grep -ac "^rcpt r$i@y.test")
		[ "$n" -eq 1 ] || echo "file $i is $n messages;"
		n=$(cat "$spool"/queue/* 2>/dev/null |
			grep -ac "^number $i"$'\r')
		[ "$n" -eq 1 ] || echo "file $i has $n bodies;"
	done
	n=$(find "$spool" -maxdepth 1 \( -name '.raw.*' -o -name 'letter*' \) |
		wc -l)
	[ "$n" -eq 0 ] || echo "$n files are left;"
	queue_has 0 failed || echo "something is in failed/;"
	n=$(grep -c '"event":"admitted"' "$spool"/.journal.jsonl)
	[ "$n" -eq "$files" ] || echo "$n were admitted;"
}

# disturbed NAME N WHAT: one round, in which WHAT (signal=KILL, error=EIO)
# happens to call N of NAME; what is wrong in $wrong
disturbed() {
	local status
	prepare_round
	once -e "trace=$1" -e "inject=$1:$3:when=$2"
	status=$?
	wrong=
	case $status in
	137) hits=$((hits + 1)) ;;
	75 | 71 | 73) : ;;
	*) wrong="exit status $status; " ;;
	esac
	run_spoold --once
	status=$?
	[ "$status" -eq 75 ] || wrong+="exit status $status afterwards; "
	wrong+=$(judge)
}

prepare_round
once
is "$?" 75 "undisturbed, it leaves something"
is "$(judge)" "" "each file is one message"
calls >"$dir/calls"

# The order of what makes it so (doc/SPOOL.md): the claim is durable before
# anything is made of it, and so is the removal before it counts.
files=1 prepare_round
once -y -s 200 -e trace=renameat2,fsync,linkat,unlinkat,write
worker=$(sed -nE 's/^([0-9]+) .*linkat\(.*\/queue>.*/\1/p' "$trace" | head -n 1)
is "$(sed -nE "
    /renameat2\(.*\.raw\./s/.*/claim/p
    /^$worker .*fsync\([0-9]+<[^>]*\/round\/$rounds>/s/.*/sync/p
    /linkat\(.*\/queue>/s/.*/publish/p
    /unlinkat\(.*\.raw\./s/.*/remove/p
    /write\(.*admitted/s/.*/admit/p" "$trace" | grep -m 1 -A 5 claim | xargs)" \
    "claim sync publish remove sync admit" \
    "claims, messages and removals are synchronised in order"

names="renameat2 linkat unlinkat fsync openat fcntl getdents64 newfstatat \
write sync_file_range"
kills=0
while read -r count name; do
	[[ " $names " = *" $name "* ]] || continue
	all=()
	hits=0
	[ "$count" -le 20 ] || count=20
	step=$(((count + samples - 1) / samples))
	for ((n = 1; n <= count; n += step)); do
		disturbed "$name" "$n" signal=KILL
		[ -z "$wrong" ] || all+=("call $n: $wrong")
	done
	is "${all[*]}" "" "$name: killed $hits times, each file is one message"
	kills=$((kills + hits))
done <"$dir/calls"
ok "it was killed often enough ($kills times)" [ "$kills" -ge 8 ]

# The claim; the sync of it; the message; its sync; the removal.
for what in renameat2:EACCES fsync:EIO linkat:ENOSPC unlinkat:EIO \
    openat:EMFILE; do
	all=()
	for n in 1 2 3 4 5 6; do
		disturbed "${what%:*}" "$n" "error=${what#*:}"
		[ -z "$wrong" ] || all+=("call $n: $wrong")
	done
	is "${all[*]}" "" "${what%:*} fails with ${what#*:}: each file is one \
message"
done

# A claim whose message was published: there it is, and the file only goes.
prepare_round
run_spoold --once
id=$(grep -al '^rcpt r0@y.test' "$spool"/queue/*)
id=${id##*/}
printf 'From: a@x.test\nTo: r0@y.test\n\nnumber 0\n' >"$spool/.raw.$id.letter 0"
run_spoold --once
is "$(judge)" "" "what was published is not so again"

# Before the claim goes, what was published is durable: whoever did it may have
# ended before it was.
files=1 prepare_round
run_spoold --once
id=$(ls "$spool/queue")
printf 'From: a@x.test\nTo: r0@y.test\n\nnumber 0\n' >"$spool/.raw.$id.letter 0"
once -y -s 200 -e trace=fsync,unlinkat
is "$(sed -nE "
    /fsync\([0-9]+<[^>]*\/queue\/$id>/s/.*/message/p
    /fsync\([0-9]+<[^>]*\/queue>/s/.*/queue/p
    /unlinkat\(.*\.raw\./s/.*/remove/p" "$trace" | grep -m 1 -B 2 remove |
	xargs)" "message queue remove" \
    "what was published before is made durable before the claim goes"

# An operator drops a message whose claim is still there: both go.
prepare_round
run_spoold --once
id=$(grep -al '^rcpt r0@y.test' "$spool"/queue/*)
id=${id##*/}
printf 'From: a@x.test\nTo: r0@y.test\n\nnumber 0\n' >"$spool/.raw.$id.letter 0"
"$SPOOLQ" -C /dev/null --spool "$spool" drop "$id" >/dev/null ||
	fail "spoolq drop works"
run_spoold --once
is "$(judge)" "file 0 is 0 messages;
file 0 has 0 bodies;" "what was dropped does not come back"

# A message of sendmail's that has got the id of a claim is no reason to forget
# the file.
prepare_round
send_simple a@x.test other@y.test
id=$(ls "$spool/queue")
mv "$spool/letter 0" "$spool/.raw.$id.letter 0"
run_spoold --once
is "$(grep -alc '^rcpt other@y.test' "$spool"/queue/* | wc -l)" 1 \
    "an id that is another message's by now is given up"
rm "$spool/queue/$id"
is "$(judge)" "6 were admitted;" "and each file is a message all the same"

done_testing
