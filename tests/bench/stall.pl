#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# stall.pl SOCKET: ask spoold something that changes nothing, every 10 ms, from
# when it listens until SIGTERM; then print the longest time, in milliseconds,
# that it took to answer, and how often it was asked.

use strict;
use warnings;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep time);

my ($path) = @ARGV;
my ($longest, $asked, $ends) = (0, 0, 0);
$SIG{TERM} = sub { $ends = 1 };
$SIG{PIPE} = 'IGNORE';
until ($ends) {
	my $begin = time;
	my $socket = IO::Socket::UNIX->new(Peer => $path);
	if ($socket) {
		$socket->autoflush(1);
		print $socket "hold FFFFFFFFFF\n";
		while (defined(my $line = <$socket>)) {
			last if $line eq "end\n";
		}
		my $took = time - $begin;
		$longest = $took if $took > $longest;
		$asked++;
	}
	sleep 0.01;
}
printf "%.0f %d\n", $longest * 1000, $asked;
