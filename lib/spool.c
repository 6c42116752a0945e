/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The spool as directories: made, checked, locked, listed, and files moved
 * between them.
 */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/spool.h"

static const char *const state_names[SPOOL_STATES] = {
	[SPOOL_QUEUE] = "queue",
	[SPOOL_HOLD] = "hold",
	[SPOOL_FAILED] = "failed",
};

const char *
spool_state_name(enum spool_state state)
{
	return state_names[state];
}

bool
spool_is_id(const char *name)
{
	size_t len = strspn(name, "0123456789ABCDEF");

	return len >= 8 && len <= 11 && name[len] == '\0';
}

bool
spool_find(const struct spool *sp, const char *id, enum spool_state *ret_state)
{
	for (int s = 0; s < SPOOL_STATES; s++)
		if (faccessat(sp->state_fd[s], id, F_OK, AT_SYMLINK_NOFOLLOW) ==
		    0) {
			*ret_state = (enum spool_state)s;
			return true;
		}
	return false;
}

/* ---- making ---------------------------------------------------------- */

/*
 * fsync(2) the directory PATH.  One that cannot be opened for it (a parent
 * that may only be passed) was not changed by us.
 */
static int
sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	err = fs_sync(fd);
	close(fd);
	return err;
}

/* The first of a few directories to make; *RETERR_WHAT as spool_create(). */
static int
make_dir(const char *path, const char *name, char **reterr_what)
{
	char *full;
	int err = 0;

	if (asprintf(&full, "%s%s", path, name) < 0) {
		*reterr_what = NULL;
		return -ENOMEM;
	}
	if (mkdir(full, 0700) < 0 && errno != EEXIST)
		err = -errno;
	if (err < 0)
		*reterr_what = full;
	else
		free(full);
	return err;
}

int
spool_create(const char *path, char **reterr_what)
{
	static const char *const names[] = { "", "/tmp", "/queue", "/hold",
		"/failed" };
	char *parent;
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		err = make_dir(path, names[i], reterr_what);
		if (err < 0)
			return err;
	}
	/* Mail is no safer than the directories it is in. */
	if (asprintf(&parent, "%s/..", path) < 0) {
		*reterr_what = NULL;
		return -ENOMEM;
	}
	err = sync_path(path);
	if (err == 0)
		err = sync_path(parent);
	free(parent);
	if (err < 0)
		*reterr_what = strdup(path);
	return err;
}

/* ---- opening --------------------------------------------------------- */

struct opening {
	struct spool sp;
	enum spool_use use;
	char *why; /* what reterr_why gets */
};

static int
refuse(struct opening *o, int err, const char *name, const char *what)
{
	free(o->why);
	if (asprintf(
		&o->why, "%s%s%s", name, name[0] == '\0' ? "" : "/ ", what) < 0)
		o->why = NULL;
	return err;
}

static int
refuse_mode(struct opening *o, const char *name, const struct stat *st)
{
	char what[64];

	snprintf(what, sizeof(what), "is writable by everybody (mode %04o)",
	    (unsigned)st->st_mode & 07777u);
	return refuse(o, -EPERM, name, what);
}

static int
refuse_owner(struct opening *o, const char *name, const struct stat *st)
{
	char what[96];

	snprintf(what, sizeof(what), "belongs to user %lu, group %lu",
	    (unsigned long)st->st_uid, (unsigned long)st->st_gid);
	return refuse(o, -EPERM, name, what);
}

/* Whether this process may trust a directory with ST for what it is about. */
static bool
is_trusted(const struct opening *o, const struct stat *st)
{
	uid_t uid = geteuid();

	if (o->use == SPOOL_OWN)
		return st->st_uid == uid;
	if (uid == 0 || st->st_uid == 0 || st->st_uid == uid)
		return true;
	return st->st_gid == getegid() ||
	    (o->use == SPOOL_READ && group_member(st->st_gid) != 0);
}

static int
check_dir(struct opening *o, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(o, -errno, name, "cannot be examined");
	if (!S_ISDIR(st.st_mode))
		return refuse(o, -ENOTDIR, name, "is not a directory");
	if (st.st_mode & S_IWOTH)
		return refuse_mode(o, name, &st);
	if (!is_trusted(o, &st))
		return refuse_owner(o, name, &st);
	return 0;
}

static int
refuse_open(struct opening *o, const char *name, int errnum)
{
	char what[160], text[128];

	switch (errnum) {
	case ENOENT:
		return refuse(o, -errnum, name, "is missing");
	case ELOOP:
	case ENOTDIR:
		return refuse(o, -ENOTDIR, name, "is not a directory");
	default:
		snprintf(what, sizeof(what), "cannot be opened: %s",
		    strerror_r(errnum, text, sizeof(text)));
		return refuse(o, -errnum, name, what);
	}
}

/*
 * Open the spool's directory itself.  The setgid sendmail, and who looks as a
 * member of the group, may pass through it only, which is enough for openat(2).
 */
static int
open_top(struct opening *o, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES && o->use != SPOOL_OWN)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return refuse_open(o, "", errno);
	o->sp.dir_fd = fd;
	return check_dir(o, fd, "");
}

