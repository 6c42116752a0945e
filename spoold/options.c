/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The command line.  Long options take one dash or two, as those of the Go
 * program that spoold follows did.
 */

#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>

#include "spoold/options.h"

enum {
	OPT_ONCE = 256,
	OPT_DRAIN,
	OPT_DAEMON,
	OPT_CHECK,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
	OPT_SPOOLGORE, /* and above: an option of spoolgore[] */
	OPT_SETTING = OPT_SPOOLGORE + 8, /* the same of settings[] */
};

/* Options that are settings of spoold.conf(5), by the file's key. */
static const struct {
	const char *option;
	const char *key;
	const char *arg;
	const char *help;
} settings[] = {
	{ "relay", "relay", "HOST[:PORT]", "where mail goes, or maildir:PATH" },
	{ "tls", "tls", "MODE", "none, opportunistic, starttls or implicit" },
	{ "ca-file", "ca_file", "FILE", "certificates that are trusted" },
	{ "user", "user", "NAME", "login at the relay" },
	{ "password-file", "password_file", "FILE",
	    "its first line is the password" },
	{ "helo", "helo", "NAME", "this host's name for the relay" },
	{ "connections", "connections", "N", "to the relay at once" },
	{ "connect-timeout", "connect_timeout", "TIME", "for a connection" },
	{ "reply-timeout", "reply_timeout", "TIME", "for each reply" },
	{ "agents", "agents", "N", "delivery agents" },
	{ "freq", "freq", "TIME", "how often the spool is scanned" },
	{ "attempts", "attempts", "N", "before a recipient is given up" },
	{ "lifetime", "lifetime", "TIME", "before a recipient is given up" },
	{ "json", "json", "FILE", "a copy of the status, for others to read" },
};

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

/* Those of another program's command line. */
static const struct {
	const char *option;
	const char *arg;
	size_t offset; /* of the argument in struct spoolgore */
} spoolgore[] = {
#define AT(member) offsetof(struct spoolgore, member)
	{ "smtpaddr", "HOST:PORT", AT(addr) },
	{ "smtpuser", "NAME", AT(user) },
	{ "smtppassword", "PASSWORD", AT(password) },
	{ "smtpmd5user", "NAME", AT(md5_user) },
	{ "smtpmd5password", "PASSWORD", AT(md5_password) },
#undef AT
};

#define NSPOOLGORE (sizeof(spoolgore) / sizeof(spoolgore[0]))

static const struct option own[] = {
	{ "config", required_argument, NULL, 'C' },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "drain", no_argument, NULL, OPT_DRAIN },
	{ "daemon", no_argument, NULL, OPT_DAEMON },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
};

#define NOWN (sizeof(own) / sizeof(own[0]))
#define NALL (NOWN + NSPOOLGORE + NSETTINGS)

static void
make_table(struct option table[static NALL + 1])
{
	memcpy(table, own, sizeof(own));
	for (size_t i = 0; i < NSETTINGS; i++)
		table[NOWN + i] = (struct option){
			.name = settings[i].option,
			.has_arg = required_argument,
			.val = OPT_SETTING + (int)i,
		};
	for (size_t i = 0; i < NSPOOLGORE; i++)
		table[NOWN + NSETTINGS + i] = (struct option){
			.name = spoolgore[i].option,
			.has_arg = required_argument,
			.val = OPT_SPOOLGORE + (int)i,
		};
	table[NALL] = (struct option){ .name = NULL };
}

static void
usage(FILE *out)
{
	(void)fputs(
	    "usage: spoold [-C CONFIG] [options] [SPOOLDIR]\n"
	    "\n"
	    "Delivers the mail that sendmail put into the spool.\n"
	    "\n"
	    "  -C, --config FILE           read FILE instead "
	    "of " CONFIG_DEFAULT_PATH "\n"
	    "      --once                  deliver what is due, then exit\n"
	    "      --drain                 exit when the queue is empty\n"
	    "      --daemon                go to the background\n"
	    "      --check-config          check the configuration, then exit\n"
	    "      --quiet                 log warnings and errors only\n",
	    out);
	for (size_t i = 0; i < NSETTINGS; i++)
		(void)fprintf(out, "      --%-15s %-5s  %s\n",
		    settings[i].option, settings[i].arg, settings[i].help);
	(void)fputs("\nAs Spoolgore's command line, without a "
		    "configuration:\n\n",
	    out);
	for (size_t i = 0; i < NSPOOLGORE; i++)
		(void)fprintf(out, "       -%-15s %s\n", spoolgore[i].option,
		    spoolgore[i].arg);
	(void)fputs(
	    "\n"
	    "      --help, --version\n"
	    "\n"
	    "Exit status of --once: 0 the queue is empty, 75 something is "
	    "left.\n"
	    "More: spoold(8), spoold.conf(5).\n",
	    out);
}

static void
take_spoolgore(struct options *opts, int c)
{
	char *obj = (char *)&opts->spoolgore;

	if (c < OPT_SPOOLGORE || c >= OPT_SETTING)
		return;
	*(const char **)(void *)(obj + spoolgore[c - OPT_SPOOLGORE].offset) =
	    optarg;
	opts->spoolgore.is_meant = true;
}

/* One option; as options_parse(). */
static int
take(struct options *opts, int c)
{
	switch (c) {
	case 'C':
		opts->config = optarg;
		return 0;
	case OPT_ONCE:
		opts->once = true;
		return 0;
	case OPT_DRAIN:
		opts->drain = true;
		return 0;
	case OPT_DAEMON:
		opts->daemon = true;
		return 0;
	case OPT_CHECK:
		opts->check = true;
		return 0;
	case OPT_QUIET:
		opts->log_level = LOG_WARNING;
		return 0;
	case OPT_HELP:
		usage(stdout);
		return -1;
	case OPT_VERSION:
		(void)puts(PACKAGE_STRING);
		return -1;
	case '?':
		(void)fputs("spoold: try 'spoold --help'\n", stderr);
		return EX_USAGE;
	default:
		take_spoolgore(opts, c);
		return 0; /* else a setting: options_apply() */
	}
}

int
options_parse(struct options *opts, int argc, char *argv[])
{
	struct option table[NALL + 1];
	int c, err;

	*opts = (struct options){ .log_level = LOG_INFO };
	make_table(table);
	optind = 0;
	while ((c = getopt_long_only(argc, argv, "C:", table, NULL)) != -1) {
		err = take(opts, c);
		if (err != 0)
			return err;
	}
	if (argc - optind > 1) {
		(void)fprintf(stderr,
		    "spoold: one spool directory at most, not '%s' too\n",
		    argv[optind + 1]);
		/* Spoolgore took the first. */
		if (!opts->spoolgore.is_meant)
			return EX_USAGE;
	}
	if (opts->once && opts->drain) {
		(void)fputs(
		    "spoold: --once and --drain exclude each other\n", stderr);
		return EX_USAGE;
	}
	opts->spool = argv[optind];
	return spoolgore_check(&opts->spoolgore, opts->config, opts->spool);
}

int
options_apply(
    struct config *cfg, int argc, char *argv[], struct config_error *err)
{
	struct option table[NALL + 1];
	int c;

	make_table(table);
	optind = 0;
	while ((c = getopt_long_only(argc, argv, "C:", table, NULL)) != -1)
		if (c >= OPT_SETTING &&
		    config_set(
			cfg, settings[c - OPT_SETTING].key, optarg, err) < 0)
			return -EINVAL;
	return 0;
}
