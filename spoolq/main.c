/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq: show and steer the queue of spoold. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/fsutil.h"
#include "spoolq/complete.h"
#include "spoolq/help.h"
#include "spoolq/options.h"
#include "spoolq/relays.h"

static const struct command *const commands[] = {
	&command_list,
	&command_show,
	&command_flush,
	&command_drop,
	&command_hold,
	&command_release,
	&command_retry,
	&command_reroute,
	&command_requeue,
	&command_pause,
	&command_resume,
	&command_summary,
	&command_status,
	&command_watch,
	&command_metrics,
	&command_report,
	&command_mailq,
	&command_doctor,
	&command_import,
	&command_why,
	&command_log,
	&command_trace,
	&command_test,
	NULL,
};

const char *
context_option(const struct context *ctx, const char *name)
{
	const struct command_option *options = ctx->command->options;

	for (int i = 0; options != NULL && options[i].name != NULL; i++)
		if (strcmp(options[i].name, name) == 0)
			return ctx->given[i];
	return NULL;
}

int
exit_code(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case ENOENT:
		return EX_NOINPUT;
	case EBADMSG:
		return EX_DATAERR;
	default:
		return EX_TEMPFAIL;
	}
}

/*
 * Root works on somebody else's spool as that user: what it creates there
 * has the right owner, and nothing it finds there is opened with root's
 * power.
 */
static int
become_owner(const char *spool)
{
	const struct passwd *pw;
	struct stat st;

	if (geteuid() != 0 || stat(spool, &st) < 0 || st.st_uid == 0)
		return 0; /* what is missing is said later */
	pw = getpwuid(st.st_uid);
	if ((pw != NULL ? initgroups(pw->pw_name, st.st_gid)
			: setgroups(1, &st.st_gid)) < 0 ||
	    setgid(st.st_gid) < 0 || setuid(st.st_uid) < 0)
		return -errno;
	return 0;
}

static int
read_config(struct context *ctx, const struct options *opts)
{
	struct config_error error;
	int result = config_load(&ctx->cfg, opts->config, opts->spool, &error);

	if (result == 0)
		return EX_OK;
	if (ctx->command->needs_no_spool &&
	    (ctx->config_fault = strdup(error.text)) != NULL) {
		if (opts->spool != NULL)
			(void)config_set(
			    &ctx->cfg, "spool", opts->spool, &error);
		return EX_OK;
	}
	warnx("%s", error.text);
	switch (result) {
	case -EACCES:
	case -EPERM:
		return EX_NOPERM;
	case -ENOMEM:
		return EX_TEMPFAIL;
	default:
		return EX_CONFIG;
	}
}

/*
 * The caller may not read the spool, ERR: enough of it to ask spoold, unless
 * that is no use.
 */
