#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A full disk.  sendmail refuses with a temporary failure and leaves nothing
# behind; spoold goes on living, loses nothing, repeats nothing, and resumes
# when there is room again.

TEST_TIMEOUT=180

# Mounts of our own, which end with us, as root or as one in a namespace.
if [ -z "${SPACE_MOUNTS:-}" ]; then
	for each in -m -rm; do
		if unshare "$each" true 2>/dev/null; then
			SPACE_MOUNTS=yes exec unshare "$each" \
			    "${BASH:-bash}" "$0" "$@"
		fi
	done
	export SPACE_MOUNTS=no
fi

. "${srcdir:?}/tests/fault/fault.sh"

[ "$SPACE_MOUNTS" = yes ] || skip_all "mounting takes root or a user namespace"
disk=$dir/disk
mkdir "$disk"
spool=$disk/spool

# new_disk OPTIONS: a small file system with an empty spool
new_disk() {
	umount "$disk" 2>/dev/null
	mount -t tmpfs -o "mode=0755,$1" tmpfs "$disk" ||
	    skip_all "tmpfs cannot be mounted"
	make_spool
}

# fill: not a byte is left for new pages, nor an inode
fill() {
	local i=0
	cat /dev/zero >"$disk/filler" 2>/dev/null
	while : >"$disk/inode$i"; do
		i=$((i + 1))
		[ "$i" -lt 5000 ] || break
	done 2>/dev/null
}

free() {
	rm -f "$disk"/filler "$disk"/inode*
}

# ---- sendmail ----------------------------------------------------------

# submit_until_full NAME OPTIONS: messages of growing size until ten were
# refused
submit_until_full() {
	local accepted=0 refused=0 odd=() size=10 status
	new_disk "$2"
	while [ "$refused" -lt 10 ] && [ "$accepted" -lt 500 ]; do
		head -c "$size" "$dir/large" |
			sm -i -f "$sender" -- "${rcpts[@]}" 2>"$dir/stderr"
		status=$?
		size=$((size + 700))
		case $status.$(wc -l <"$dir/stderr") in
		0.0) accepted=$((accepted + 1)) ;;
		75.1) refused=$((refused + 1)) ;;
		*) odd+=("$status: $(<"$dir/stderr")") ;;
		esac
		[ "${#odd[@]}" -lt 10 ] || break
	done
	is "${odd[*]}" "" "$1: each is taken silently or refused with 75 and a \
line ($accepted and $refused)"
	ok "$1: some fit" [ "$accepted" -gt 0 ]
	is "$refused" 10 "$1: and some do not"
	is "$(queued)" "$accepted" "$1: what was taken is in queue/"
	in_dir "$spool/tmp"
	is "${#entries[@]}" 0 "$1: nothing is left in tmp/"
	in_dir "$spool/queue"
	is "$(for each in "${entries[@]}"; do
		spoolq show "${each##*/}" >/dev/null 2>&1 || echo "${each##*/}"
	    done 2>&1)" "" "$1: and each can be read"
}

make_messages
submit_until_full "few pages" size=128k
submit_until_full "few inodes" size=4m,nr_inodes=30

new_disk size=128k
input=$dir/small
traced_sendmail
find_named_ways
empty_spool
input=$dir/large
traced_sendmail "${no_tmpfile[@]}"
is "$?" 75 "a message longer than the disk, without O_TMPFILE"
in_dir "$spool/tmp"
is "${#entries[@]} $(queued)" "0 0" "leaves nothing"
input=$dir/small
traced_sendmail
is "$?" 0 "the next, that fits, is taken"
visible next
check_kept "and is whole" "$input"
fill
traced_sendmail "${no_tmpfile[@]}"
is "$?" 75 "no inode is left"
free

# ---- spoold ------------------------------------------------------------

