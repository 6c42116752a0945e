#!/usr/bin/perl
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# Compare sendmail(8) with sendmail:
#
#	check-manual.pl MANUAL HELP SOURCE...
#
# MANUAL is the page's mdoc, HELP what "sendmail --help" prints: a row for each
# flag of the table.  Every exit status and environment variable of the SOURCE
# files counts as used.  A line for each difference, "missing: …" for what the
# page lacks and "unknown: …" for what only the page has; nothing if there is
# none.

use strict;
use warnings;

my ($manual, $help, @sources) = @ARGV;

sub lines {
	my ($path) = @_;
	open(my $in, '<', $path) or die "cannot read $path: $!\n";
	my @lines = <$in>;
	chomp @lines;
	return @lines;
}

# ---- what there is: -x => 1 if it takes a value, --name => … ------------

my %flags;
for (lines($help)) {
	next unless /^  (?:(-\w))?(?:, )?(?:(--[\w-]+))?(\[|(?: )[A-Z\[]|\[=)?/;
	my ($letter, $name, $value) = ($1, $2, defined $3);
	$flags{$letter} = $value if defined $letter;
	$flags{$name} = $value if defined $name;
}

my %status = (EX_OK => 0, EX_USAGE => 64, EX_DATAERR => 65, EX_NOINPUT => 66,
    EX_NOUSER => 67, EX_NOHOST => 68, EX_UNAVAILABLE => 69,
    EX_SOFTWARE => 70, EX_OSERR => 71, EX_OSFILE => 72, EX_CANTCREAT => 73,
    EX_IOERR => 74, EX_TEMPFAIL => 75, EX_PROTOCOL => 76, EX_NOPERM => 77,
    EX_CONFIG => 78);
my (%codes, %variables);
for my $source (@sources) {
	for (lines($source)) {
		next if /^\s*case EX_/;	# looked at, not used
		$codes{ $status{$_} }++
		    for grep { exists $status{$_} } /\b(EX_[A-Z]+)\b/g;
		$variables{$1}++ while /\bgetenv\("(\w+)"\)/g;
	}
}

# ---- what the page says -------------------------------------------------

# Flags of a line: what follows Fl, or any number of Fl, up to another macro
# that is no punctuation.
sub flags_of {
	my ($line) = @_;
	my (@found, $in);
	return () unless $line =~ s/^\.//;
	for my $word (split ' ', $line) {
		if ($word eq 'Fl') {
			$in = 1;
		} elsif ($word =~ /^[A-Z][a-z]$/ && $word ne 'No') {
			$in = 0;
		} elsif ($in && $word =~ /^-?[\w-]+$/) {
			push @found, $word;
		}
	}
	return @found;
}

my ($section, $sub, $depth) = ('', '', 0);
my (%documented, %mentioned, %said, %named);
for (lines($manual)) {
	if (/^\.Sh (.*)/) {
		($section, $sub) = ($1, '');
	} elsif (/^\.Ss (.*)/) {
		$sub = $1;
	}
	for my $flag (flags_of($_)) {
		$mentioned{$flag} = 1;
		$documented{$flag} = 1 if $sub eq 'Options' && /^\.It /;
	}
	$said{$1} = 1 if $section eq 'EXIT STATUS' && /^\.It (\d+)/;
	if ($section eq 'ENVIRONMENT' && /^\.It (Ev .*)/) {
		$named{$_} = 1 for grep { !/^(Ev|,)$/ } split ' ', $1;
	}
}

# ---- the difference -----------------------------------------------------

my @differences;
for my $flag (sort keys %flags) {
	(my $word = $flag) =~ s/^-//;
	push @differences, "missing: $flag" unless $documented{$word};
}
for my $word (sort keys %mentioned) {
	next if $word eq '-';	# the end of the options
	next if exists $flags{"-$word"};
	next if $word =~ /^-/ and push @differences, "unknown: -$word";
	# "bs": a flag and its value; "Gitv": a bundle.
	next if $flags{ '-' . substr($word, 0, 1) };
	push @differences, map { "unknown: -$_" }
	    grep { !exists $flags{"-$_"} } split //, $word;
}
for ([ 'exit status', \%codes, \%said ],
    [ 'variable', \%variables, \%named ]) {
	my ($what, $used, $told) = @$_;
	push @differences, map { "missing: $what $_" }
	    grep { !$told->{$_} } sort keys %$used;
	push @differences, map { "unknown: $what $_" }
	    grep { !$used->{$_} } sort keys %$told;
}
push @differences, 'missing: all flags' unless %flags;
print "$_\n" for @differences;