static int
open_foreign(struct context *ctx, int err)
{
	struct stat st;
	int fd;

	if ((err != -EACCES && err != -EPERM) || geteuid() == 0)
		return err;
	fd = open(ctx->cfg.spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err;
	ctx->sp = (struct spool){
		.path = strdup(ctx->cfg.spool),
		.dir_fd = fd,
		.tmp_fd = -1,
		.state_fd = { -1, -1, -1 },
		.lock_fd = -1,
	};
	if (ctx->sp.path == NULL || fstat(fd, &st) < 0 ||
	    (st.st_mode & S_IWOTH) != 0) {
		(void)close(fd);
		free(ctx->sp.path);
		return err;
	}
	ctx->is_foreign = true;
	return 0;
}

static int
complain_spool(const struct context *ctx, int err, const char *why)
{
	/* "is missing" is about the spool, "queue/ is missing" is not. */
	bool is_verb = why != NULL && why[strcspn(why, " /")] != '/';

	warnx("cannot open the spool%s '%s'%s %s", is_verb ? ":" : "",
	    ctx->cfg.spool, is_verb ? "" : ":",
	    why != NULL ? why : strerror(-err));
	return err == -EACCES || err == -EPERM ? EX_NOPERM : EX_CONFIG;
}

static int
open_spool(struct context *ctx)
{
	char *why = NULL;
	int code = EX_OK, err = 0;

	if (!ctx->command->keeps_root)
		err = become_owner(ctx->cfg.spool);
	if (err < 0) {
		warnx("cannot become the owner of '%s': %s", ctx->cfg.spool,
		    strerror(-err));
		return EX_OSERR;
	}
	err = spool_open(&ctx->sp, ctx->cfg.spool, SPOOL_READ, &why);
	if (err < 0)
		err = open_foreign(ctx, err);
	if (err < 0 && ctx->command->needs_no_spool)
		ctx->sp = (struct spool){ .path = NULL };
	else if (err < 0)
		code = complain_spool(ctx, err, why);
	free(why);
	return code;
}

/* A misspelled relay must not look like one without mail; but the history may
 * know of those that are no more. */
static bool
is_relay_known(const struct context *ctx)
{
	return ctx->filter.relay == NULL || ctx->is_foreign ||
	    ctx->command == &command_log ||
	    relays_know(ctx, ctx->filter.relay);
}

static int
run_command(const struct options *opts)
{
	struct context ctx = {
		.config = opts->config,
		.spool = opts->spool,
		.now_us = date_now_us(),
		.command = opts->command,
		.filter = opts->filter,
	};
	int code = read_config(&ctx, opts);

	ctx.filter.now_us = ctx.now_us;
	memcpy(ctx.given, opts->given, sizeof ctx.given);
	if (code == EX_OK && opts->command->prepare != NULL)
		code = opts->command->prepare(&ctx);
	if (code == EX_OK) {
		code = open_spool(&ctx);
		if (code == EX_OK) {
			code = !is_relay_known(&ctx)
			    ? EX_USAGE
			    : opts->command->run(
				  &ctx, opts->noperands, opts->operands);
			spool_close(&ctx.sp);
		}
	}
	config_release(&ctx.cfg);
	free(ctx.config_fault);
	return code;
}

/* What the shells ask for: see complete.h. */
static int
run_complete(struct context *ctx, int noperands, char *operands[])
{
	complete_print(ctx, commands, noperands, operands);
	return EX_OK;
}

static int
complete(int n, char *words[])
{
	static const struct command command = {
		.name = "--complete",
		.needs_no_spool = true,
		.run = run_complete,
	};
	struct options opts = {
		.command = &command,
		.operands = words,
		.noperands = n,
	};

	complete_common(n, words, &opts.config, &opts.spool);
	return run_command(&opts);
}

/* As fs_open_std_fds(), but what is written to where nothing is open must not
 * vanish unnoticed. */
static void
open_std_fds(void)
{
	bool has_out = fcntl(STDOUT_FILENO, F_GETFD) >= 0;
	int fd;

	(void)fs_open_std_fds();
	if (has_out)
		return;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)dup2(fd, STDOUT_FILENO);
	(void)close(fd);
}

/* CODE, unless something could not be written; EX_IOERR has been said. */
static int
finish(int code)
{
	errno = 0;
	if (code == EX_IOERR || (fflush(stdout) == 0 && !ferror(stdout)))
		return code;
	if (errno != 0)
		warn("cannot write");
	else
		warnx("cannot write");
	return EX_IOERR;
}

int
main(int argc, char *argv[])
{
	struct options opts;
	int code;

	open_std_fds();
	if (argc > 1 && strcmp(argv[1], "--complete") == 0)
		return complete(argc - 2, argv + 2);
	code = options_parse(&opts, commands, argc, argv);
	if (code >= 0)
		return finish(code);
	code = run_command(&opts);
	if (code == EX_USAGE)
		help_put_usage(stderr, opts.command);
	options_release(&opts);
	return finish(code);
}