delivered_to() {
	cat "$dir/$1/new"/* 2>/dev/null | grep -c '^Delivered-To:'
}

# once_each MAILDIR WANT NAME: WANT recipients got it, each once
once_each() {
	local got
	got=$(cat "$dir/$1/new"/* | sed -n 's/^Delivered-To: //p' | sort |
		uniq -c | awk '{ n += $1 != 1 } END { print NR, n + 0 }')
	is "$got" "$2 0" "$3"
}

valid_status() {
	[ ! -e "$spool/.status.json" ] ||
	    perl -e 'local $/; my $t = <>; exit !($t =~ /\A\{.*\}\n\z/s)' \
	    "$spool/.status.json"
}

send_to() { # FROM TO: messages to two recipients each
	local i
	for ((i = $1; i <= $2; i++)); do
		send_simple ann@x.test "b$i@y.test" "c$i@y.test" ||
		    bail "there is no room for message $i"
	done
}

# It is full when spoold starts.
new_disk size=512k
send_to 1 10
fill
launch_spoold --freq 1 --relay "maildir:$dir/mail1"
wait_for 20 _serves_or_gone
is_gone "$spoold_pid" || pause 3
if is_gone "$spoold_pid"; then
	wait "$spoold_pid"
	status=$?
	# Without room for its lock and its socket it cannot begin; it must
	# say so, and have done nothing.
	is "$status" 75 "started on a full disk, it ends as for a passing \
trouble"
	like "$(tail -n 1 "$spoold_log")" "No space" "and says why"
	is "$(delivered_to mail1) $(queued)" "0 10" "nothing was touched"
	free
	start_spoold --freq 1 --relay "maildir:$dir/mail1"
else
	pass "started on a full disk, it lives"
	ok "the status is whole or missing" valid_status
	free
fi
ok "with room again, all is delivered" flushing 20 queue_has 0
once_each mail1 20 "to each once"
ok "it stops in order" stop_spoold

# It gets full while it runs and its relay is out of order: no attempt can be
# recorded, so none is made.
new_disk size=512k
mail=$dir/gone/mail2
start_spoold --freq 1 --relay "maildir:$mail"
send_to 1 20
ok "its relay is out of order" wait_for 10 has_events 20 admitted
fill
mkdir "$dir/gone"
has_mail() {
	[ "$(delivered_to gone/mail2)" -ge "$1" ]
}
flushing 4 has_mail 40 >/dev/null
ok "on a disk that gets full, it lives" kill -0 "$spoold_pid"
diag "$(delivered_to gone/mail2) of 40 were delivered meanwhile, \
$(events delivered) of that are in the journal"
ok "the status is whole" valid_status
is "$(queued failed)" 0 "nothing has failed"
free
ok "with room again, all is delivered" flushing 30 queue_has 0
once_each gone/mail2 40 "to each once"
ok "and the journal has got to know" wait_for 10 has_events 40 delivered
send_to 21 22
ok "new mail is delivered as ever" flushing 20 queue_has 0
once_each gone/mail2 44 "once"
ok "it stops in order" stop_spoold
ok "the status is whole in the end" valid_status
ok "and a new spoold finds nothing to do" \
    run_spoold --once --relay "maildir:$mail"
once_each gone/mail2 44 "and repeats nothing"

# Mail itself fills it, and nobody makes room: it drains all the same, for the
# journal has some in reserve, also after another start.  The results of one
# message are more than the rest of a page may hold.
submit_until_refused() {
	local to
	accepted=0
	while to=$(printf "d$accepted.%d@y.test " {1..20}) &&
	    [ "$accepted" -lt 500 ] && head -c 9000 "$dir/large" |
	    sm -i -f ann@x.test -- $to 2>/dev/null; do
		accepted=$((accepted + 1))
	done
}
new_disk size=700k
mail=$dir/away/mail4
start_spoold --freq 1 --relay "maildir:$mail"
submit_until_refused
ok "mail fills the disk" [ "$accepted" -gt 10 ]
cat /dev/zero >"$disk/filler" 2>/dev/null
ok "spoold stops on a full disk" stop_spoold
start_spoold --freq 1 --relay "maildir:$mail"
cat /dev/zero >>"$disk/filler" 2>/dev/null
mkdir "$dir/away"
ok "it drains" flushing 30 queue_has 0
once_each away/mail4 $((accepted * 20)) "to each once"
is "$(queued failed)" 0 "nothing has failed"
ok "it stops in order" stop_spoold
ok "a new spoold finds nothing to do" \
    run_spoold --once --relay "maildir:$mail"
once_each away/mail4 $((accepted * 20)) "and repeats nothing"

# It gets full while deliveries are on their way: their results find no room
# in the journal, and are more than what is in reserve.  The agent waits for our word before it takes a message.
mkdir "$dir/agents"
cat >"$dir/agents/spoold-maildir" <<EOM
#!/bin/bash
while read -r line; do
	case \$line in
	send*)
		until [ -e "$dir/go" ]; do
			sleep 0.02
		done ;;
	esac
	printf '%s\\n' "\$line"
done | "$builddir/spoold/maildir/spoold-maildir"
EOM
chmod +x "$dir/agents/spoold-maildir"
new_disk size=4m
# So many recipients that no message is done, and its file removed, before
# there is no room for the next result.
for m in {1..6}; do
	many=()
	for i in {1..300}; do
		many+=("b$m.$i@y.test")
	done
	send_simple ann@x.test "${many[@]}"
done
SPOOLD_EXEC_PATH=$dir/agents start_spoold --freq 1 --relay "maildir:$dir/mail3"
ok "attempts have begun" wait_for 10 has_events 2 attempt
# What is with the agents now is all that is recorded as tried.
tried=$(events attempt)
fill
touch "$dir/go"
# The results of a whole message are more than the rest of a page may hold.
has_some() {
	[ "$(delivered_to mail3)" -ge 60 ]
}
ok "the agents deliver, with no room for their results" wait_for 20 has_some
pause 3
ok "spoold lives" kill -0 "$spoold_pid"
known=$(events delivered)
diag "$tried were tried, $(delivered_to mail3) deliveries made, \
$known in the journal"
ok "some results could not be recorded yet" \
    [ "$known" -lt "$(delivered_to mail3)" ]
is "$(queued)" 6 "so nothing is removed"
free
ok "with room again, all is delivered" flushing 30 queue_has 0
once_each mail3 1800 "to each once"
ok "it stops in order" stop_spoold
# What the journal missed came into the snapshot.
ok "and the status has got to know of each" \
    grep -q '"totals":{[^}]*"delivered":1800,' "$spool/.status.json"
ok "a new spoold finds nothing to do" \
    run_spoold --once --relay "maildir:$dir/mail3"
once_each mail3 1800 "and repeats nothing"
umount "$disk"

done_testing
