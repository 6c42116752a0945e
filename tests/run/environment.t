#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail as careless and hostile parents call it: descriptors, limits,
# signals, environments and arguments of all kinds.  Either a whole message is
# in queue/ and nothing was said, or nothing is there or in tmp/ and one line
# said why.

TEST_TIMEOUT=180

# Mounts of our own, which end with us, for the set-group-id sendmail: it
# looks for its spool in one place only.
if [ -z "${ENVIRONMENT_MOUNTS:-}" ]; then
	if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
		ENVIRONMENT_MOUNTS=yes exec unshare -m "${BASH:-bash}" "$0" "$@"
	fi
	export ENVIRONMENT_MOUNTS=no
fi

. "${srcdir:?}/tests/run/lib.sh"

CARELESS=$builddir/tests/run/careless
make_spool
printf 'origin = "o.test"\n' >"$dir/conf"
printf 'Subject: odd\n\nfirst\n.\nlast\n' >"$dir/mail"
mkfifo "$dir/pipe"
uid=54321	# has no name
gid=54322	# the set-group-id sendmail's

is_sanitized() {
	grep -aqE '__(asan|tsan|ubsan)_' "$SENDMAIL"
}

# ---- how it is called, and what is looked at ---------------------------

# The part before sendmail, and sendmail with its options.
before=()
sendmail=("$SENDMAIL" -C "$dir/conf" --spool "$spool" -i -f s@x.test --)
rcpts=(r@y.test)

# run OPTION...: careless with these options, standard input as it is;
# $status and $said
run() {
	# A pipe: what limits files does not limit it.
	said=$("${before[@]}" "$CARELESS" "$@" -- "${sendmail[@]}" \
	    "${rcpts[@]}" 2>&1)
	status=$?
}

