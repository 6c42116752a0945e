#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The order in which things are made durable (invariants 1 and 4): first the
# data, then the name, then both are synced, and only then the caller is told;
# and spoold's journal knows of an attempt before it is made and of a delivery
# before the message is removed.

. "${srcdir:?}/tests/fault/fault.sh"

# order: what sendmail, by its trace, did to the queue file and queue/, by
# their descriptors, up to the end; anything else that changes or syncs a file
# is shown as it is.
order() {
	perl -ne '
	s/^\d+ +//;
	/^openat\(.*O_TMPFILE.*= (\d+)$/ and $f = $1, print "create\n";
	/^openat\(.*O_EXCL.*= (\d+)$/ and $f = $1, print "create\n";
	/^openat\(\d+, "queue".*= (\d+)$/ and $q = $1;
	if (/^(write|pwrite64|sync_file_range|fsync)\((\d+)/) {
		my ($call, $fd) = ($1, $2);
		/= \d+$/ or print "failed ";
		print "$call-", defined $f && $fd == $f ? "file" :
		    defined $q && $fd == $q ? "queue" :
		    $fd < 3 ? "told" : "other$fd", "\n";
		next;
	}
	/^(linkat|renameat2)\(.*= 0$/ and print "$1\n";
	/^(fdatasync|syncfs|sync|ftruncate|fallocate|writev|pwritev2?|rename|
	    renameat|link|unlink|unlinkat|sendfile|copy_file_range)\(/x and
	    print "$1\n";
	/^close\((\d+)/ and defined $f && $1 == $f and print "close\n";
	/^exit_group\((\d+)/ and print "exit $1\n";
	' "$trace" | uniq | paste -sd ' '
}

make_messages
make_spool

input=$dir/small
traced_sendmail
is "$(order)" "create write-file sync_file_range-file linkat fsync-file \
fsync-queue close exit 0" "a small message: data, name, syncs, exit"
is "$(grep -cE '^(fsync|fdatasync|sync|syncfs)\(' "$trace")" 2 \
    "with two syncs"
is "$(grep -cE '^write\(' "$trace")" 1 "and one write"
find_named_ways
empty_spool

traced_sendmail "${no_tmpfile[@]}"
is "$(order)" "create write-file sync_file_range-file renameat2 fsync-file \
fsync-queue close exit 0" "and so without O_TMPFILE"
empty_spool
traced_sendmail "${no_tmpfile[@]}" -e inject=renameat2:error=EINVAL:when=1
is "$(order)" "create write-file sync_file_range-file linkat unlinkat \
fsync-file fsync-queue close exit 0" "and so where names cannot be moved"
empty_spool

input=$dir/large
traced_sendmail
is "$(order)" "create write-file pwrite64-file sync_file_range-file linkat \
fsync-file fsync-queue close exit 0" \
    "a large one: the first line last, nothing after the name"
like "$(grep '^pwrite64(' "$trace")" ', "spoold/1 [^"]*"?[^,]*, 40, 0\) = 40$' \
    "the first line says whose it is only then"
is "$(grep -cE '^(fsync|fdatasync|sync|syncfs)\(' "$trace")" 2 \
    "with two syncs as well"
visible large
is "$seen" 1 "it is in queue/"
check_kept "and is whole" "$input"

# By SMTP: two messages, each answered when it is durable.
input=$dir/session
{
	printf 'HELO x\r\n'
	for each in 1 2; do
		printf 'MAIL FROM:<a@x.test>\r\nRCPT TO:<b@y.test>\r\nDATA\r\n'
		printf 'Subject: %d\r\n\r\ntext\r\n.\r\n' "$each"
	done
	printf 'QUIT\r\n'
} >"$input"
traced -- "$SENDMAIL" -C "$config" --spool "$spool" -bs
is "$?" 0 "-bs exits 0"
is "$(grep -c '^250 .*queued\|^250 2\.0\.0' "$dir/stdout")" 2 \
    "both messages are answered with 250"
told=$(perl -ne '
	/^openat\(\d+, "queue".*= (\d+)$/ and $q = $1;
	/^linkat\(.*= 0$/ and print "linkat\n";
	/^fsync\((\d+)\) += 0$/ and
	    print $1 == $q ? "fsync-queue\n" : "fsync-file\n";
	/^write\(1, "(.*)/ and $1 =~ /(?:^|\\n)250 2\.0\.0/ and print "250\n";
	' "$trace" | paste -sd ' ')
is "$told" "linkat fsync-file fsync-queue 250 linkat fsync-file fsync-queue \
250" "each 250 comes after its two syncs"
empty_spool

# spoold: one message, a Maildir as its relay.
send_simple ann@x.test bob@y.test
id=$(ls "$spool/queue")
input=
traced -f -s 4096 -- "$SPOOLD" -C "$config" --relay "maildir:$dir/mail" \
    --drain "$spool"
is "$?" 0 "spoold delivers it"
done=$(perl -ne '
	s/^\d+ +//;
	/^write\(\d+, "(\{.*)/ or /^unlinkat\(|^fdatasync\(|^write\(/ or next;
	if (/^write\(\d+, "\{\\"seq\\":\d+,/) {
		print "$1\n" while /\\"event\\":\\"(\w+)\\"/g;
		next;
	}
	/^write\(\d+, "send '"$id"'/ and print "send\n";
	/^unlinkat\(\d+, "'"$id"'", 0/ and print "unlink\n";
	' "$trace" | paste -sd ' ')
like "$done" '^start admitted attempt send delivered (removed )?unlink' \
    "attempt, work, delivered, and then it is removed"
ok "the journal is synced" grep -q 'fdatasync(' "$trace"

done_testing
