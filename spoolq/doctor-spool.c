/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The doctor's look at the spool and at the disk that it is on. */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "spoolq/doctor.h"
#include "spoolq/output.h"

#define MEGABYTE ((uint64_t)1 << 20)
/* Room that is too little, and room that will soon be. */
#define BYTES_FAIL (4 * MEGABYTE)
#define BYTES_WARN (1024 * MEGABYTE)
#define FILES_FAIL 100
#define FILES_WARN 10000
#define PERCENT_WARN 10
/* How long each sendmail waits for the disk: longer is noticed. */
#define SYNC_WARN_US 200000
#define SYNC_ROUNDS 3

/* ---- directories ----------------------------------------------------- */

static const char *const dirs[] = { "", "tmp", "queue", "hold", "failed" };

#define DIRS (sizeof(dirs) / sizeof(dirs[0]))

/* The spool as a whole. */
struct top {
	struct stat st;
	bool is_shared; /* others submit to it, through its group */
};

/*
 * That others get through the spool's own directory makes it nobody else's; it
 * is if one of those that mail is brought to is open to the group.
 */
static bool
is_shared(const char *spool, const struct stat *st)
{
	char path[4096];
	struct stat sub;

	for (size_t i = 1; i <= 2 && (st->st_mode & 0011) != 0; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", spool, dirs[i]);
		if (lstat(path, &sub) == 0 && (sub.st_mode & S_IWGRP) != 0)
			return true;
	}
	return false;
}

/* What everybody may do there, and should not; or NULL. */
static const char *
public_fault(const struct top *top, const struct stat *st, size_t i)
{
	if ((st->st_mode & S_IWOTH) != 0)
		return "is writable by everybody";
	/* Of a spool of one's own the other directories are closed. */
	if (i == 0 && !top->is_shared)
		return NULL;
	/* The way to .control leads through the first one. */
	if ((st->st_mode & S_IROTH) != 0 ||
	    (i > 0 && (st->st_mode & S_IXOTH) != 0))
		return "can be read by everybody";
	return NULL;
}

/* What is wrong with the directory of ST, and *RET_ADVICE; NULL: nothing. */
static const char *
dir_fault(const struct top *top, const struct stat *st, size_t i,
    const char **ret_advice)
{
	bool is_for_group = top->is_shared && (i == 1 || i == 2);

	*ret_advice = "move it away; make install-system makes a directory";
	if (!S_ISDIR(st->st_mode))
		return "is no directory";
	/* Everybody's way to .control stays. */
	*ret_advice = i == 0 ? "chmod o-rw" : "chmod o-rwx";
	if (public_fault(top, st, i) != NULL)
		return public_fault(top, st, i);
	*ret_advice = "chown it to the owner of the spool";
	if (st->st_uid != top->st.st_uid)
		return "has another owner than the spool";
	*ret_advice = "chmod g+rwx: the set-gid sendmail writes there";
	if (is_for_group && (st->st_mode & 0070) != 0070)
		return "is closed to the group";
	*ret_advice = "chmod u+rwx";
	return (st->st_mode & 0700) != 0700 ? "is closed to its owner" : NULL;
}

/* One of DIRS; whether all is well. */
static bool
check_dir(struct doctor *d, const struct top *top, size_t i)
{
	const char *spool = d->ctx->cfg.spool, *fault, *advice;
	char path[4096];
	struct stat st;

	(void)snprintf(
	    path, sizeof(path), "%s%s%s", spool, i > 0 ? "/" : "", dirs[i]);
	if (lstat(path, &st) < 0) {
		if (errno == EACCES && !d->is_owner)
			return true;
		doctor_say(d, GRADE_FAIL, "spool",
		    "make install-system, or spoold for a spool of your own, "
		    "makes it",
		    "'%s': %s", path, strerror(errno));
		return false;
	}
	/* The spool itself may well be a link. */
	if (i == 0)
		st = top->st;
	fault = dir_fault(top, &st, i, &advice);
	if (fault == NULL)
		return true;
	doctor_say(d, GRADE_FAIL, "spool", advice, "'%s' %s (mode %04o)", path,
	    fault, (unsigned)st.st_mode & 07777u);
	return false;
}

static void
say_owner(struct doctor *d, const struct stat *top)
{
	const struct passwd *pw = getpwuid(top->st_uid);
	const struct group *gr = getgrgid(top->st_gid);

	doctor_say(d, GRADE_OK, "spool", NULL,
	    "%s, mode %04o, owner %s, group %s", d->ctx->cfg.spool,
	    (unsigned)top->st_mode & 07777u, pw != NULL ? pw->pw_name : "?",
	    gr != NULL ? gr->gr_name : "?");
}

/* ---- the disk -------------------------------------------------------- */

