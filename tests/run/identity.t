#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Who is who, from the outside: what the configuration, the aliases and the
# map of senders make of a message's envelope and header, what newaliases
# says, and that none of it gets slow.

. "${srcdir:?}/tests/run/lib.sh"

make_spool
config=$dir/conf
host=$(hostname)

# configure LINE...: the configuration
configure() {
	printf '%s\n' "$@" >"$config"
}

# submit ARGS...: standard input is the message.  Afterwards $status, $err and
# of the one queue file $sender, $rcpts (each in brackets) and $head.
submit() {
	local file
	rm -f "$spool"/queue/*
	NAME='' sm "$@" 2>"$dir/err"
	status=$?
	err=$(<"$dir/err")
	sender='' rcpts='' head=''
	queue_has 1 || return 0
	file=$(echo "$spool"/queue/*)
	sed '/^$/q' "$file" >"$dir/envelope"
	sender=$(sed -n 's/^sender //p' "$dir/envelope")
	rcpts=$(sed -n 's/^rcpt \(.*\)$/[\1]/p' "$dir/envelope" | tr -d '\n')
	head=$(sed '1,/^$/d' "$file" | tr -d '\r' | sed '/^$/,$d')
}

# mail ARGS...: a small message
mail() {
	printf 'From: ann@x.test\n\nbody\n' >"$dir/mail"
	submit "$@" <"$dir/mail"
}

# leads NAME RCPTS ARGS...: a small message goes to exactly those, in silence
leads() {
	local name=$1 want=$2
	shift 2
	mail "$@"
	is "$status|$err|$rcpts" "0||$want" "$name"
}

# refused STATUS REGEX NAME: nothing queued, one line
refused() {
	is "$status|$(queued)|$(queued tmp)|$(wc -l <"$dir/err")" "$1|0|0|1" \
	    "$3: status $1"
	like "$err" "$2" "$3: says why"
}

# ---- recipients ----------------------------------------------------------

configure 'origin = "o.test"' "aliases = \"$dir/aliases\""
leads "no file, no aliases" "[root@o.test]" -i root

cat >"$dir/aliases" <<'END'
# A machine's aliases.
postmaster: root
root: admin@example.com,
	"Doe, J" <jdoe@example.com>   # the deputy
www-data: root
team: ann, root,
  eve@x.test
loop: pool
pool: loop
ticket: "|/usr/bin/ticket --new"
archive: /var/archive, eve@x.test
list: :include:/etc/passwd
END
admins='[admin@example.com ORCPT=rfc822;root@o.test]'
admins+='[jdoe@example.com ORCPT=rfc822;root@o.test]'
for name in root root@localhost root@localhost.localdomain "root@$host" \
    'Cron <root@LOCALHOST>' root@localhost.; do
	leads "an alias of '$name'" "$admins" -i "$name"
done
leads "in capitals" "${admins//root/ROOT}" -i ROOT
leads "in quotes" "$admins" -i '"root"@localhost'
leads "elsewhere is no alias" "[root@x.test][root@localhost.x.test]" \
    -i root@x.test root@localhost.x.test
leads "the origin written out stays" "[root@o.test]" -i root@o.test
leads "names that no alias knows" "[bob@o.test][eve@o.test]" \
    -i bob eve@localhost
leads "a name and an extension" "${admins//root/root+cron}" -i root+cron
leads "nobody gets two" "$(printf '%s' '[eve@x.test]' \
    '[admin@example.com ORCPT=rfc822;www-data@o.test]' \
    '[jdoe@example.com ORCPT=rfc822;www-data@o.test]' \
    '[ann@o.test ORCPT=rfc822;team@o.test]')" \
    -i eve@x.test www-data team root ADMIN@example.com www-data
leads "twice the same" "$admins" -i root root

printf 'To: root, ann@x.test\nCc: "Root" <root@localhost>\n\nx\n' >"$dir/t"
submit -t -i <"$dir/t"
is "$status|$err|$rcpts" "0||${admins}[ann@x.test]" "-t expands"
like "$head" 'To: root@o\.test, ann@x\.test' "To is only completed"
like "$head" 'Cc: "Root" <root@localhost>' "Cc is as it was"

printf 'MAIL FROM:<a@x.test>\r\nRCPT TO:<root>\r\nRCPT TO:<root@localhost>\r
RCPT TO:<bob>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n' >"$dir/smtp"
submit -bs <"$dir/smtp" >"$dir/replies"
is "$rcpts" "${admins}[bob@o.test]" "-bs expands"

for name in ticket list loop; do
	leads "$name: goes to the postmaster" "${admins//root/$name}" -i "$name"
done
cat >>"$dir/aliases" <<'END'
ann: ann, copy@x.test
END
leads "who is on her own list" \
    "[ann@o.test][copy@x.test ORCPT=rfc822;ann@o.test]" -i ann
leads "a file among addresses" \
    "[eve@x.test ORCPT=rfc822;archive@o.test]${admins//root/archive}" -i archive
ok "no such file was made" test ! -e /var/archive

configure 'origin = "o.test"' "aliases = \"$dir/aliases\"" \
    'local_recipients = "Ops <ops@example.com>, root"'
leads "local_recipients" "[ops@example.com ORCPT=rfc822;bob@o.test]${admins//root/bob}" \
    -i bob joe@localhost
leads "an alias is nearer" "$admins" -i root

configure 'origin = "o.test"' 'aliases = none' 'local_recipients = l@x.test'
leads "no aliases" "[l@x.test ORCPT=rfc822;root@o.test]" -i root

configure 'origin = "o.test"' "aliases = \"$dir/aliases\"" 'recipients_max = 1'
mail -i root
refused 69 'more than 1 recipients' "recipients are counted when expanded"
mail -i www-data@x.test
is "$status|$rcpts" "0|[www-data@x.test]" "one is one"

# An origin that no relay can deliver to.
configure 'origin = "localhost"' 'aliases = none'
for name in root root@localhost root@localhost.localdomain "root@$host"; do
	mail -i a@x.test "$name"
	refused 78 "recipient '$name' leads nowhere: .*local_recipients or origin" \
	    "$name at localhost"
done
printf 'MAIL FROM:<a@x.test>\r\nRCPT TO:<root>\r\nQUIT\r\n' >"$dir/smtp"
submit -bs <"$dir/smtp" >"$dir/replies"
like "$(sed -n 3p "$dir/replies")" "^[45]5[0-9] .*leads nowhere" \
    "-bs refuses it, too"
leads "other addresses are fine" "[a@x.test]" -i a@x.test
configure 'origin = "localhost"' "aliases = \"$dir/aliases\""
leads "an alias leads away" "[admin@example.com][jdoe@example.com]" \
    -i root@localhost
configure 'origin = "localhost"' 'aliases = none' "relay = \"maildir:$dir/m\""
leads "a Maildir keeps any name" "[root@localhost][bob@localhost]" \
    -i root bob@localhost

# What stands in the way.
configure 'origin = "o.test"' "aliases = \"$dir/odd\""
mkfifo "$dir/odd"
mail -i root
refused 75 "cannot use the aliases '.*odd': is not a regular file" "a FIFO"
leads "other mail needs no aliases" "[a@x.test]" -i a@x.test
rm "$dir/odd"
mkdir "$dir/odd"
mail -i root
refused 75 "cannot use the aliases '.*odd': Is a directory" "a directory"
rmdir "$dir/odd"
echo 'root: evil@x.test' >"$dir/odd"
chmod 0666 "$dir/odd"
mail -i root
refused 75 "is writable by everybody" "a file for everybody"
rm "$dir/odd"

# ---- senders -------------------------------------------------------------

cat >"$dir/map" <<'END'
# Senders, in both forms.
root@o.test       admin@example.com
www-data: web@example.com
@web2.lan @example.com
*@*.lan lan@example.com
this is no line
END
configure 'origin = "o.test"' 'aliases = none' "generic = \"$dir/map\"" \
    'masquerade = "example.net, o.test"'
printf '%s\n' 'From: "root" <root> (Cron)' 'Sender: www-data@localhost' \
    'Reply-To: bob@web2.lan,' '	joe (x) @ web3.lan' \
    'To: root, ann@a.example.net' '' x >"$dir/m"
submit -i -f root a@x.test <"$dir/m"
is "$status|$err|$sender" "0||admin@example.com" "the envelope's sender"
is "$(head -n 5 <<<"$head")" 'From: "root" <admin@example.com> (Cron)
Sender: web@example.com
Reply-To: bob@example.com,
	lan (x) @ example.com
To: root@o.test, ann@example.net' "the header's addresses"
submit -G -i -f root a@x.test <"$dir/m"
is "$head" "$(sed '/^$/,$d' "$dir/m")" "-G leaves the header alone"
is "$sender" admin@example.com "-G is not about the envelope"
for pair in 'www-data web@example.com' 'www-data@x.test www-data@x.test' \
    'ann ann@o.test' 'ann@a.b.example.net ann@example.net' \
    'ann@h.o.test ann@o.test' '<> <>' 'Joe@WEB2.lan Joe@example.com' \
    "www-data@$host web@example.com"; do
	mail -i -f "${pair% *}" a@x.test
	is "$status|$err|$sender" "0||${pair#* }" "sender ${pair% *}"
done
printf '\nx\n' >"$dir/m"
submit -i -F Admin -f root a@x.test <"$dir/m"
like "$head" 'From: Admin <admin@example\.com>' "an added From is the same"
rm "$dir/map"
leads "a missing map is none" "[a@x.test]" -i -f root a@x.test
is "$sender" root@o.test "then senders stay"
mkdir "$dir/map"
mail -i -f root a@x.test
refused 75 "cannot use the generic map '.*map': Is a directory" \
    "an unreadable map"

# ---- newaliases ----------------------------------------------------------

ln -s "$SENDMAIL" "$dir/newaliases"
configure 'origin = "o.test"' "aliases = \"$dir/aliases\""
out=$("$dir/newaliases" -C "$config" 2>"$dir/err")
is "$?|$out" "0|$dir/aliases: 5 aliases" "newaliases counts"
is "$(<"$dir/err")" "$dir/aliases:8: alias 'loop' leads nowhere
$dir/aliases:9: alias 'pool' leads nowhere
$dir/aliases:10: alias 'ticket': '\"|/usr/bin/ticket --new\"' is a command, and is not run
$dir/aliases:11: alias 'archive': '/var/archive' is a file, and is not written to
$dir/aliases:12: alias 'list': ':include:/etc/passwd' names a file, which is not read" \
    "newaliases names what is refused"
configure 'origin = "o.test"' "aliases = \"$dir/none\""
sm -bi >"$dir/out" 2>&1
is "$?|$(<"$dir/out")" "0|$dir/none: there are none" "-bi without a file"

# ---- size ----------------------------------------------------------------

# cost ARGS...: CPU time of a run, in microseconds, the least of three; standard
# input is $dir/big.  (The kernel knows the sum; how much of it is the user's
# it guesses.)
cost() {
	local least=999999999 one system
	for _ in 1 2 3; do
		rm -f "$spool"/queue/*
		TIMEFORMAT='%3U %3S'
		one=$({ time NAME='' "$SENDMAIL" -C "$config" --spool "$spool" \
		    "$@" <"$dir/big" 2>/dev/null; } 2>&1)
		system=${one#* } one=${one% *}
		one=$(((10#${one/[.,]/} + 10#${system/[.,]/}) * 1000))
		[ "$one" -ge "$least" ] || least=$one
	done
	echo "$least"
}

# grows NAME SMALL LARGE: LARGE, eight times as much to do, took at most
# thrice eight times as long; a square would be sixty-four times.  Where the
# small one is too short to be measured it counts as 5 ms.
grows() {
	local small=$2
	[ "$small" -ge 5000 ] || small=5000
	at_most $(($3 / (small / 1000))) $((24 * 1000)) "$1: per mille"
}

# many N: N local recipients in $dir/big, N aliases, each the last one's and
# all of them a common one's
many() {
	awk -v n="$1" 'BEGIN {
		print "all: end@x.test"
		for (i = 1; i <= n; i++)
			printf "u%d: u%d, all, v%d@x.test\n", i, i - 1, i
	}' >"$dir/aliases"
	awk -v n="$1" 'BEGIN {
		printf "To: u1"
		for (i = 1; i <= n; i++)
			printf ",\n U%d@localhost, x%d", i, i
		print "\n\nx"
	}' >"$dir/big"
}

configure 'origin = "o.test"' "aliases = \"$dir/aliases\"" \
    'recipients_max = 100000' 'local_recipients = "all, l@x.test"'
many 2500
small=$(cost -t -i)
many 20000
large=$(cost -t -i)
is "$(queued)" 1 "20,000 local names and aliases: queued"
is "$(grep -ac '^rcpt ' "$spool"/queue/*)" 20002 \
    "20,000 local names and aliases: all there"
grows "20,000 local names and aliases" "$small" "$large"

# The same names as arguments, of one alias with 5,000 members.
awk 'BEGIN {
	printf "all: a"
	for (i = 1; i <= 5000; i++)
		printf ",\n m%d@x.test", i
	print ""
}' >"$dir/aliases"
printf '\nx\n' >"$dir/big"
configure 'origin = "o.test"' "aliases = \"$dir/aliases\""
small=$(yes all | head -n 500 | { mapfile -t args; cost -i -- "${args[@]}"; })
large=$(yes all | head -n 4000 | { mapfile -t args; cost -i -- "${args[@]}"; })
is "$(grep -ac '^rcpt ' "$spool"/queue/*)" 5001 "4,000 times all: once"
grows "4,000 times all" "$small" "$large"

# size BYTES: an alias file as long, one half of it values that go in circles
# and chains, the other a single value
size() {
	awk -v n="$1" 'BEGIN {
		while (bytes < n / 2) {
			line = sprintf("n%d: n%d, n%d, \"x %d\"@x.test\n", i,
			    i + 1, int(i / 2), i)
			bytes += length(line)
			printf "%s", line
			i++
		}
		printf "root: admin@example.com"
		while (bytes < n) {
			line = sprintf(",\n r%d@x.test # %d", i, i)
			bytes += length(line)
			printf "%s", line
			i++
		}
		print ""
	}' >"$dir/aliases"
}

configure 'origin = "o.test"' "aliases = \"$dir/aliases\"" \
    'recipients_max = 1000000'
size 655360
small=$(cost -i n0)
size 5242880
large=$(cost -i n0)
is "$(queued)" 1 "5 MB of aliases: queued"
grows "5 MB of aliases" "$small" "$large"
sm -bi >"$dir/out" 2>&1
is "$?" 0 "5 MB of aliases: newaliases"

done_testing
