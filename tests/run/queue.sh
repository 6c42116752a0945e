# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# For tests of what reads a spool: messages put there by hand, to the letter
# of spoold-spool(5), so that writer and reader do not share their mistakes.

# CRC-32 of standard input in hexadecimal: gzip writes it for us.
crc32() {
	gzip -c | tail -c 8 | head -c 4 |
		od -An -t x4 --endian=little | tr -d ' \n'
}

# put_message DIR ID ARRIVAL_US SENDER RCPT... <message
# Addresses are given as encoded; DIR is one of a spool's, and the file appears
# there at once and whole.
put_message() {
	local dir=$1 id=$2 arrival=$3 sender=$4 work
	shift 4
	work=$(mktemp -d "$dir/../tmp/put.XXXXXX")
	{
		printf 'arrival %s\nuid %d\nsender %s\n' "$arrival" "$(id -u)" \
			"$sender"
		printf 'rcpt %s\n' "$@"
		echo
	} >"$work/envelope"
	cat >"$work/message"
	cat "$work/envelope" "$work/message" >"$work/rest"
	{
		printf 'spoold/1 %08d %012d %s\n' \
			"$(stat -c %s "$work/envelope")" \
			"$(stat -c %s "$work/message")" \
			"$(crc32 <"$work/rest")"
		cat "$work/rest"
	} >"$work/whole"
	mv "$work/whole" "$dir/$id"
	rm -r "$work"
}

# crlf: LF to CRLF, from standard input to standard output.
crlf() {
	sed 's/$/\r/'
}