static enum grade
grade_room(uint64_t left, uint64_t all, uint64_t fail, uint64_t warn)
{
	if (left < fail)
		return GRADE_FAIL;
	return left < warn && left < all / 100 * PERCENT_WARN ? GRADE_WARN
							      : GRADE_OK;
}

static void
check_room(struct doctor *d)
{
	const char *spool = d->ctx->cfg.spool;
	char free_text[OUTPUT_WORD], all_text[OUTPUT_WORD];
	struct statvfs fs;
	uint64_t left, all;
	enum grade grade;

	if (statvfs(spool, &fs) < 0) {
		doctor_say(d, GRADE_WARN, "disk", NULL,
		    "cannot look at its room: %s", strerror(errno));
		return;
	}
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	all = (uint64_t)fs.f_blocks * fs.f_frsize;
	output_size(left, free_text);
	output_size(all, all_text);
	grade = grade_room(left, all, BYTES_FAIL, BYTES_WARN);
	doctor_say(d, grade, "disk", "make room: a full disk takes no mail",
	    "%s of %s free", free_text, all_text);
	/* Some file systems make inodes as they need them. */
	if (fs.f_files == 0)
		return;
	grade = grade_room(fs.f_favail, fs.f_files, FILES_FAIL, FILES_WARN);
	doctor_say(d, grade, "inodes",
	    "remove files: each message is one, and needs an inode",
	    "%llu of %llu free", (unsigned long long)fs.f_favail,
	    (unsigned long long)fs.f_files);
}

static int64_t
clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* How long a small file takes to be safe, in the directory of DIR_FD; the
 * best of some.  Or -errno. */
static int64_t
time_sync(int dir_fd)
{
	char block[4096];
	int64_t best = INT64_MAX, start;
	int fd = openat(
	    dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
	int err = fd < 0 ? -errno : 0;

	memset(block, '\n', sizeof(block));
	for (int i = 0; i < SYNC_ROUNDS && err == 0; i++) {
		start = clock_us();
		err = fs_write_all(fd, block, sizeof(block));
		if (err == 0)
			err = fs_sync(fd);
		if (err == 0 && clock_us() - start < best)
			best = clock_us() - start;
	}
	if (fd >= 0)
		(void)close(fd);
	return err < 0 ? err : best;
}

static void
check_sync(struct doctor *d)
{
	char path[4096];
	struct statfs fs;
	int64_t t_us;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/tmp", d->ctx->cfg.spool);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	t_us = fd < 0 ? -errno : time_sync(fd);
	if (t_us == -EOPNOTSUPP || t_us == -EISDIR)
		doctor_say(d, GRADE_OK, "fsync", NULL,
		    "not measured: no nameless files here");
	else if (t_us < 0)
		doctor_say(d, GRADE_FAIL, "fsync",
		    "mount the disk for writing, make room, look into the "
		    "kernel's log",
		    "cannot write to '%s': %s", path, strerror((int)-t_us));
	else if (fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
		doctor_say(d, GRADE_WARN, "fsync",
		    "put the spool on a disk: this one forgets mail when the "
		    "power fails",
		    "the spool is in memory (tmpfs)");
	else
		doctor_say(d, t_us > SYNC_WARN_US ? GRADE_WARN : GRADE_OK,
		    "fsync",
		    "who sends mail waits so long: find out what keeps the "
		    "disk busy",
		    "%.1f ms for a small file", (double)t_us / 1000);
	if (fd >= 0)
		(void)close(fd);
}

/* What an import has begun and not ended: see import.h. */
static void
check_import(struct doctor *d)
{
	char path[4096];
	struct dirent *at;
	size_t count = 0;
	DIR *dir;

	(void)snprintf(
	    path, sizeof(path), "%s/.import/ready", d->ctx->cfg.spool);
	dir = opendir(path);
	if (dir == NULL)
		return;
	while ((at = readdir(dir)) != NULL)
		count += at->d_name[0] != '.';
	(void)closedir(dir);
	if (count > 0)
		doctor_say(d, GRADE_WARN, "import",
		    "run the same spoolq import again",
		    "was interrupted, %zu message%s wait%s in %s", count,
		    count == 1 ? "" : "s", count == 1 ? "s" : "", path);
}

void
doctor_check_spool(struct doctor *d)
{
	const char *spool = d->ctx->cfg.spool;
	bool is_good = true;
	struct top top;

	if (stat(spool, &top.st) < 0) {
		doctor_say(d, GRADE_FAIL, "spool",
		    "make install-system, or spoold for a spool of your own, "
		    "makes it",
		    "'%s': %s", spool, strerror(errno));
		return;
	}
	top.is_shared = is_shared(spool, &top.st);
	for (size_t i = 0; i < DIRS; i++)
		is_good = check_dir(d, &top, i) && is_good;
	if (is_good)
		say_owner(d, &top.st);
	check_room(d);
	if (d->is_owner) {
		check_sync(d);
		check_import(d);
	}
}
