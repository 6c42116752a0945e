/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq: show and steer the queue of spoold. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/fsutil.h"
#include "spoolq/options.h"

static const struct command *const commands[] = {
	&command_list,
	&command_show,
	&command_flush,
	&command_drop,
	&command_hold,
	&command_release,
	&command_mailq,
	NULL,
};
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

static int
open_spool(struct context *ctx)
{
	bool is_verb;
	char *why = NULL;
	int result = become_owner(ctx->cfg.spool);

	if (result < 0) {
		warnx("cannot become the owner of '%s': %s", ctx->cfg.spool,
		    strerror(-result));
		return EX_OSERR;
	}
	result = spool_open(&ctx->sp, ctx->cfg.spool, SPOOL_READ, &why);
	if (result == 0)
		return EX_OK;
	/* "is missing" is about the spool, "queue/ is missing" is not. */
	is_verb = why != NULL && why[strcspn(why, " /")] != '/';
	warnx("cannot open the spool%s '%s'%s %s", is_verb ? ":" : "",
	    ctx->cfg.spool, is_verb ? "" : ":",
	    why != NULL ? why : strerror(-result));
	free(why);
	return result == -EACCES || result == -EPERM ? EX_NOPERM : EX_CONFIG;
}

static int
run_command(const struct options *opts)
{
	struct context ctx = {
		.now_us = date_now_us(),
		.flags = opts->flags,
		.filter = opts->filter,
	};
	int code = read_config(&ctx, opts);

	if (code == EX_OK) {
		code = open_spool(&ctx);
		if (code == EX_OK) {
			code = opts->command->run(
			    &ctx, opts->noperands, opts->operands);
			spool_close(&ctx.sp);
		}
	}
	config_release(&ctx.cfg);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		warn("cannot write");
		code = EX_IOERR;
	}
	return code;
}

int
main(int argc, char *argv[])
{
	struct options opts;
	int code;

	(void)fs_open_std_fds();
	code = options_parse(&opts, commands, argc, argv);
	if (code >= 0)
		return code;
	code = run_command(&opts);
	if (code == EX_USAGE)
		options_put_usage(stderr, opts.command);
	return code;
}
