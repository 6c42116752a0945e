# shellcheck shell=bash disable=SC2154 # variables of the tests
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# For tests that install spoold as the machine's own mailer: a copy of this
# machine, an overlay over / in namespaces of its own, so that PHP, cron and
# all are real, what is changed is memory, and whatever is started ends with
# the test.
#
# The test calls itself twice: without an argument, enter_copy; with
# "namespace", make_copy; with "machine" it finds itself root on the copy.

# skip_copy REASON: nothing can be tested here.
skip_copy()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

# is_sanitized: the programs are built with sanitizers, which do not run
# set-gid: the check for leaks wants to look into its own process.
is_sanitized()
{
	grep -q '^AM_CFLAGS = .*-fsanitize=' "$builddir/Makefile"
}

# enter_copy SELF: run "SELF namespace" in new namespaces, instead of this.
enter_copy()
{
	[ "$(id -u)" -eq 0 ] || skip_copy 'needs root'
	unshare --mount --pid --fork true 2>/dev/null ||
		skip_copy 'needs namespaces'
	exec unshare --mount --pid --fork --kill-child \
		--propagation private bash "$1" namespace
}

# bring DIR FILE: make DIR the same inside, if FILE in it is not there: what is
# mounted below / is not part of the overlay.
bring()
{
	[ ! -e "$copy$1/$2" ] || return 0
	mkdir -p "$copy$1" && mount --bind "$1" "$copy$1"
}

# make_copy SELF: run "SELF machine" on the copy, instead of this.
make_copy()
{
	local work=/mnt

	mount -t tmpfs -o mode=755 tmpfs "$work" || skip_copy 'cannot mount'
	copy=$work/machine
	mkdir "$work/upper" "$work/work" "$copy"
	mount -t overlay overlay \
		-o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" \
		"$copy" 2>/dev/null || skip_copy 'cannot mount an overlay'
	mount --rbind /dev "$copy/dev" || skip_copy 'cannot mount /dev'
	mount -t proc proc "$copy/proc" || skip_copy 'cannot mount /proc'
	bring "$srcdir" configure.ac
	bring "$builddir" config.status
	exec chroot "$copy" /usr/bin/env -i PATH="$PATH" LC_ALL=C.UTF-8 \
		srcdir="$srcdir" builddir="$builddir" bash "$1" machine
}

# As the user $1, in a session like any other: no privileges to keep.
as()
{
	local user=$1

	shift
	setpriv --reuid="$user" --regid="$user" --init-groups --reset-env "$@"
}

make_in_build()
{
	make -C "$builddir" SYSTEM_INSTALL=auto "$@"
}

# Where things go, as the makefile has it; make may say other things before.
# Sets sbindir, bindir, spool, confdir, user, group.
learn_paths()
{
	local path

	# shellcheck disable=SC2016 # make's variables
	read -r _ sbindir bindir spool confdir user group < <(make -s \
		-C "$builddir" --no-print-directory --eval='learn-paths: ; @echo \
			paths: $(sbindir) $(bindir) $(spooldir) \
			$(spoold_confdir) $(SPOOLD_USER) $(SPOOLD_GROUP)' \
		learn-paths | grep '^paths: ')
	for path in "$sbindir" "$bindir" "$spool" "$confdir"; do
		[[ $path == /*/* ]] || return 1
	done
	[[ $spool == */spoold && $confdir == */spoold && -n $group ]]
}

# Give the machine another mailer if it has none.
have_other_mailer()
{
	[ ! -e /usr/sbin/sendmail ] || return 0
	printf '#!/bin/sh\nexit 69\n' >/usr/sbin/sendmail
	chmod 755 /usr/sbin/sendmail
}