/* Open the directory NAME; where it need not be, *RET_FD may stay -1. */
static int
open_dir(struct opening *o, const char *name, bool is_needed, int *ret_fd)
{
	int fd, err;

	fd = openat(o->sp.dir_fd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && !is_needed && (errno == EACCES || errno == ENOENT))
		return 0;
	if (fd < 0)
		return refuse_open(o, name, errno);
	err = check_dir(o, fd, name);
	if (err < 0) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

static int
open_all(struct opening *o, const char *path)
{
	bool owns = o->use == SPOOL_OWN;
	bool admits = o->use == SPOOL_ADMIT;
	int err;

	o->sp.path = strdup(path);
	if (o->sp.path == NULL)
		return -ENOMEM;
	err = open_top(o, path);
	if (err == 0)
		err = open_dir(o, "tmp", owns || admits, &o->sp.tmp_fd);
	for (int i = 0; i < SPOOL_STATES && err == 0; i++)
		err = open_dir(o, state_names[i],
		    owns || !admits || i == SPOOL_QUEUE, &o->sp.state_fd[i]);
	return err;
}

int
spool_open(
    struct spool *sp, const char *path, enum spool_use use, char **reterr_why)
{
	struct opening o = {
		.sp = { .dir_fd = -1,
		    .tmp_fd = -1,
		    .state_fd = { -1, -1, -1 },
		    .lock_fd = -1 },
		.use = use,
	};
	int err = open_all(&o, path);

	if (err < 0) {
		spool_close(&o.sp);
		*reterr_why = o.why;
		return err;
	}
	*sp = o.sp;
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void
spool_close(struct spool *sp)
{
	/* A zeroed one was never opened. */
	if (sp->path == NULL)
		return;
	close_fd(&sp->dir_fd);
	close_fd(&sp->tmp_fd);
	for (int i = 0; i < SPOOL_STATES; i++)
		close_fd(&sp->state_fd[i]);
	close_fd(&sp->lock_fd);
	free(sp->path);
	sp->path = NULL;
}

int
spool_lock(struct spool *sp)
{
	int fd, err;

	if (sp->lock_fd >= 0)
		return 0;
	fd = openat(sp->dir_fd, SPOOL_LOCK_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	sp->lock_fd = fd;
	return 0;
}

/* ---- entries --------------------------------------------------------- */

/* Call FN for every entry of DIR_FD, whose position stays as it is. */
static int
list_dir(int dir_fd, spool_list_fn *fn, void *arg)
{
	struct dirent *entry;
	DIR *dir;
	int fd, err = 0;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		err = -errno;
		close(fd);
		return err;
	}
	while (err == 0) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL) {
			err = -errno;
			break;
		}
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			err = fn(entry->d_name, arg);
	}
	closedir(dir);
	return err;
}

int
spool_list(const struct spool *sp, enum spool_state state, spool_list_fn *fn,
    void *arg)
{
	return list_dir(sp->state_fd[state], fn, arg);
}

int
spool_list_top(const struct spool *sp, spool_list_fn *fn, void *arg)
{
	return list_dir(sp->dir_fd, fn, arg);
}

/* Make a move between two states durable: the new name first. */
static int
sync_states(const struct spool *sp, enum spool_state from, enum spool_state to)
{
	int err = fs_sync(sp->state_fd[to]);

	if (err == 0 && from != to)
		err = fs_sync(sp->state_fd[from]);
	return err;
}

int
spool_rename(const struct spool *sp, const char *id, enum spool_state from,
    enum spool_state to)
{
	if (!spool_is_id(id))
		return -EINVAL;
	return fs_rename_noreplace(
	    sp->state_fd[from], id, sp->state_fd[to], id);
}

int
spool_move(const struct spool *sp, const char *id, enum spool_state from,
    enum spool_state to)
{
	int err = spool_rename(sp, id, from, to);

	return err < 0 ? err : sync_states(sp, from, to);
}

int
spool_remove(const struct spool *sp, const char *id, enum spool_state state)
{
	if (!spool_is_id(id))
		return -EINVAL;
	return unlinkat(sp->state_fd[state], id, 0) < 0 ? -errno : 0;
}

int
spool_sync(const struct spool *sp, enum spool_state state)
{
	return fs_sync(sp->state_fd[state]);
}

int
spool_sync_states(const struct spool *sp, const bool states[SPOOL_STATES])
{
	int err = 0;

	for (int i = 0; i < SPOOL_STATES && err == 0; i++)
		if (states[i])
			err = spool_sync(sp, (enum spool_state)i);
	return err;
}

struct sweep {
	int tmp_fd;
	int64_t oldest_s; /* what was written before it goes */
	int err;
};

/* A spool_list_fn: one file that cannot go does not keep the others. */
static int
sweep_entry(const char *name, void *arg)
{
	struct sweep *sweep = arg;
	struct stat st;

	if (fstatat(sweep->tmp_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    S_ISDIR(st.st_mode) || st.st_mtim.tv_sec >= sweep->oldest_s)
		return 0;
	if (unlinkat(sweep->tmp_fd, name, 0) < 0 && errno != ENOENT &&
	    sweep->err == 0)
		sweep->err = -errno;
	return 0;
}

int
spool_sweep(const struct spool *sp, int64_t now_us, unsigned age_s)
{
	struct sweep sweep = {
		.tmp_fd = sp->tmp_fd,
		.oldest_s = now_us / 1000000 - (int64_t)age_s,
	};
	int err = list_dir(sp->tmp_fd, sweep_entry, &sweep);

	return err < 0 ? err : sweep.err;
}
