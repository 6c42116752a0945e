#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Every system call of sendmail fails once, and from some call on always, with
# each error that fits it (invariant 1): exit status 0 means that a whole
# message is in queue/, any other that nothing is there or in tmp/, and that
# one line said why.

TEST_TIMEOUT=300
. "${srcdir:?}/tests/fault/fault.sh"

declare -A errors=(
	[openat]="EMFILE ENFILE EACCES ENOSPC EIO EINTR ENOMEM"
	[read]="EIO EINTR EISDIR"
	[pread64]="EIO"
	[write]="ENOSPC EDQUOT EIO EINTR EFBIG"
	[pwrite64]="ENOSPC EIO EINTR"
	[sync_file_range]="EIO ENOSPC EINTR ENOSYS"
	[linkat]="ENOSPC EDQUOT EIO EEXIST EMLINK EXDEV EPERM"
	[renameat2]="ENOSPC EIO EEXIST EXDEV EACCES"
	[unlinkat]="EIO EACCES"
	[fsync]="EIO ENOSPC EDQUOT EINTR"
	[fchmod]="EIO EPERM"
	[newfstatat]="EIO EACCES ENOMEM"
	[close]="EIO EINTR"
	[lseek]="EINVAL"
	[fcntl]="EBADF"
	[close_range]="ENOSYS"
	[getcwd]="ENOENT"
	[getrandom]="ENOSYS EINTR"
	[uname]="EFAULT"
	[mmap]="ENOMEM"
	[munmap]="ENOMEM"
)
# What was written before, and what is persistent, makes a difference here.
lasting="write pwrite64 sync_file_range fsync linkat renameat2 openat read"

points=0

# fail_at WAY NAME WHEN ERROR: $state is kept, refused or "wrong: why"
fail_at() {
	local status lines in_tmp
	prepare "$1" "$2"
	traced_sendmail "${way[@]}" -e "inject=$2:error=$4:when=$3"
	status=$?
	visible "$1.$2.$3.$4"
	in_dir "$spool/tmp"
	in_tmp=${#entries[@]}
	lines=$(wc -l <"$dir/stderr")
	points=$((points + 1))
	if ! grep -q INJECTED "$trace"; then
		state="wrong: nothing was injected"
	elif [ "$in_tmp" -gt 0 ]; then
		state="wrong: status $status, and $in_tmp files in tmp/"
	elif [ "$status" -eq 0 ] && [ "$seen$lines" = 10 ]; then
		state=kept
	elif [ "$status" -ne 0 ] && [ "$status" -lt 126 ] &&
	    [ "$seen" -eq 0 ] && said_once "$2" "$3"; then
		state=refused
	elif before_main "$status"; then
		state=refused
	else
		state="wrong: status $status, $seen files, $lines lines"
	fi
	empty_spool
}

# said_once NAME WHEN: one line on standard error, if that can be written
said_once() {
	[ "$lines" -eq 1 ] || [ "$1/$2" = "write/${2%+}+" ]
}

# before_main STATUS: the dynamic loader gave up, in its own words or in none
before_main() {
	[ "$1" -ne 0 ] && [ "$seen" -eq 0 ] && ! grep -q '^umask(' "$trace"
}

# fail_all WAY NAME COUNT
fail_all() {
	local n error when kept_n=0 refused_n=0 wrong=()
	for ((n = 1; n <= $3; n++)); do
		for error in ${errors[$2]}; do
			for when in "$n" "$n+"; do
				[ "$when" = "$n" ] ||
				    [[ " $lasting " = *" $2 "* ]] || continue
				# For ever interrupted means waiting for ever.
				[ "$when/$error" != "$n+/EINTR" ] || continue
				[ "$when/$error" != "$n+/EEXIST" ] || continue
				fail_at "$1" "$2" "$when" "$error"
				case $state in
				kept) kept_n=$((kept_n + 1)) ;;
				refused) refused_n=$((refused_n + 1)) ;;
				*) wrong+=("$when $error: ${state#wrong: };") ;;
				esac
			done
		done
	done
	is "${wrong[*]}" "" "$1, $size, $2: \
$kept_n times acknowledged, $refused_n times refused"
}

