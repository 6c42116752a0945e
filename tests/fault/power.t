#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The power fails.  A file system in an image is copied while it is mounted and
# dirty: the copy holds what was synced, and loses the rest.  What sendmail
# acknowledged is there and whole; what it did not is whole or not there
# (invariant 1).

TEST_TIMEOUT=180

if [ -z "${POWER_MOUNTS:-}" ]; then
	export POWER_MOUNTS=no
	if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
		POWER_MOUNTS=yes exec unshare -m "${BASH:-bash}" "$0" "$@"
	fi
fi

. "${srcdir:?}/tests/fault/fault.sh"

[ "$POWER_MOUNTS" = yes ] || skip_all "mounting images takes root"
PATH=$PATH:/usr/sbin:/sbin
need losetup mount

declare -A size=([ext4]=32M [xfs]=300M [btrfs]=128M)
# Nothing is committed just because time passes.
declare -A options=([ext4]=commit=900 [xfs]=nouuid [btrfs]=commit=900)
declare -A make=([ext4]="mkfs.ext4 -q -F" [xfs]="mkfs.xfs -q -f"
    [btrfs]="mkfs.btrfs -q -f")

disk=$dir/disk
after=$dir/after
mkdir "$disk" "$after"
points=0

# power_fails LABEL: the copy's file system is mounted on $after, and what is
# in its queue/ goes to visible(); $lost: whether "unsynced" is gone
power_fails() {
	cp --sparse=always "$dir/image" "$dir/copy" ||
		bail "no room for a copy"
	if ! mount -o "loop,${options[$type]}" "$dir/copy" "$after" \
	    2>"$dir/mount.err"; then
		seen="no file system: $(<"$dir/mount.err")"
		return
	fi
	spool=$after/spool visible "$1"
	lost=no
	[ -e "$after/unsynced" ] || lost=yes
	umount "$after"
	rm -f "$dir/copy"
	points=$((points + 1))
}

# loses: a file that nobody syncs is lost.  Not if the system has just then
# written all it had by itself, as it does now and then: several tries.
loses() {
	local try
	for try in 1 2 3; do
		[ "$lost" = no ] || return 0
		rm -f "$disk/unsynced"
		sync -f "$disk"
		echo unsynced >"$disk/unsynced"
		power_fails "again.$try"
		rm -f "$kept/again.$try".*
	done
	[ "$lost" = yes ]
}

# acknowledged SIZE: a message is accepted, then the power fails
acknowledged() {
	local each label
	input=$dir/$1
	for each in nameless named; do
		label="$type, $each, $1"
		prepare "$each" none
		traced_sendmail "${way[@]}"
		is "$?" 0 "$label: accepted"
		# A file that nobody syncs: it shows that the copy loses such.
		echo unsynced >"$disk/unsynced"
		power_fails "$type.$each.$1"
		is "$seen" 1 "$label: is there after the power has failed"
		check_kept "$label: and whole" "$input"
		loses
		unsynced+=$lost
		rm -f "$disk/unsynced"
		empty_spool
		sync -f "$disk"
	done
}

# interrupted: killed before each call from the first write on, with the power
# failing then
interrupted() {
	local call state before=0 after_n=0 wrong=()
	input=$dir/large
	for call in write.1 write.3 pwrite64.1 sync_file_range.1 linkat.1 \
	    fsync.1 fsync.2 exit_group.1; do
		traced_sendmail -e "inject=${call%.*}:signal=KILL:when=${call#*.}"
		[ "$?" -eq 137 ] || wrong+=("$call: not killed;")
		power_fails "$type.$call"
		case $seen in
		0) before=$((before + 1)) ;;
		1) after_n=$((after_n + 1)) ;;
		*) wrong+=("$call: $seen;") ;;
		esac
		state=$seen
		empty_spool
		sync -f "$disk"
	done
	is "${wrong[*]}" "" "$type: killed, and no power: no message $before \
times, one $after_n times"
	is "$state" 1 "$type: there at the end"
	check_kept "$type: whole where there" "$input"
}

make_messages
spool=$dir/plain
make_spool
input=$dir/small
traced_sendmail
find_named_ways

for type in ext4 xfs btrfs; do
	if ! command -v "mkfs.$type" >/dev/null; then
		skip "$type" "mkfs.$type is not installed"
		continue
	fi
	truncate -s "${size[$type]}" "$dir/image"
	if ! ${make[$type]} "$dir/image" >/dev/null 2>"$dir/mkfs.log" ||
	    ! mount -o "loop,${options[$type]}" "$dir/image" "$disk" \
	    2>"$dir/mount.err"; then
		skip "$type" "cannot be made and mounted here"
		rm -f "$dir/image"
		continue
	fi
	spool=$disk/spool
	make_spool
	sync -f "$disk"
	unsynced=
	acknowledged small
	acknowledged large
	is "$unsynced" yesyesyesyes "$type: and what nobody synced is lost"
	interrupted
	umount "$disk"
	rm -f "$dir/image"
done
diag "the power failed $points times"

done_testing