# outcome: kept, refused, or "wrong: why"; what was queued is moved to
# $dir/kept
outcome() {
	local files
	shopt -s nullglob dotglob
	files=("$spool"/queue/*)
	shopt -u nullglob dotglob
	if [ "$(find "$spool/tmp" -type f | wc -l)" -ne 0 ]; then
		echo "wrong: something is left in tmp/"
	elif [ "$status" -eq 0 ] && [ "${#files[@]}" -eq 1 ]; then
		if [ -n "$said" ]; then
			echo "wrong: it said something"
		elif [ "$(stat -c %a "${files[0]}")" != 640 ]; then
			echo "wrong: a queue file $(stat -c %A "${files[0]}")"
		elif ! perl "$srcdir/tests/fault/check-queue.pl" \
		    "${body:-$dir/mail}" "${sender:-s@x.test}" \
		    "${rcpts[*]}" "${files[0]}" >&2; then
			echo "wrong: the message is not whole"
		else
			echo kept
		fi
	elif [ "$status" -ne 0 ] && [ "${#files[@]}" -eq 0 ]; then
		echo refused
	else
		echo "wrong: status $status, ${#files[@]} files"
	fi
	rm -f "$dir/kept" "$spool"/tmp/*
	[ "${#files[@]}" -eq 0 ] || mv "${files[0]}" "$dir/kept"
	rm -f "$spool"/queue/*
}

# kept NAME: the run before queued one whole message in silence
kept() {
	local what
	what=$(outcome)
	is "$what" kept "$1" && return
	diag "status $status, said: $said"
	return 1
}

# refused STATUS REGEX NAME: it queued nothing and said why, in one line
refused() {
	local what
	what=$(outcome)
	is "$what $status" "refused $1" "$3: status $1" ||
	    diag "said: $said"
	like "$said" "^sendmail: [^
]*($2)[^
]*\$" "$3: one line says why"
}

# queues NAME OPTION...: as run, with the usual message
queues() {
	local name=$1
	shift
	run "$@" <"$dir/mail"
	kept "$name"
}

# refuses STATUS REGEX NAME OPTION...
refuses() {
	local want=$1 regex=$2 name=$3
	shift 3
	run "$@" <"$dir/mail"
	refused "$want" "$regex" "$name"
}

# header NAME: that field of what was kept last
header() {
	tr -d '\r' <"$dir/kept" | sed '1,/^$/d;/^$/q' | sed -n "s/^$1: //p"
}

# What a Date looks like.
date_form='^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [ 0-9][0-9]? [JFMASOND][a-z]{2} '
date_form+='20[0-9]{2} [0-9:]{8} [+-][0-9]{4}$'

# ---- descriptors -------------------------------------------------------

descriptors() { # WHOSE
	queues "$1: standard output is closed" -c 1
	queues "$1: standard error is closed" -c 2
	queues "$1: both are closed" -c 1 -c 2
	refuses 66 "standard input is closed or not open for reading" \
	    "$1: standard input is closed" -c 0
	run -c 0 -c 1 -c 2
	is "$(outcome) $status" "refused 66" "$1: all are closed: status 66"
	queues "$1: hundreds are left open" -n 300
	"${before[@]}" "$CARELESS" -c 2 -- "${sendmail[@]}" '<broken' \
	    >"$dir/said" <"$dir/mail"
	status=$?
	is "$(outcome) $status $(wc -c <"$dir/said")" "refused 65 0" \
	    "$1: a complaint without standard error goes nowhere"
}
descriptors "unprivileged"

run </
refused 74 "directory" "standard input is a directory"
run 0>"$dir/written"
refused 66 "standard input is closed or not open for reading" \
    "standard input can only be written"
run </dev/full
is "$(outcome)" refused "standard input is /dev/full: endless NULs"
printf 'Subject: none\n\n' >"$dir/nothing"
run </dev/null
body=$dir/nothing kept "standard input is /dev/null"
queues "standard input is a socket" -p "$dir/mail"
queues "standard input is a socket open at both ends" -P "$dir/mail"

# slowly: the message, with a pause in its middle
slowly() {
	head -c 20 "$dir/mail"
	pause 0.3
	tail -c +21 "$dir/mail"
}
slowly >"$dir/pipe" &
run -k <"$dir/pipe"
kept "standard input is a pipe that does not block"
wait

if command -v script >/dev/null; then
	cat >"$dir/on-a-tty" <<-EOM
	exec "$SENDMAIL" -C "$dir/conf" --spool "$spool" -f s@x.test \
	    r@y.test
	EOM
	# The text arrives when the terminal is ready, or waits in it.
	(cat "$dir/mail"; pause 0.5; printf '\004') |
	    script -qec "sh $dir/on-a-tty" /dev/null >"$dir/tty.out" 2>&1
	status=$? said=
	printf 'Subject: odd\n\nfirst\n' >"$dir/dotted"
	body=$dir/dotted kept "standard input is a terminal: to the dot"
else
	skip "standard input is a terminal" "script is not installed"
fi

# What it starts gets three descriptors, and no more.
mkdir "$dir/bin"
cat >"$dir/bin/spoolq" <<'EOM'
#!/bin/sh
for fd in /proc/$$/fd/*; do
	readlink "$fd"
done
exit 0
EOM
chmod 755 "$dir/bin" "$dir/bin/spoolq"
SPOOLD_EXEC_PATH=$dir/bin "$CARELESS" -n 300 -- "$SENDMAIL" -bp \
    >"$dir/said" 2>&1 </dev/null
is "$? $(grep -c /dev/zero "$dir/said")" "0 0" \
    "mailq hands on no descriptor"
ok "it has seen its own" grep -Fqx "$dir/said" "$dir/said"

# ---- umask, limits -----------------------------------------------------

for mask in 000 0777 077; do
	queues "umask $mask" -u "$mask"
done
run <"$dir/mail"
kept "undisturbed"
bytes=$(stat -c %s "$dir/kept")

limits() { # WHOSE BYTES
	local n
	for n in 0 1 $(($2 / 2)) $(($2 - 1)); do
		refuses 75 "File too large" "$1: files of $n bytes" \
		    -l "fsize=$n"
	done
	refuses 75 "File too large" "$1: $(($2 - 1)) bytes, SIGXFSZ ignored" \
	    -i 25 -l "fsize=$(($2 - 1))"
	queues "$1: files of $2 bytes, its length" -l "fsize=$2"
	queues "$1: no core files" -l core=0
	queues "$1: a stack of 256 KB" -l stack=262144
}
limits "unprivileged" "$bytes"

# either NAME LIMIT...: under each either all or nothing; both must happen
either() {
	local name=$1 limit what count_kept=0 count_refused=0 wrong=()
	shift
	for limit; do
		run -l "$limit" <"$dir/mail"
		what=$(outcome)
		case $what in
		kept) count_kept=$((count_kept + 1)) ;;
		refused) count_refused=$((count_refused + 1)) ;;
		*) wrong+=("$limit: $what;") ;;
		esac
	done
	is "${wrong[*]}" "" "$name: $count_kept times all, $count_refused \
times nothing"
	ok "$name: both happen" [ $((count_kept * count_refused)) -gt 0 ]
}
few_descriptors=()
for n in {3..14}; do
	few_descriptors+=("nofile=$n")
done
little_memory=()
for n in {1..12}; do
	little_memory+=("as=$((n * 500000))")
done
small_stack=(stack=4096 stack=16384 stack=65536 stack=131072)
if is_sanitized; then
	skip "few descriptors, little memory" "a sanitizer needs all there is"
else
	either "few descriptors" "${few_descriptors[@]}"
	either "little memory" "${little_memory[@]}"
	either "a small stack" "${small_stack[@]}"
fi

queues "an environment of 1900 KB" -e 1900
refuses 65 "bad recipient" "one argument of 100 KB" -x 100
at_most "${#said}" 600 "and it is not repeated in full"

# ---- the user ----------------------------------------------------------

if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$dir"
	chmod 644 "$dir/conf" "$dir/mail"
	mkdir -m 755 "$dir/other"
	for each in "$SENDMAIL" "$CARELESS"; do
		install -m 755 "$each" "$dir/other/${each##*/}"
	done
	chown -R "$uid:$uid" "$spool"
	before=(setpriv --reuid "$uid" --regid "$uid" --clear-groups)
	own_sendmail=$SENDMAIL own_careless=$CARELESS
	SENDMAIL=$dir/other/sendmail CARELESS=$dir/other/careless
	sendmail=("$SENDMAIL" -C "$dir/conf" --spool "$spool" -i --)
	run <"$dir/mail"
	sender=uid$uid@o.test kept "a uid without a name"
	is "$(header From)" "uid$uid@o.test" "it is its own name"
	mkdir -m 700 "$dir/secret"
	cd "$dir/secret" || bail "cannot enter $dir/secret"
	run <"$dir/mail"
	sender=uid$uid@o.test kept "the current directory is not to be read"
	cd "$dir" || bail "cannot return to $dir"
	SENDMAIL=$own_sendmail CARELESS=$own_careless before=()
	chown -R 0:0 "$spool"
	sendmail=("$SENDMAIL" -C "$dir/conf" --spool "$spool" -i -f s@x.test --)
else
	skip "a uid without a name" "needs root"
fi

# ---- environment variables ---------------------------------------------

# with NAME ASSIGNMENT...: env(1) with these before it
with() {
	local name=$1
	shift
	before=(env "$@")
	queues "$name"
	before=()
	like "$(header Date)" "$date_form" "$name: the Date is one"
}
with "no environment" -i
with "no PATH" -u PATH
with "no HOME" -u HOME
with "an odd HOME" HOME=/none/$'\n'
with "an odd PATH" PATH=:::/dev/null
with "an unknown locale" LC_ALL=xx_YY.none LANG=$'\377'
for zone in '' : UTC Europe/Berlin EST5EDT :/etc/passwd /dev/null /etc \
    ../../etc/passwd 'AAA99BBB,J400/300,J1' '<+25>-25' XYZ24:59:59 \
    $'\n\nX: y' "$(printf '%05000d' 7)"; do
	with "TZ '$(printf '%.20q' "$zone")'" "TZ=$zone"
done

for name in $'A\nBcc: e@x.test' $'A\r\n\r\nbody' $'\033[31mred' $'\377\376' \
    '"' '\' '(' 'A <b@x.test>, c' "$(printf '%0100000d' 7)"; do
	label=$(printf '%.20q' "$name")
	NAME=$name queues "NAME $label"
	is "$(grep -c '^From: ' "$dir/kept")|$(grep -ci '^Bcc' "$dir/kept")" \
	    "1|0" "NAME $label: one From, no Bcc"
	ok "NAME $label: no control character, no endless line" \
	    perl -ne 's/\r?\n$//; exit 1 if /[\x00-\x08\x0a-\x1f\x7f]/ or
		length > 998' "$dir/kept"
done

# ---- arguments ---------------------------------------------------------

"$CARELESS" -0 -- "$SENDMAIL" >"$dir/said" 2>&1 <"$dir/mail"
status=$? said=$(<"$dir/said")
refused 64 "no recipients" "not even a name for itself"
# ---- signals -----------------------------------------------------------

queues "all signals are ignored" -i ALL
queues "all signals are blocked" -b ALL
queues "SIGCHLD is ignored" -i 17
for signal in 14 26 27 13 25; do
	queues "SIG$(kill -l "$signal") is pending" -d "$signal"
done
{ run -d 15 <"$dir/mail"; } 2>/dev/null
is "$(outcome) $status" "refused 143" "SIGTERM is pending"
slowly >"$dir/pipe" &
run -a 50 <"$dir/pipe"
kept "alarms are due"
wait

# A pipe that nobody reads.
exec 8<>"$dir/pipe" 9>"$dir/pipe" 8<&-
for way in "-d 13" "-i 13"; do
	# shellcheck disable=SC2086
	"$CARELESS" $way -- "${sendmail[@]}" '<broken' <"$dir/mail" 2>&9
	status=$? said=
	is "$(outcome) $status" "refused 65" \
	    "nobody reads the complaint, SIGPIPE ${way%% *}"
	# shellcheck disable=SC2086
	"$CARELESS" $way -- "${sendmail[@]}" r@y.test <"$dir/mail" >&9 2>&9
	status=$? said=
	kept "nobody reads the silence, SIGPIPE ${way%% *}"
done
exec 9>&-

# has_draft: sendmail $pid has begun to write a message
has_draft() {
	local fd
	for fd in "/proc/$pid/fd"/*; do
		[[ $(readlink "$fd") != "$spool/tmp/"* ]] || return 0
	done
	return 1
}

# interrupted SIGNAL WANT NAME: that signal, in the middle of the input
interrupted() {
	# A shell lets its background processes ignore some.
	"${before[@]}" "$CARELESS" -D ALL -- "${sendmail[@]}" r@y.test \
	    <"$dir/pipe" >"$dir/said" 2>&1 &
	pid=$!
	exec 7>"$dir/pipe"
	cat "$dir/mail" >&7
	head -c 200000 /dev/zero | tr '\0' x >&7
	wait_for 10 has_draft || diag "there is no draft"
	kill -"$1" "$pid"
	{ wait "$pid"; status=$?; } 2>/dev/null
	exec 7>&-
	is "$(outcome) $status" "refused $2" "$3"
}
interrupted TERM 143 "SIGTERM while the input comes"
interrupted INT 130 "SIGINT while the input comes"
interrupted HUP 129 "SIGHUP while the input comes"
interrupted QUIT 131 "SIGQUIT while the input comes"
interrupted KILL 137 "SIGKILL while the input comes"

# The same in SMTP.
printf 'MAIL FROM:<s@x.test>\r\nRCPT TO:<r@y.test>\r\nDATA\r\n\r\n' \
    >"$dir/smtp"
"$SENDMAIL" -C "$dir/conf" --spool "$spool" -bs <"$dir/pipe" \
    >"$dir/said" 2>&1 &
pid=$!
exec 7>"$dir/pipe"
cat "$dir/smtp" >&7
head -c 200000 /dev/zero | tr '\0' x >&7
wait_for 10 has_draft || diag "there is no draft"
kill -TERM "$pid"
{ wait "$pid"; status=$?; } 2>/dev/null
exec 7>&-
is "$(outcome) $status" "refused 143" "SIGTERM in the DATA of SMTP"

# Its parent ends, and somebody else writes on.
: >"$dir/ended"
{
	"${sendmail[@]}" r@y.test <"$dir/pipe" 2>"$dir/said"
	echo $? >"$dir/ended"
} &
disown
slowly >"$dir/pipe"
wait_for 10 test -s "$dir/ended"
status=$(<"$dir/ended") said=$(<"$dir/said")
kept "its parent does not wait for it"

# Where files cannot be nameless, a killed sendmail leaves one in tmp/, and
# spoold sweeps it.
if command -v strace >/dev/null &&
    strace -qq -o "$dir/probe" -e inject=getppid:error=EPERM true 2>/dev/null
then
	strace -qq -o "$dir/trace" "${sendmail[@]}" r@y.test <"$dir/mail"
	n=$(grep '^openat(' "$dir/trace" | grep -n O_TMPFILE | cut -d : -f 1)
	rm -f "$spool"/queue/*
	ASAN_OPTIONS=detect_leaks=0 strace -qq -o "$dir/trace" \
	    -e "inject=openat:error=EOPNOTSUPP:when=${n:?}" \
	    "${sendmail[@]}" r@y.test <"$dir/pipe" >"$dir/said" 2>&1 &
	tracer=$!
	exec 7>"$dir/pipe"
	cat "$dir/mail" >&7
	head -c 200000 /dev/zero | tr '\0' x >&7
	in_tmp() {
		[ "$(find "$spool/tmp" -type f | wc -l)" -eq "$1" ]
	}
	ok "without O_TMPFILE, the draft is in tmp/" wait_for 10 in_tmp 1
	read -r pid <"/proc/$tracer/task/$tracer/children"
	kill -KILL "$pid"
	{ wait "$tracer"; } 2>/dev/null
	exec 7>&-
	is "$(queued) $(queued tmp)" "0 1" "killed, it queues nothing"
	start_spoold --freq 1 --relay "maildir:$dir/mails"
	ok "spoold looks around" wait_for 20 has_line "$spoold_log" ' in queue/'
	pause 1.5
	is "$(queued tmp)" 1 "spoold lets it be while it is young"
	find "$spool/tmp" -type f -exec touch -d '3 days ago' {} +
	ok "and removes it when it is old" wait_for 10 in_tmp 0
	is "$(find "$dir/mails" -type f 2>/dev/null | wc -l)" 0 \
	    "undelivered"
	stop_spoold
else
	skip "without O_TMPFILE" "strace is not installed or not allowed"
fi

# ---- what is left ------------------------------------------------------

queues "the current directory is gone" -g
before=(nice -n 19)
queues "the lowest priority"
before=()
if is_sanitized; then
	skip "no tracing, no core files" "the leak check needs tracing"
else
	queues "no tracing, no core files" -t
fi
queues "no new privileges" -N

# ---- set-group-id ------------------------------------------------------

# learn_paths: where this build looks for its files
learn_paths() {
	# shellcheck disable=SC2016 # make's variables
	read -r _ sysconf_dir state_dir < <(make -s -C "$builddir" \
	    --no-print-directory \
	    --eval='learn: ; @echo paths: $(sysconfdir) $(localstatedir)' \
	    learn | grep '^paths: ')
	[[ $sysconf_dir == /* && $state_dir == /* ]]
}

# base_of DIR: the longest part of it that there is
base_of() {
	local base=$1
	until [ -d "$base" ]; do
		base=${base%/*}
	done
	echo "$base"
}

# cover DIR: so that what is made in DIR vanishes with the test
cover() {
	local work
	[[ $1 != "$covered"* ]] || return 0
	covered=$1/
	work=$(mktemp -d "$layers/XXXXXX") && mkdir -m 755 "$work"/{upper,work} &&
	    mount -t overlay overlay -o "lowerdir=$1,upperdir=$work/upper,\
workdir=$work/work" "$1" && at_cleanup "umount -l '$1'"
}

# The shorter first: it may be above the other.
cover_both() {
	local one two
	one=$(base_of "$sysconf_dir/spoold")
	two=$(base_of "$state_dir/spool")
	covered=//
	if [ "${#one}" -le "${#two}" ]; then
		cover "$one" && cover "$two/"
	else
		cover "$two" && cover "$one/"
	fi
}

prepare_machine() {
	layers=$dir/layers
	mkdir -m 755 "$layers" && mount -t tmpfs -o mode=755 tmpfs "$layers" &&
	    at_cleanup "umount -l '$layers'" && learn_paths && cover_both &&
	    mkdir -p "$sysconf_dir/spoold" "$state_dir/spool" &&
	    chmod 755 "$sysconf_dir" "$sysconf_dir/spoold" "$state_dir"{,/spool} ||
	    return 1
	spool=$state_dir/spool/spoold
	rm -rf "$spool"
	mkdir -m 710 "$spool" && mkdir -m 700 "$spool"/{hold,failed} &&
	    mkdir -m 770 "$spool"/{tmp,queue} && chown -R "$gid:$gid" "$spool" &&
	    chmod 2770 "$spool/tmp" &&
	    printf 'origin = "o.test"\n' >"$sysconf_dir/spoold/spoold.conf" &&
	    chmod 644 "$sysconf_dir/spoold/spoold.conf" &&
	    install -m 755 "$CARELESS" "$dir/careless" &&
	    install -g "$gid" -m 2755 "$SENDMAIL" "$dir/sendmail"
}

# Nothing of these is looked at; each would be seen if it were.
hostile=(
	"LD_PRELOAD=$dir/none.so"
	"LD_LIBRARY_PATH=$dir/lib"
	"LD_AUDIT=$dir/none.so"
	"LD_DEBUG=all"
	"LD_SHOW_AUXV=1"
	"LD_BIND_NOW=1"
	"LD_ORIGIN_PATH=$dir"
	"GLIBC_TUNABLES=glibc.malloc.check=3:glibc.malloc.perturb=1"
	"GCONV_PATH=$dir/lib"
	"LOCPATH=$dir/lib"
	"NLSPATH=$dir/lib/%N"
	"MALLOC_TRACE=$dir/canary"
	"HOSTALIASES=$dir/lib/hosts"
	"RES_OPTIONS=debug"
	"LOCALDOMAIN=evil.test"
	"TMPDIR=$dir/lib"
	"TZ=:$dir/lib/zone"
	"TZDIR=$dir/lib"
	"HOME=$dir/lib"
	"IFS=/"
	"BASH_ENV=$dir/lib/rc"
	"ENV=$dir/lib/rc"
	"SPOOLD_EXEC_PATH=$dir/bin"
	"POSIXLY_CORRECT=1"
	"USER=liar"
	"LOGNAME=liar"
	"EMAIL=liar@x.test"
)

# slow_directory: getent, which is $dir/getent, answers no more
slow_directory() {
	local start took i
	cat >"$dir/getent" <<-EOM
	#!/bin/bash
	echo \$\$ >"$dir/getent.log"
	exec /bin/sleep 30
	EOM
	: >"$dir/getent.log"
	(echo 'From: s@x.test'; cat "$dir/mail") >"$dir/from"
	sendmail=("$SENDMAIL" -i -f s@x.test --)
	run <"$dir/from"
	body=$dir/from kept "set-group-id: a sender and a From"
	sendmail=("$SENDMAIL" -i -f s@x.test -F 'Ann Example' --)
	run <"$dir/mail"
	kept "set-group-id: a sender and a full name"
	sendmail=("$SENDMAIL" -i -f s@x.test --)
	run -E NAME=Ann <"$dir/mail"
	kept "set-group-id: a sender and NAME"
	sendmail=("$SENDMAIL" -i --)
	printf 'MAIL FROM:<s@x.test>\r\nRCPT TO:<r@y.test>\r\nDATA\r\n%s' \
	    $'From: s@x.test\r\n\r\nx\r\n.\r\nQUIT\r\n' >"$dir/smtp"
	is "$("${before[@]}" "$SENDMAIL" -bs <"$dir/smtp" | cut -c 1-3 |
	    paste -s -d ' ')" "220 250 250 354 250 221" \
	    "set-group-id: SMTP with a From"
	rm -f "$spool"/queue/*
	is "$(<"$dir/getent.log")" "" "set-group-id: none of them asks for the user"
	start=$SECONDS
	run <"$dir/mail"
	sender=uid$uid@o.test kept "set-group-id: a directory that is away"
	at_most $((SECONDS - start)) 20 "set-group-id: it is not waited for, s"
	ok "set-group-id: and getent is ended" is_gone "$(<"$dir/getent.log")"
	printf '#!/bin/bash\nyes x:x:%d:%d:\n' "$uid" "$uid" | tr -d '\n' |
	    sed 's|bash|bash\n|' >"$dir/getent"
	# Not for the five seconds that one is waited for; a machine that is
	# busy gets another try.
	for ((i = 0; i < 3; i++)); do
		start=$(now)
		run <"$dir/mail"
		took=$(($(now) - start))
		sender=uid$uid@o.test kept \
		    "set-group-id: a directory that never ends"
		[ "$took" -gt 4000000 ] || break
	done
	at_most "$took" 4000000 "set-group-id: it is not read for long, in us"
}

privileged() {
	local each label
	SENDMAIL=$dir/sendmail CARELESS=$dir/careless
	sendmail=("$SENDMAIL" -i -f s@x.test --)
	before=(setpriv --reuid "$uid" --regid "$uid" --clear-groups)
	queues "set-group-id"
	is "$(stat -c %u:%g "$dir/kept")" "$uid:$gid" \
	    "set-group-id: the file is the user's and the group's"
	mkdir -m 755 "$dir/lib"
	printf 'evil\n' | tee "$dir/lib/libc.so.6" "$dir/lib/zone" \
	    >"$dir/lib/gconv-modules"
	for each in "${hostile[@]}"; do
		queues "set-group-id: ${each%%=*}" -E "$each"
	done
	ok "set-group-id: no trace of them" test ! -e "$dir/canary"
	said=$(SPOOLD_EXEC_PATH=$dir/bin "${before[@]}" "$SENDMAIL" -bp 2>&1)
	unlike "$said" "$dir" "set-group-id: mailq is the installed one's"

	descriptors "set-group-id"
	run <"$dir/mail"
	kept "set-group-id: undisturbed"
	limits "set-group-id" "$(stat -c %s "$dir/kept")"
	either "set-group-id: few descriptors" "${few_descriptors[@]}"
	either "set-group-id: little memory" "${little_memory[@]}"
	for each in 000 0777; do
		queues "set-group-id: umask $each" -u "$each"
	done
	queues "set-group-id: all signals are ignored" -i ALL
	queues "set-group-id: all signals are blocked" -b ALL
	queues "set-group-id: SIGALRM is pending" -d 14
	queues "set-group-id: a huge environment" -e 1900
	queues "set-group-id: the current directory is gone" -g
	queues "set-group-id: standard input is a socket" -P "$dir/mail"
	run -0 <"$dir/mail"
	refused 64 "no recipients" "set-group-id: not even a name for itself"
	for each in TERM KILL; do
		interrupted "$each" $((128 + $(kill -l "$each"))) \
		    "set-group-id: SIG$each while the input comes"
	done
	# Users that only a directory service knows, by getent(1).
	cat >"$dir/getent" <<-EOM
	#!/bin/bash
	[ -s "$dir/getent.log" ] || {
		id
		echo "\$*"
		env
	} >"$dir/getent.log"
	echo "ann:x:$uid:$uid:Ann & Co,room,phone:/:/bin/sh"
	EOM
	chmod 755 "$dir/getent"
	: >"$dir/getent.log"
	chmod 666 "$dir/getent.log"
	if mount --bind "$dir/getent" /usr/bin/getent; then
		at_cleanup "umount -l /usr/bin/getent"
		sendmail=("$SENDMAIL" -i --)
		run -E "LD_DEBUG=all" -E "X=leak" <"$dir/mail"
		sender=ann@o.test kept "set-group-id: a user of a directory"
		is "$(header From)" "Ann Ann Co <ann@o.test>" \
		    "set-group-id: with a full name"
		is "$(sed -n 1p "$dir/getent.log")|$(sed -n 2p "$dir/getent.log")" \
		    "uid=$uid gid=$uid groups=$uid|passwd $uid" \
		    "set-group-id: getent does not have the group"
		unlike "$(<"$dir/getent.log")" "LD_DEBUG|X=leak" \
		    "set-group-id: nor the caller's environment"
		run -i 17 <"$dir/mail"
		sender=ann@o.test kept "set-group-id: SIGCHLD is ignored"
		slow_directory
		sendmail=("$SENDMAIL" -i -f s@x.test --)
		umount /usr/bin/getent
	else
		skip "a user of a directory" "getent cannot be replaced"
	fi
	refuses 75 "privileges" "set-group-id: no new privileges" -N
	sendmail=("$SENDMAIL" -C "$dir/conf" -i -f s@x.test --)
	refuses 77 "set-group-id" "set-group-id: -C"
	sendmail=("$SENDMAIL" --spool "$dir/own" -i -f s@x.test --)
	refuses 77 "set-group-id" "set-group-id: --spool"
}

if is_sanitized; then
	skip "set-group-id" "sanitizers do not run so"
elif [ "$ENVIRONMENT_MOUNTS" = no ]; then
	skip "set-group-id" "needs root and mounts"
elif ! prepare_machine; then
	skip "set-group-id" "an overlay cannot be mounted"
else
	privileged
fi

done_testing
