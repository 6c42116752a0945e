#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What is too much for sendmail, and what is not: sizes, numbers, full and
# missing and forbidden places.  Each refusal is one line, the right exit
# status, nothing queued, nothing left in tmp/.

TEST_TIMEOUT=240

# Mounts of our own, which end with us, as root or as one in a namespace.
if [ -z "${LIMITS_MOUNTS:-}" ]; then
	for each in -m -rm; do
		if unshare "$each" true 2>/dev/null; then
			LIMITS_MOUNTS=yes LIMITS_UID=$(id -u) exec \
			    unshare "$each" "${BASH:-bash}" "$0" "$@"
		fi
	done
	export LIMITS_MOUNTS=no
fi

. "${srcdir:?}/tests/run/lib.sh"

CARELESS=$builddir/tests/run/careless
printf 'origin = "o.test"\n' >"$dir/conf"
make_spool
is_root() {
	[ "${LIMITS_UID:-$(id -u)}" -eq 0 ]
}

is_sanitized() {
	grep -aqE '__(asan|tsan|ubsan)_' "$SENDMAIL"
}

# ---- how it is called, and what is looked at ---------------------------

conf=$dir/conf
before=()

# run ARGS...: $status, $said, $micros (processor time), $peak (KB)
run() {
	said=$("${before[@]}" "$CARELESS" -r "$dir/report" -- "$SENDMAIL" \
	    -C "$conf" --spool "$spool" -i "$@" 2>&1)
	status=$?
	read -r _ micros peak <"$dir/report"
}

# refused STATUS REGEX NAME: the run before said why in one line
refused() {
	is "$status|$(queued)|$(queued tmp)" "$1|0|0" "$3: status $1" ||
	    diag "said: ${said:0:300}"
	like "$said" "^sendmail: [^
]*($2)[^
]*\$" "$3: one line says why"
	at_most "${#said}" 600 "$3: and no long one"
}

refuses() { # STATUS REGEX NAME ARGS...
	local want=$1 regex=$2 name=$3
	shift 3
	run "$@" <"${input:-$dir/mail}"
	refused "$want" "$regex" "$name"
}

