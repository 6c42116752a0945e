#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# A spoold that does nothing but answer on its control socket, as it should
# or as it should not:
#
#	fake-control.pl SOCKET LOG ANSWER...
#
# Each ANSWER is for one connection, with \n for line ends; the request is
# appended to LOG.  "-" answers nothing and keeps the connection.  Ends
# after the last one has been hung up.

use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $log, @answers) = @ARGV;
# It is there when it can be connected to.
my $server = IO::Socket::UNIX->new(Local => "$path.new", Listen => 8)
    or die "cannot listen at $path: $!\n";
rename("$path.new", $path) or die "cannot rename $path: $!\n";
$SIG{PIPE} = 'IGNORE';
open(my $out, '>>', $log) or die "cannot write $log: $!\n";
$out->autoflush(1);
for my $answer (@answers) {
	my $client = $server->accept or die "cannot accept: $!\n";
	my $request = <$client>;
	print $out defined $request ? $request : "(nothing)\n";
	if ($answer eq '-') {
		1 while <$client>;
	} else {
		$answer =~ s/\\n/\n/g;
		print $client $answer;
	}
	close $client;
}
