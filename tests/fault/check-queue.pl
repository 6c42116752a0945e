#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# check-queue.pl MESSAGE SENDER "RCPT RCPT..." QUEUE-FILE...
#
# Whether queue files are complete: first line, lengths, checksum, envelope,
# and the message's body as it was submitted.  Written from spoold-spool(5),
# not from the library, so that both do not err alike.

use strict;
use warnings;

my @table = map {
	my $r = $_;
	$r = $r & 1 ? $r >> 1 ^ 0xedb88320 : $r >> 1 for 1 .. 8;
	$r;
} 0 .. 255;
my %known;	# checksums of equal bytes are computed once

sub crc {
	my $bytes = shift;
	return $known{$bytes} //= do {
		my $c = 0xffffffff;
		$c = $c >> 8 ^ $table[($c ^ $_) & 0xff]
		    for unpack 'C*', $bytes;
		$c ^ 0xffffffff;
	};
}

sub slurp {
	my $name = shift;
	open my $in, '<:raw', $name or die "$name: $!\n";
	local $/;
	my $bytes = <$in>;
	return $bytes // '';
}

sub fault {
	my ($bytes, $want_envelope, $body) = @_;
	$bytes =~ /\Aspoold\/1 (\d{8}) (\d{12}) ([0-9a-f]{8})\n/
	    or return 'bad first line';
	my ($env, $msg, $crc) = ($1, $2, hex $3);
	my $rest = substr $bytes, 40;
	length $rest == $env + $msg or return 'wrong length';
	crc($rest) == $crc or return 'wrong checksum';
	my $envelope = substr $rest, 0, $env;
	$envelope =~ s/\Aarrival \d+\nuid \d+\n// or return 'odd envelope';
	$envelope =~ s/^message-id [!-~]+\n//m or return 'no Message-Id';
	$envelope eq $want_envelope or return 'wrong envelope';
	my $message = substr $rest, $env;
	$message =~ s/\A(?:[^\r\n]+\r\n)*\r\n// or return 'odd header';
	$message eq $body or return 'wrong body';
	return;
}

my ($message, $sender, $rcpts, @files) = @ARGV;
@files or die "no files\n";
my $body = slurp($message);
$body =~ s/\A.*?\n\n//s or die "$message: no body\n";
$body =~ s/\n/\r\n/g;
my $envelope = "sender $sender\n" .
    join('', map { "rcpt $_\n" } split ' ', $rcpts) . "\n";
my $bad = 0;
for my $file (@files) {
	my $why = fault(slurp($file), $envelope, $body);
	next unless defined $why;
	print "# $file: $why\n";
	$bad = 1;
}
exit $bad;
