# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# For tests of .control: requests by hand.

# control WORD...: one request, already encoded; all that is answered
control() {
	# shellcheck disable=SC2016 # it is perl's
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Peer => shift)
		    or die "connect: $!\n";
		$s->syswrite("@ARGV\n");
		print while <$s>;
	' "${spool:?}/.control" "$@"
}
