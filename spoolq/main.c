/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* spoolq: show and steer the queue of spoold. */

#include "config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/fsutil.h"
#include "spoolq/spoolq.h"

static const struct command *const commands[] = {
	&command_list,
	&command_show,
	&command_flush,
	&command_drop,
	&command_hold,
	&command_release,
	&command_mailq,
};
#define NCOMMANDS (sizeof commands / sizeof commands[0])

struct options {
	const char *config; /* NULL: the default, which may be missing */
	const char *spool;  /* NULL: the configuration's */
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

static void
usage(FILE *out)
{
	(void)fputs("usage: spoolq [-C CONFIG] [--spool DIR] COMMAND\n\n", out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		(void)fprintf(out, "  %-8s %-20s %s\n", commands[i]->name,
		    commands[i]->args, commands[i]->does);
	(void)fputs(
	    "\n"
	    "  -C, --config CONFIG   read CONFIG instead "
	    "of " CONFIG_DEFAULT_PATH "\n"
	    "      --spool DIR       the spool, instead of the configured "
	    "one\n"
	    "  -h, --help            this\n"
	    "  -V, --version         which version this is\n",
	    out);
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(name, commands[i]->name) == 0)
			return commands[i];
	return NULL;
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
fill_config(
    struct config *cfg, const struct options *opts, struct config_error *err)
{
	int result = config_init(cfg);

	if (result < 0)
		return result;
	result = config_read(cfg,
	    opts->config != NULL ? opts->config : CONFIG_DEFAULT_PATH, err);
	if (result == -ENOENT && opts->config == NULL)
		result = 0;
	if (result == 0 && opts->spool != NULL)
		result = config_set(cfg, "spool", opts->spool, err);
	return result;
}

static int
read_config(struct context *ctx, const struct options *opts)
{
	struct config_error error = { "" };
	int result = fill_config(&ctx->cfg, opts, &error);

	if (result == 0)
		return EX_OK;
	warnx("%s", error.text[0] != '\0' ? error.text : strerror(-result));
	return result == -EINVAL || result == -ENOENT ? EX_CONFIG
						      : exit_code(result);
}

static int
open_spool(struct context *ctx)
{
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
	warnx("cannot open the spool '%s': %s", ctx->cfg.spool,
	    why != NULL ? why : strerror(-result));
	free(why);
	return result == -EACCES || result == -EPERM ? EX_NOPERM : EX_CONFIG;
}

static int
run_command(const struct command *cmd, const struct options *opts, int argc,
    char *argv[])
{
	struct context ctx = { .now_us = date_now_us() };
	int code = read_config(&ctx, opts);

	if (code == EX_OK) {
		code = open_spool(&ctx);
		if (code == EX_OK) {
			code = cmd->run(&ctx, argc, argv);
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

/* -1: go on with the command at optind; else the exit code. */
static int
parse_options(int argc, char *argv[], struct options *opts)
{
	enum { OPT_SPOOL = 256 };
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'C' },
		{ "spool", required_argument, NULL, OPT_SPOOL },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+C:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'C':
			opts->config = optarg;
			break;
		case OPT_SPOOL:
			opts->spool = optarg;
			break;
		case 'h':
			usage(stdout);
			return EX_OK;
		case 'V':
			(void)puts("spoolq " PACKAGE_VERSION);
			return EX_OK;
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	return -1;
}

int
main(int argc, char *argv[])
{
	struct options opts = { .config = NULL };
	const struct command *cmd;
	int code;

	(void)fs_open_std_fds();
	code = parse_options(argc, argv, &opts);
	if (code >= 0)
		return code;
	cmd = optind < argc ? find_command(argv[optind]) : NULL;
	if (cmd == NULL) {
		if (optind < argc)
			warnx("there is no command '%s'", argv[optind]);
		usage(stderr);
		return EX_USAGE;
	}
	code = run_command(cmd, &opts, argc - optind, argv + optind);
	if (code == EX_USAGE)
		(void)fprintf(
		    stderr, "usage: spoolq %s %s\n", cmd->name, cmd->args);
	return code;
}
