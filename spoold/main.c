/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoold(8): the queue manager.  Here everything is only wired up. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/fsutil.h"
#include "lib/log.h"
#include "spoold/options.h"
#include "spoold/signals.h"
#include "spoold/spoold.h"

/* What the configuration is made of, kept for when it is read again. */
struct source {
	const struct options *opts;
	int argc;
	char **argv;
	int cwd_fd; /* where relative paths begin; -1: gone */
};

static int
load(const struct source *from, struct config *cfg, struct config_error *err)
{
	const struct options *opts = from->opts;
	int ret = opts->spoolgore.is_meant
	    ? spoolgore_load(
		  cfg, &opts->spoolgore, opts->config, opts->spool, err)
	    : config_load(cfg, opts->config, opts->spool, err);

	if (ret == 0)
		ret = options_apply(cfg, from->argc, from->argv, err);
	return ret == 0 ? config_check(cfg, err) : ret;
}

/* spoold.h's load(). */
static int
load_again(struct spoold *d, struct config *cfg, struct config_error *err)
{
	const struct source *from = d->load_arg;
	int ret;

	/* The spool is the working directory by now. */
	if (from->cwd_fd >= 0 && fchdir(from->cwd_fd) < 0)
		log_msg(LOG_WARNING,
		    "cannot go back to the directory of the "
		    "start: %s",
		    strerror(errno));
	ret = load(from, cfg, err);
	if (fchdir(d->sp.dir_fd) < 0)
		log_msg(LOG_CRIT, "cannot enter '%s': %s", d->sp.path,
		    strerror(errno));
	return ret;
}

static int
configure(struct config *cfg, const struct source *from)
{
	struct config_error err = { .text = "out of memory" };

	if (load(from, cfg, &err) == 0)
		return EX_OK;
	(void)fprintf(stderr, "spoold: %s\n", err.text);
	return EX_CONFIG;
}

/*
 * Started by root for a spool of somebody else's, be that one: the daemon
 * needs no privilege, and files must belong to the spool's owner.
 */
static int
become_owner(const char *path)
{
	struct stat st;

	if (geteuid() != 0 || stat(path, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(1, &st.st_gid) < 0 || setgid(st.st_gid) < 0 ||
	    setuid(st.st_uid) < 0)
		return -errno;
	return 0;
}

static int
fail(int exit_code, const char *what, const char *path, const char *why)
{
	(void)fprintf(stderr, "spoold: %s '%s': %s\n", what, path, why);
	return exit_code;
}

/* spoolq has the lock for a moment when it works without a spoold. */
static int
lock(struct spool *sp)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int err = spool_lock(sp);

	for (int tries = 20; err == -EWOULDBLOCK && tries > 0; tries--) {
		(void)nanosleep(&pause, NULL);
		err = spool_lock(sp);
	}
	return err;
}

static int
open_spool(struct spool *sp, const char *path)
{
	char *why = NULL;
	int err;

	err = become_owner(path);
	if (err < 0)
		return fail(EX_NOPERM, "cannot become the owner of", path,
		    strerror(-err));
	err = spool_create(path, &why);
	if (err < 0) {
		(void)fail(EX_CANTCREAT, "cannot make",
		    why == NULL ? path : why, strerror(-err));
		free(why);
		return EX_CANTCREAT;
	}
	err = spool_open(sp, path, SPOOL_OWN, &why);
	if (err < 0) {
		(void)fail(EX_CONFIG, "cannot open the spool", path,
		    why == NULL ? strerror(-err) : why);
		free(why);
		return EX_CONFIG;
	}
	err = lock(sp);
	if (err == 0)
		return EX_OK;
	spool_close(sp);
	return fail(EX_TEMPFAIL, "cannot lock the spool", path,
	    err == -EWOULDBLOCK ? "another spoold works on it"
				: strerror(-err));
}

/* Leave the terminal; problems until here were seen on it. */
static int
go_to_background(void)
{
	int fd;

	if (daemon(1, 1) < 0) {
		(void)fprintf(stderr,
		    "spoold: cannot go to the background: "
		    "%s\n",
		    strerror(errno));
		return EX_OSERR;
	}
	log_to_syslog();
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i <= STDERR_FILENO; i++)
		(void)dup2(fd, i);
	if (fd > STDERR_FILENO)
		(void)close(fd);
	return EX_OK;
}

/*
 * As the spool's owner, whose files they have to be.  A file that is missing
 * is no reason not to start: it is trouble with the relay, until it comes.
 */
static int
check_files(const struct config *cfg)
{
	struct config_error err;

	if (config_check_files(cfg, &err) == 0)
		return EX_OK;
	log_msg(LOG_WARNING, "%s", err.text);
	return EX_CONFIG;
}

static int
serve(struct spoold *d, const struct options *opts)
{
	char *config = d->cfg->path;

	if (opts->daemon) {
		int code = go_to_background();

		if (code != EX_OK)
			return code;
	}
	/* Agents are started here, and sockets' paths are short. */
	if (fchdir(d->sp.dir_fd) < 0)
		return fail(
		    EX_OSERR, "cannot enter", d->sp.path, strerror(errno));
	(void)snprintf(d->daemon.version, sizeof(d->daemon.version), "%s",
	    PACKAGE_VERSION);
	d->daemon.config = config == NULL ? NULL : strdup(config);
	d->daemon.relay = relays_text(d->cfg);
	d->until = opts->once ? RUN_ONCE
	    : opts->drain     ? RUN_DRAINED
			      : RUN_FOREVER;
	return spoold_run(d);
}

static int
run(int argc, char *argv[])
{
	struct config cfg = { .path = NULL };
	struct options opts;
	struct spoold d;
	struct source from;
	int code;

	code = options_parse(&opts, argc, argv);
	if (code != 0)
		return code < 0 ? EX_OK : code;
	log_set_level(opts.log_level);
	(void)umask(027);
	memset(&d, 0, sizeof(d));
	d.cfg = &cfg;
	d.load = load_again;
	d.load_arg = &from;
	from = (struct source){ &opts, argc, argv, -1 };
	code = configure(&cfg, &from);
	if (code == EX_OK && opts.check) {
		if (become_owner(cfg.spool) < 0)
			code = EX_NOPERM;
		else
			code = check_files(&cfg);
		config_release(&cfg);
		return code;
	}
	/* The caller's, a lock perhaps: it may end before we do. */
	if (code == EX_OK && opts.daemon)
		(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	from.cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (code == EX_OK)
		code = open_spool(&d.sp, cfg.spool);
	if (code == EX_OK) {
		(void)check_files(&cfg);
		code = serve(&d, &opts);
		status_daemon_release(&d.daemon);
		spool_close(&d.sp);
	}
	config_release(&cfg);
	return code;
}

int
main(int argc, char *argv[])
{
	/* First of all, for everybody sees them. */
	char **args = spoolgore_hide(argc, argv);
	int code = EX_OSERR;

	signals_hold();
	log_init("spoold");
	if (args != NULL && fs_open_std_fds() == 0)
		code = run(argc, args);
	spoolgore_forget(args);
	return code;
}