# taken NAME: the run before queued one message, $file, in silence
taken() {
	is "$status|$said|$(queued)|$(queued tmp)" "0||1|0" "$1" || return 1
	file=$(echo "$spool"/queue/*)
}

takes() { # NAME ARGS...
	local name=$1
	shift
	run "$@" <"${input:-$dir/mail}"
	taken "$name"
}

forget() {
	rm -f "$spool"/queue/* "$spool"/tmp/*
}

# is_complete: $file is as long as its first line says
is_complete() {
	local envelope message
	read -r _ envelope message _ <"$file"
	[ "$(stat -c %s "$file")" -eq $((40 + 10#$envelope + 10#$message)) ]
}

# message_of FILE: without the envelope
message_of() {
	local envelope
	read -r _ envelope _ <"$1"
	tail -c +$((41 + 10#$envelope)) "$1"
}

# ---- the message's size ------------------------------------------------

# Nothing is added to this header.
printf '%s\n' 'From: s@x.test' 'Date: Sat, 21 Nov 2026 20:32:23 +0000' \
    'Message-Id: <1@x.test>' '' >"$dir/head"
{
	cat "$dir/head"
	for i in {1..200}; do
		printf 'line %d of the body\n' "$i"
	done
} >"$dir/mail"
stored=$(sed 's/$/\r/' "$dir/mail" | wc -c)

limit_size() {
	printf 'origin = "o.test"\nmessage_size_max = %d\n' "$1" >"$dir/conf.size"
	conf=$dir/conf.size
}
limit_size $((stored - 1))
refuses 69 "longer than $((stored - 1)) bytes" "one byte too long" r@y.test
limit_size "$stored"
takes "exactly as long as allowed" r@y.test
ok "it is stored as it should be" cmp -s \
    <(sed 's/$/\r/' "$dir/mail") <(message_of "$file")
forget
limit_size $((stored + 1))
takes "one byte to spare" r@y.test
forget
limit_size 1000
head -c 100000 /dev/zero | tr '\0' '\n' >"$dir/lines"
input=$dir/lines refuses 69 "longer than" "too many empty lines" r@y.test
head -c 100000 /dev/zero | tr '\0' x >"$dir/line"
input=$dir/line refuses 69 "longer than" "too long a line" r@y.test
{
	cat "$dir/head" | sed '$d'
	printf 'X-Long: %02000d\n\n' 7
} >"$dir/header"
input=$dir/header refuses 69 "longer than" "the header alone is too long" \
    r@y.test
# The size is known before the end: what does not end is refused too.
run r@y.test < <(exec cat /dev/zero)
refused 69 "longer than" "an endless message"
conf=$dir/conf

# ---- recipients --------------------------------------------------------

printf 'origin = "o.test"\nrecipients_max = 3\n' >"$dir/conf.rcpts"
conf=$dir/conf.rcpts
takes "as many recipients as allowed" a@y.test b@y.test c@y.test
forget
takes "some of them twice" a@y.test b@y.test,c@y.test a@y.test C@y.test
forget
refuses 69 "3 recipients" "one too many" a@y.test b@y.test,c@y.test d@y.test
{
	printf 'To: a@y.test, b@y.test\nCc: c@y.test\n'
	cat "$dir/mail"
} >"$dir/to"
input=$dir/to takes "as many in the header" -t
forget
input=$dir/to refuses 69 "3 recipients" "header and arguments together" -t \
    d@y.test
conf=$dir/conf

# addresses COUNT: separated by commas and folds
addresses() {
	awk -v n="$1" 'BEGIN { for (i = 1; i < n; i++)
	    printf "\"U %d\" <u%d@y.test>,\n ", i, i; print "u" n "@y.test" }'
}

# many COUNT: messages to so many, in the header and in arguments; sets
# $header_us, $header_kb, $argument_us, $argument_kb
many() {
	{
		printf 'To: '
		addresses "$1"
		cat "$dir/mail"
	} >"$dir/many"
	input=$dir/many takes "$1 recipients in the header" -t
	is "$(grep -ac '^rcpt ' "$file")" "$1" "all of them"
	forget
	header_us=$micros header_kb=$peak
	run $(seq -f 'u%.0f@y.test' 1 "$1") <"$dir/mail"
	taken "$1 recipients as arguments"
	is "$(grep -ac '^rcpt ' "$file")" "$1" "all of them"
	forget
	argument_us=$micros argument_kb=$peak
}

# Four times as many, four times the time and not sixteen times; the least
# that a process takes is not counted.
many 5000
at_5000=("$header_us" "$header_kb" "$argument_us" "$argument_kb")
many 20000
diag "5,000: ${at_5000[*]}; 20,000: $header_us $header_kb $argument_us \
$argument_kb (us and KB, header and arguments)"
at_most "$header_us" $((8 * (at_5000[0] + 5000))) "a header in linear time"
at_most "$argument_us" $((8 * (at_5000[2] + 5000))) "arguments in linear time"
if is_sanitized; then
	skip "memory" "a sanitizer takes its own"
else
	at_most "$header_kb" 40000 "a header in bounded memory, KB"
	at_most "$argument_kb" 40000 "arguments in bounded memory, KB"
fi
{
	printf 'To: '
	addresses 20001
	cat "$dir/mail"
} >"$dir/many"
input=$dir/many refuses 69 "20000 recipients" "20,001 recipients" -t
# The same one, for ever.
{
	printf 'To: '
	yes 'a@y.test,' | head -n 200000 | tr '\n' ' '
	printf '\n'
	cat "$dir/mail"
} >"$dir/many"
input=$dir/many takes "the same recipient 200,000 times" -t
at_most "$micros" 20000000 "in no time"
forget

# ---- the header --------------------------------------------------------

# a_header BYTES: fields of 1,000 bytes
a_header() {
	printf 'From: s@x.test\n'
	yes "X-A: $(printf '%0993d' 7)" | head -c "$1"
	printf '\n\nbody\n'
}
a_header 16000000 >"$dir/big"
input=$dir/big takes "a header of 16 MB" r@y.test
ok "it is complete" is_complete
forget
a_header 16800000 >"$dir/big"
input=$dir/big refuses 69 "header is longer than" "a header of 17 MB" r@y.test
head -c 17000000 /dev/zero | tr '\0' x | sed '1s/^/Subject: /' >"$dir/big"
input=$dir/big refuses 69 "header is longer than" "one field of 17 MB" r@y.test
yes ' x' | head -c 17000000 | sed '1s/^/To: /' >"$dir/big"
input=$dir/big refuses 69 "header is longer than" "endless folds" -t
{
	printf 'To: '
	head -c 200000 /dev/zero | tr '\0' '('
	printf '\n\n'
} >"$dir/big"
input=$dir/big run -t <"$dir/big"
is "$((status > 0 && status < 128))|$(queued)" "1|0" "nested comments"
at_most "$micros" 5000000 "in no time"

# ---- 50 MB -------------------------------------------------------------

# big NAME: it is taken, and with no more memory than a small one
big() {
	input=$dir/big takes "$1" r@y.test || {
		forget
		return
	}
	ok "$1: it is complete" is_complete
	if ! is_sanitized; then
		at_most "$peak" $((small_peak + 1000)) \
		    "$1: memory is constant, KB"
	fi
}

{
	cat "$dir/head"
	yes "$(printf '%074d' 7)" | head -c 999975
} >"$dir/big"
input=$dir/big takes "1 MB" r@y.test
small_peak=$peak
forget
{
	cat "$dir/head"
	yes "$(printf '%074d' 7)" | head -c 51000000
} >"$dir/big"
big "50 MB"
ok "50 MB: each byte is there" cmp -s \
    <(sed 's/$/\r/' "$dir/big") <(message_of "$file")
forget
{
	cat "$dir/head"
	head -c 50000000 /dev/zero | tr '\0' x
} >"$dir/big"
big "50 MB in one line"
is "$(message_of "$file" | sed '1,/^\r$/d' | tr -dc x | wc -c)" 50000000 \
    "50 MB in one line: each byte is there"
forget
{
	cat "$dir/head"
	head -c 25000000 /dev/zero | tr '\0' '\n'
} >"$dir/big"
big "50 MB of empty lines"
is "$(message_of "$file" | sed '1,/^\r$/d' | wc -lc | xargs)" \
    "25000000 50000000" "50 MB of empty lines: each is there"
forget
{
	cat "$dir/head"
	head -c 52428800 /dev/zero | tr '\0' '\n'
} >"$dir/big"
input=$dir/big refuses 69 "longer than 52428800" "100 MB" r@y.test
rm -f "$dir/big" "$dir/many" "$dir/lines" "$dir/line"

# ---- where it should go ------------------------------------------------

own=$spool
spool=$dir/none
refuses 75 "$dir/none.*missing" "no spool" r@y.test
spool=$dir/mail
refuses 75 "$dir/mail.*not a directory" "the spool is a file" r@y.test
ln -s "$dir/none" "$dir/dangling"
spool=$dir/dangling
refuses 75 "$dir/dangling.*missing" "the spool is a dangling link" r@y.test
ln -s "$own" "$dir/link"
spool=$dir/link
takes "the spool is a link to one" r@y.test
forget
spool=$dir/bad
mkdir -m 755 "$spool"
refuses 75 "tmp/ is missing" "an empty spool" r@y.test
mkdir "$spool/tmp"
refuses 75 "queue/ is missing" "no queue/" r@y.test
mkfifo "$spool/queue"
refuses 75 "queue/ is not a directory" "queue/ is a pipe" r@y.test
rm "$spool/queue"
ln -s "$own/queue" "$spool/queue"
refuses 75 "queue/ is not a directory" "queue/ is a link" r@y.test
rm "$spool/queue"
mkdir -m 777 "$spool/queue"
refuses 75 "queue/ is writable by everybody" "queue/ for everybody" r@y.test
chmod 700 "$spool/queue"
rmdir "$spool/tmp"
refuses 75 "tmp/ is missing" "no tmp/" r@y.test
mkdir "$spool/tmp"
chmod 777 "$spool"
refuses 75 "writable by everybody" "a spool for everybody" r@y.test
chmod 755 "$spool"
takes "hold/ and failed/ are not its business" r@y.test
forget
spool=$(printf '%.0sd/' {1..3000})
refuses 78 "spool" "a path that is too long" r@y.test
spool=$own

# ---- what it should be told --------------------------------------------

conf=$dir/conf.none
refuses 78 "conf.none.*No such file" "no configuration" r@y.test
conf=$dir
refuses 78 "not a regular file" "a directory as the configuration" r@y.test
conf=$dir/conf.bad
: >"$conf"
takes "an empty configuration" r@y.test
forget
printf 'message_size_max = lots\n' >"$conf"
refuses 78 "conf.bad:1: .*lots" "a wrong value" r@y.test
printf '# fine\nmesage_size_max = 5M\n' >"$conf"
refuses 78 "conf.bad:2: .*did you mean" "an unknown key" r@y.test
printf 'origin = "o.test\n' >"$conf"
refuses 78 "conf.bad:" "a string without its end" r@y.test
printf '\0\1\2' >"$conf"
refuses 78 "conf.bad" "no text at all" r@y.test
head -c 2000000 /dev/zero | tr '\0' '\n' >"$conf"
refuses 78 "conf.bad" "an endless configuration" r@y.test
printf 'origin = "o.test"\n' >"$conf"
chmod 666 "$conf"
refuses 78 "writable by everybody" "a configuration for everybody" r@y.test
conf=$dir/conf

# ---- other users -------------------------------------------------------

if is_root; then
	chmod 711 "$dir"
	chmod 644 "$dir/conf" "$dir/mail"
	: >"$dir/report"
	chmod 666 "$dir/report"
	mkdir -m 755 "$dir/bin"
	for each in "$SENDMAIL" "$CARELESS"; do
		install -m 755 "$each" "$dir/bin/${each##*/}"
	done
	SENDMAIL=$dir/bin/sendmail CARELESS=$dir/bin/careless
	before=(setpriv --reuid 54321 --regid 54321 --clear-groups)
	refuses 75 "$spool.*Permission denied|belongs to" \
	    "a spool for its owner alone" r@y.test
	chmod 755 "$spool" "$spool"/{tmp,queue}
	refuses 75 "Permission denied" "a spool that is only to be read" \
	    r@y.test
	chown -R 54321:54321 "$spool"
	chmod 555 "$spool/tmp"
	refuses 75 "Permission denied" "tmp/ is not to be written" r@y.test
	chmod 700 "$spool/tmp"
	chmod 555 "$spool/queue"
	refuses 75 "Permission denied" "queue/ is not to be written" r@y.test
	chmod 000 "$spool/queue"
	refuses 75 "queue/ cannot be opened: Permission denied" \
	    "queue/ is not to be opened" r@y.test
	chmod 700 "$spool/queue"
	chmod 700 "$spool"
	takes "its own spool" r@y.test
	forget
	chown 54323:54323 "$spool/queue"
	chmod 755 "$spool/queue"
	refuses 75 "queue/ belongs to user 54323" "queue/ is another's" r@y.test
	chown -R 0:0 "$spool"
	chmod 600 "$dir/conf"
	refuses 78 "conf.*Permission denied" "a configuration not to be read" \
	    r@y.test
	chmod 644 "$dir/conf"
	before=()
else
	skip "other users" "needs root"
fi

# ---- the disk ----------------------------------------------------------

disk=$dir/disk
mkdir -m 755 "$disk"

# new_disk OPTIONS: a small file system with an empty spool
new_disk() {
	umount "$disk" 2>/dev/null
	mount -t tmpfs -o "mode=0755,$1" tmpfs "$disk" || return 1
	spool=$disk/spool
	make_spool
}

full_disks() {
	head -c 100000 /dev/zero | tr '\0' x | fold -w 76 >"$dir/mail.100k"
	new_disk size=64k || return 1
	input=$dir/mail.100k refuses 75 "No space" \
	    "a message longer than the disk" r@y.test
	takes "a short one fits" r@y.test
	forget
	cat /dev/zero >"$disk/filler" 2>/dev/null
	refuses 75 "No space" "a full disk" r@y.test
	rm "$disk/filler"
	takes "with room again it is taken" r@y.test
	forget
	new_disk size=1m,nr_inodes=9
	while : >"$disk/inode$n"; do
		n=$((n + 1))
	done 2>/dev/null
	refuses 75 "No space" "no inode is left" r@y.test
	rm -f "$disk"/inode*
	mount -o remount,bind,ro "$disk"
	refuses 75 "Read-only" "a read-only file system" r@y.test
	mount -o remount,bind,rw "$disk"
	takes "writable again" r@y.test
	forget
}

n=0
if [ "$LIMITS_MOUNTS" = yes ]; then
	at_cleanup "umount -l '$disk'"
	full_disks || skip "full disks" "tmpfs cannot be mounted"
	umount "$disk"
else
	skip "full disks" "mounting takes root or a user namespace"
fi

done_testing
