/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See options.h. */

#include "config.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

#include "lib/text.h"
#include "spoolq/options.h"

/* How much of a wrong argument is worth showing. */
#define SHOWN_BYTES_MAX 60

enum { OPT_SPOOL = 256, OPT_JSON, OPT_BODY, OPT_RAW, OPT_FROM, OPT_TO };

static const struct option longs[] = {
	{ "config", required_argument, NULL, 'C' },
	{ "spool", required_argument, NULL, OPT_SPOOL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "body", no_argument, NULL, OPT_BODY },
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "to", required_argument, NULL, OPT_TO },
	{ NULL, 0, NULL, 0 },
};

static void
put_usage(FILE *out, const struct command *const commands[])
{
	(void)fputs("usage: spoolq [-C CONFIG] [--spool DIR] COMMAND\n\n", out);
	for (; *commands != NULL; commands++)
		(void)fprintf(out, "  %-8s %-36s %s\n", (*commands)->name,
		    (*commands)->args, (*commands)->does);
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

void
options_put_usage(FILE *out, const struct command *cmd)
{
	(void)fprintf(out, "usage: spoolq %s%s%s\n", cmd->name,
	    cmd->args[0] != '\0' ? " " : "", cmd->args);
}

/* Say "spoolq COMMAND: BEFORE 'WORD' AFTER" and how it is called. */
static int
refuse(const struct command *cmd, const char *before, const char *word,
    const char *after)
{
	(void)fprintf(stderr, "spoolq%s%s: %s'", cmd != NULL ? " " : "",
	    cmd != NULL ? cmd->name : "", before);
	text_put_clean(stderr, span_of(word), SHOWN_BYTES_MAX);
	(void)fprintf(stderr, "'%s\n", after);
	if (cmd != NULL)
		options_put_usage(stderr, cmd);
	else
		(void)fputs("spoolq --help shows what there is\n", stderr);
	return EX_USAGE;
}

/* What getopt_long(3) stumbled over; C is ':' or '?'. */
static int
refuse_option(const struct command *cmd, int c, char *argv[])
{
	const char *word = argv[optind - 1];
	char letter[3] = { '-', (char)optopt, '\0' };
	bool is_long = strncmp(word, "--", 2) == 0;

	/* A letter in the middle of a bundle leaves optind where it is. */
	if (!is_long && optopt > 0 && optopt < 256)
		word = letter;
	if (c == ':')
		return refuse(cmd, "option ", word, " needs an argument");
	if (is_long && optopt != 0)
		return refuse(cmd, "option ", word, " takes no argument");
	return refuse(cmd, "unknown option ", word, "");
}

/* The flag that the option C is, 0 for none. */
static unsigned
flag_of(int c)
{
	switch (c) {
	case OPT_JSON:
		return COMMAND_JSON;
	case OPT_BODY:
		return COMMAND_BODY;
	case OPT_RAW:
		return COMMAND_RAW;
	case OPT_FROM:
	case OPT_TO:
		return COMMAND_FILTER;
	default:
		return 0;
	}
}

/* Act on the option C; -1 to go on, or the exit code. */
static int
take_option(struct options *opts, const struct command *const commands[], int c,
    char *argv[])
{
	const struct command *cmd = opts->command;
	unsigned flag = flag_of(c);

	if (flag != 0 && (cmd == NULL || (cmd->flags & flag) == 0))
		return refuse(cmd, "unknown option ", argv[optind - 1], "");
	opts->flags |= flag;
	switch (c) {
	case 'C':
		opts->config = optarg;
		break;
	case OPT_SPOOL:
		opts->spool = optarg;
		break;
	case OPT_FROM:
		opts->filter.from = optarg;
		break;
	case OPT_TO:
		opts->filter.to = optarg;
		break;
	case 'h':
		put_usage(stdout, commands);
		return EX_OK;
	case 'V':
		(void)puts("spoolq " PACKAGE_VERSION);
		return EX_OK;
	case ':':
	case '?':
		return refuse_option(cmd, c, argv);
	default:
		break;
	}
	return -1;
}

/* Options from ARGV[1] on; optind is at what follows them. */
static int
take_options(struct options *opts, const struct command *const commands[],
    int argc, char *argv[])
{
	/* The first '+' ends at the command; without it, operands and options
	 * may be mixed. */
	const char *shorts = opts->command == NULL ? "+:C:hV" : ":C:hV";
	int c, code = -1;

	opterr = 0;
	optind = 0; /* makes glibc begin anew */
	while (
	    code < 0 && (c = getopt_long(argc, argv, shorts, longs, NULL)) >= 0)
		code = take_option(opts, commands, c, argv);
	return code;
}

static const struct command *
find_command(const struct command *const commands[], const char *name)
{
	for (; *commands != NULL; commands++)
		if (strcmp(name, (*commands)->name) == 0)
			return *commands;
	return NULL;
}

static int
check_operands(const struct options *opts)
{
	const struct command *cmd = opts->command;
	int n = opts->noperands;

	if (cmd->operands_max >= 0 && n > cmd->operands_max)
		return refuse(cmd, "superfluous argument ",
		    opts->operands[cmd->operands_max], "");
	if ((opts->flags & COMMAND_BODY) != 0 &&
	    (opts->flags & COMMAND_RAW) != 0)
		return refuse(
		    cmd, "", "--raw", " and '--body' exclude each other");
	if (n >= cmd->operands_min)
		return -1;
	(void)fprintf(stderr, "spoolq %s: which message?\n", cmd->name);
	options_put_usage(stderr, cmd);
	return EX_USAGE;
}

int
options_parse(struct options *ret, const struct command *const commands[],
    int argc, char *argv[])
{
	struct options opts = { .config = NULL };
	int code = take_options(&opts, commands, argc, argv);

	if (code >= 0)
		return code;
	if (optind >= argc) {
		put_usage(stderr, commands);
		return EX_USAGE;
	}
	argc -= optind;
	argv += optind;
	opts.command = find_command(commands, argv[0]);
	if (opts.command == NULL)
		return refuse(NULL, "there is no command ", argv[0], "");
	code = take_options(&opts, commands, argc, argv);
	if (code >= 0)
		return code;
	opts.operands = argv + optind;
	opts.noperands = argc - optind;
	code = check_operands(&opts);
	if (code < 0)
		*ret = opts;
	return code;
}
