# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What the fault tests share: system calls of a program that are counted, and
# then killed or failed one after the other by strace's injection.

# shellcheck source=tests/run/lib.sh
. "${srcdir:?}/tests/run/lib.sh"

# The leak checker of a sanitized build cannot work under strace.
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}

need strace strace
need perl perl-base
strace -qq -o "$dir/probe" -e inject=getppid:error=EPERM:when=1 true \
    2>/dev/null || skip_all "strace cannot trace here"

trace=$dir/trace
kept=$dir/kept
mkdir "$kept"

sender=ann@x.test
rcpts=(bob@y.test cy@y.test)

# Two messages: one that is written with a single write(2), and one that takes
# several and an update of the first line.
make_messages() {
	printf 'Subject: small\n\nfirst\n.\nlast\n' >"$dir/small"
	{
		printf 'Subject: large\n\n'
		for ((i = 0; i < 3000; i++)); do
			printf 'line %06d %050d\n' "$i" 0
		done
	} >"$dir/large"
}

# traced STRACE-ARGUMENT... -- COMMAND...: the command under strace; input
# from $input, if that is set, output to $dir/stdout and $dir/stderr.  Its exit status, 137
# when it was killed.  (The shell's own word about that goes nowhere.)
traced() {
	local args=()
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	{
		(exec timeout --foreground -k 5 60 \
		    strace -qq -o "$trace" "${args[@]}" "$@" \
		    <"${input:-/dev/null}" >"$dir/stdout" 2>"$dir/stderr")
	} 2>/dev/null
}

traced_sendmail() {
	traced "$@" -- "$SENDMAIL" -C "$config" --spool "$spool" -i \
	    -f "$sender" -- "${rcpts[@]}"
}

# calls: "COUNT NAME" for each system call of the trace but execve, which is
# strace's own.
calls() {
	sed -nE 's/^([0-9]+ +)?([a-z_0-9]+)\(.*/\2/p' "$trace" |
		grep -vx execve | sort | uniq -c
}

# nth_call NAME REGEX: the how many-eth call of NAME is the first whose line
# matches
nth_call() {
	sed -nE 's/^([0-9]+ +)?//p' "$trace" | grep "^$1(" |
		grep -nE -m 1 -- "$2" | cut -d : -f 1
}

# How to be without O_TMPFILE: by the file system that does not have it, or by
# a /proc that is not there.  Each fails one call, found in a trace of the way
# with it, and is no use for injecting more into calls of the same name.
find_named_ways() {
	local n
	n=$(nth_call openat O_TMPFILE)
	no_tmpfile=(-e "inject=openat:error=EOPNOTSUPP:when=${n:?}")
	n=$(nth_call newfstatat '"/proc/self/fd/')
	no_proc=(-e "inject=newfstatat:error=ENOENT:when=${n:?}")
}

# prepare WAY NAME: $way for a run that is to inject into calls of NAME
prepare() {
	way=()
	case $1 in
	nameless) ;;
	named)
		way=("${no_tmpfile[@]}")
		[ "$2" != openat ] || way=("${no_proc[@]}") ;;
	linked)
		way=("${no_tmpfile[@]}"
		    -e inject=renameat2:error=EINVAL:when=1)
		[ "$2" != openat ] || way=("${no_proc[@]}" "${way[@]:2}") ;;
	esac
}

# in_dir DIR: the entries, as the array $entries
in_dir() {
	shopt -s nullglob dotglob
	entries=("$1"/*)
	shopt -u nullglob dotglob
}

empty_spool() {
	rm -f "$spool"/{tmp,queue,hold,failed}/*
}

# visible: how many messages are in queue/, hold/ and failed/ together; what is
# there is moved to $kept for check_kept, under a name made from LABEL.
visible() { # LABEL
	local state entry n=0
	for state in queue hold failed; do
		in_dir "$spool/$state"
		for entry in "${entries[@]}"; do
			n=$((n + 1))
			mv "$entry" "$kept/$1.$n" || n=99
		done
	done
	# shellcheck disable=SC2034 # the tests read it
	seen=$n
}

# check_kept NAME BODY-FILE: each file that visible() kept is complete, and
# none is left
check_kept() {
	local n
	in_dir "$kept"
	n=${#entries[@]}
	if [ "$n" -eq 0 ]; then
		fail "$1"
		diag "there is no file to check"
		return
	fi
	ok "$1 ($n files)" perl "$srcdir/tests/fault/check-queue.pl" \
	    "$2" "$sender" "${rcpts[*]}" "${entries[@]}"
	rm -f "${entries[@]}"
}
