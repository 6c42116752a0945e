#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# sendmail(8) has every option of the table, every exit status and every
# environment variable, and no others; and a page that lacks one is found out.

. "${srcdir:?}/tests/run/lib.sh"

page=$srcdir/man/sendmail.8
sources=("$srcdir"/sendmail/*.c "$srcdir"/lib/submit*.c)
"$SENDMAIL" --help >"$dir/help"

# differences PAGE [SOURCE...]: a line each
differences() {
	perl "$srcdir/tests/run/check-manual.pl" "$1" "$dir/help" \
	    "${sources[@]}" "${@:2}" 2>&1
}

is "$(differences "$page")" "" "the page has all there is, and nothing else"

# ---- and the check would notice -----------------------------------------

# without LETTER-OR-NAME: the page where no macro names that flag any more
without() {
	flag=$1 perl -pe '
		next unless /^\./ && /\bFl\b/;
		my @out;
		my $in;
		for my $word (split /( +)/) {
			$in = 1 if $word eq "Fl";
			$in = 0 if $word =~ /^[A-Z][a-z]$/ && $word ne "Fl";
			my $bare = $word =~ s/\n//r;
			if ($in && $bare eq $ENV{flag}) {
				$word =~ s/\Q$bare\E/-help/;
			}
			push @out, $word;
		}
		$_ = join "", @out;
	' "$page" >"$dir/doctored"
}

mapfile -t flags < <(grep -oE '^  (-.|--[a-z-]+)(, --[a-z-]+)?' "$dir/help" |
    tr ',' '\n' | tr -d ' ' | sed 's/^-//')
ok "the help has rows (${#flags[@]})" [ "${#flags[@]}" -gt 40 ]
for flag in "${flags[@]}"; do
	[ "$flag" != -help ] || continue
	without "$flag"
	is "$(differences "$dir/doctored" | grep "missing: -$flag\$")" \
	    "missing: -$flag" "a page without -$flag is found out"
done
sed 's/^\.It Fl -help$/.It Fl -version/' "$page" >"$dir/doctored"
is "$(differences "$dir/doctored")" "missing: --help" \
    "and one without --help"
for code in 0 64 65 66 69 71 74 75 77 78; do
	sed "/^\.Sh EXIT STATUS/,/^\.Sh EX/{/^\.It $code\$/d}" "$page" \
	    >"$dir/doctored"
	is "$(differences "$dir/doctored")" "missing: exit status $code" \
	    "and one without exit status $code"
done
for name in NAME TZ SPOOLD_EXEC_PATH; do
	sed "/^\.It Ev $name\$/d" "$page" >"$dir/doctored"
	is "$(differences "$dir/doctored")" "missing: variable $name" \
	    "and one without $name"
done

# doctored SED NAME WANT: what is too much
doctored() {
	sed "$1" "$page" >"$dir/doctored"
	is "$(differences "$dir/doctored")" "$3" "$2"
}
doctored 's/^\.It Fl G$/&\n.It Fl y/' "a flag too many" "unknown: -y"
doctored 's/^\.Op Fl Gitv$/.Op Fl Gitvw/' "in a bundle" "unknown: -w"
doctored 's/^\.It Fl G$/&\n.It Fl -frob Ar x/' "a long one" \
    "unknown: --frob"
doctored 's/^\.It 74$/.It 73\nx\n&/' "an exit status too many" \
    "unknown: exit status 73"
doctored 's/^\.It Ev TZ$/.It Ev MAILUSER\nx\n&/' "a variable too many" \
    "unknown: variable MAILUSER"
echo 'x = getenv("MAILHOST") ? EX_NOHOST : 0;' >"$dir/new.c"
is "$(differences "$page" "$dir/new.c" | xargs)" \
    "missing: exit status 68 missing: variable MAILHOST" \
    "a source that uses more"
sed -i 's/^  -h HOPS .*/&\n  -y, --yes WORD       new/' "$dir/help"
is "$(differences "$page" | xargs)" "missing: --yes missing: -y" \
    "a row that is new"
: >"$dir/help"
like "$(differences "$page")" "missing: all flags" "no help at all"
done_testing