# fail_way WAY NAME...: only these, or all
fail_way() {
	local each=$1 count name
	shift
	prepare "$each" none
	traced_sendmail "${way[@]}"
	is "$?" 0 "$each, $size: undisturbed, it exits 0"
	visible "$each.whole"
	calls >"$dir/calls"
	empty_spool
	while read -r count name; do
		[ -n "${errors[$name]:-}" ] || continue
		[ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
		fail_all "$each" "$name" "$count"
	done <"$dir/calls"
	check_kept "$each, $size: what was acknowledged is whole" "$input"
}

make_messages
make_spool
input=$dir/small
traced_sendmail
find_named_ways
empty_spool

size=small
fail_way nameless
fail_way named fchmod fsync getrandom renameat2 sync_file_range write
fail_way linked linkat unlinkat fsync
size=large
input=$dir/large
fail_way nameless fsync linkat pwrite64 read sync_file_range write
fail_way named pwrite64 write

# A name that is taken, again and again, does not stop it.
prepare nameless linkat
size=small
input=$dir/small
traced_sendmail -e inject=linkat:error=EEXIST:when=1..30
is "$?" 0 "thirty ids are taken, the next is not"
visible taken
check_kept "and the message is whole" "$input"
empty_spool

# The name cannot be made durable, nor be taken back: told to the caller,
# though the message may be sent.
traced_sendmail -e inject=fsync:error=EIO:when=2 \
    -e inject=unlinkat:error=EIO:when=1
ok "an unsynced name that stays is never acknowledged" [ "$?" -eq 75 ]
visible stays
check_kept "and what stays is whole" "$input"
diag "$points failures"

# limited NAME LIMIT...: under each limit ("-f 3") in turn either a whole
# message and silence, or nothing and a complaint; both must have happened.
limited() {
	local label=$1 limit status kept_n=0 refused_n=0 wrong=()
	shift
	for limit; do
		{
			(
				# shellcheck disable=SC2086
				ulimit $limit
				exec "$SENDMAIL" -C "$config" --spool "$spool" \
				    -i -f "$sender" -- "${rcpts[@]}" \
				    <"$input" 2>"$dir/stderr"
			)
		} 2>/dev/null
		status=$?
		visible "limit${limit// /}"
		in_dir "$spool/tmp"
		if [ "$status" -eq 0 ] && [ "$seen" -eq 1 ]; then
			kept_n=$((kept_n + 1))
		elif [ "$status" -ne 0 ] && [ "$seen" -eq 0 ] &&
		    [ "${#entries[@]}" -eq 0 ]; then
			refused_n=$((refused_n + 1))
		else
			wrong+=("$limit: status $status, $seen files;")
		fi
		empty_spool
	done
	is "${wrong[*]}" "" "$label: $kept_n times acknowledged, $refused_n \
times refused"
	ok "$label: both happened" [ $((kept_n * refused_n)) -gt 0 ]
	check_kept "$label: what was acknowledged is whole" "$input"
}

# limits LETTER FROM TO STEP
limits() {
	seq -f "-$1 %.0f" "$2" "$4" "$3"
}

input=$dir/large
size_k=$((($(stat -c %s "$input") + 1023) / 1024))
mapfile -t steps < <(limits f 0 $((size_k + 32)) 8)
limited "a longest file" "${steps[@]}"
mapfile -t steps < <(limits n 3 24 1)
limited "few descriptors" "${steps[@]}"
if ! grep -q '__asan_init' "$SENDMAIL"; then
	mapfile -t steps < <(limits v 2000 6000 50)
	limited "little memory" "${steps[@]}"
else
	skip "little memory" "a sanitizer needs all there is"
fi

done_testing
