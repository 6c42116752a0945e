/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See options.h. */

#include "config.h"

#include <getopt.h>
#include <string.h>
#include <sysexits.h>

#include "lib/text.h"
#include "spoolq/help.h"
#include "spoolq/options.h"

/* How much of a wrong argument is worth showing. */
#define SHOWN_BYTES_MAX 60

/* What getopt_long(3) returns for options without a letter. */
enum { OPT_SPOOL = 256, OPT_OWN = 512, OPT_FILTER = 1024 };

static const struct option commons[] = {
	{ "config", required_argument, NULL, 'C' },
	{ "spool", required_argument, NULL, OPT_SPOOL },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
};

#define COMMONS_COUNT ((int)(sizeof(commons) / sizeof(commons[0])))

/* What getopt_long(3) is to know, of one command. */
struct tables {
	const struct command *command; /* NULL: none yet */
	int n;
	struct option
	    longs[COMMONS_COUNT + COMMAND_OPTIONS_MAX + FILTER_OPTIONS_MAX + 1];
	/* The first '+' ends at the command; without it, operands and options
	 * may be mixed. */
	char shorts[8 + 2 * COMMAND_OPTIONS_MAX];
};

/* ---- complaints ------------------------------------------------------ */

/* Say "spoolq: BEFORE 'WORD' AFTER" and how it is called. */
static int
refuse(const struct command *cmd, const char *before, const char *word,
    const char *after)
{
	(void)fprintf(stderr, "spoolq: %s'", before);
	text_put_clean(stderr, span_of(word), SHOWN_BYTES_MAX);
	(void)fprintf(stderr, "'%s\n", after);
	if (cmd != NULL)
		help_put_usage(stderr, cmd);
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

/* ---- options --------------------------------------------------------- */

static bool
has_long(const struct tables *t, const char *name)
{
	for (int i = 0; i < t->n; i++)
		if (strcmp(t->longs[i].name, name) == 0)
			return true;
	return false;
}

static void
add_long(struct tables *t, const char *name, const char *arg, int val)
{
	t->longs[t->n++] = (struct option){
		name,
		arg != NULL ? required_argument : no_argument,
		NULL,
		val,
	};
}

static void
add_own(struct tables *t, const struct command_option *options)
{
	size_t used = strlen(t->shorts);

	for (int i = 0; i < COMMAND_OPTIONS_MAX; i++) {
		const struct command_option *o = &options[i];

		if (o->name == NULL)
			break;
		add_long(t, o->name, o->arg, OPT_OWN + i);
		if (o->letter == 0)
			continue;
		t->shorts[used++] = o->letter;
		if (o->arg != NULL)
			t->shorts[used++] = ':';
	}
	t->shorts[used] = '\0';
}

static void
make_tables(struct tables *t, const struct command *cmd)
{
	*t = (struct tables){ .command = cmd };
	(void)strcpy(t->shorts, cmd == NULL ? "+:C:hV" : ":C:hV");
	for (int i = 0; i < COMMONS_COUNT; i++)
		t->longs[t->n++] = commons[i];
	if (cmd != NULL && cmd->options != NULL)
		add_own(t, cmd->options);
	if (cmd == NULL || !cmd->has_filters)
		return;
	for (int i = 0; filter_options[i].name != NULL; i++)
		if (!has_long(t, filter_options[i].name))
			add_long(t, filter_options[i].name,
			    filter_options[i].arg, OPT_FILTER + i);
}

/* Of two arguments one would have to be forgotten, and nobody knows which. */
static int
refuse_again(const char *name)
{
	(void)fprintf(stderr, "spoolq: --%s can be given only once\n", name);
	return EX_USAGE;
}

static int
take_filter(struct options *opts, int i)
{
	const char *why = NULL, *name = filter_options[i].name;

	if (filter_options[i].arg != NULL && opts->filter.given[i] != NULL)
		return refuse_again(name);
	if (filter_set(&opts->filter, name, optarg, &why) == 0)
		return -1;
	(void)fprintf(stderr, "spoolq: --%s '", name);
	text_put_clean(
	    stderr, span_of(optarg != NULL ? optarg : ""), SHOWN_BYTES_MAX);
	(void)fprintf(
	    stderr, "' %s\n", why != NULL ? why : "does not fit in memory");
	return EX_USAGE;
}

/* The place of the command's option with the letter C, or -1. */
static int
own_of_letter(const struct command *cmd, int c)
{
	if (cmd == NULL || cmd->options == NULL)
		return -1;
	for (int i = 0; cmd->options[i].name != NULL; i++)
		if (cmd->options[i].letter == c)
			return i;
	return -1;
}

/* An option of the command's, or a filter; -1 to go on, or the exit code. */
static int
take_special(struct options *opts, int c)
{
	int i = c < 256 ? own_of_letter(opts->command, c) : c - OPT_OWN;

	if (c >= OPT_FILTER)
		return take_filter(opts, c - OPT_FILTER);
	if (i < 0 || i >= COMMAND_OPTIONS_MAX)
		return -1;
	if (optarg != NULL && opts->given[i] != NULL)
		return refuse_again(opts->command->options[i].name);
	opts->given[i] = optarg != NULL ? optarg : "";
	return -1;
}

/* Act on the option C; -1 to go on, or the exit code. */
static int
take_option(struct options *opts, const struct command *const commands[], int c,
    char *argv[])
{
	switch (c) {
	case 'C':
		opts->config = optarg;
		return -1;
	case OPT_SPOOL:
		opts->spool = optarg;
		return -1;
	case 'h':
		if (opts->command != NULL)
			help_put_command(stdout, opts->command);
		else
			help_put_summary(stdout, commands);
		return EX_OK;
	case 'V':
		(void)puts("spoolq " PACKAGE_VERSION);
		return EX_OK;
	case ':':
	case '?':
		return refuse_option(opts->command, c, argv);
	default:
		return take_special(opts, c);
	}
}

/* Options from ARGV[1] on; optind is at what follows them. */
static int
take_options(struct options *opts, const struct command *const commands[],
    int argc, char *argv[])
{
	struct tables t;
	int c, code = -1;

	make_tables(&t, opts->command);
	opterr = 0;
	optind = 0; /* makes glibc begin anew */
	while (code < 0 &&
	    (c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) >= 0)
		code = take_option(opts, commands, c, argv);
	return code;
}

/* ---- the whole ------------------------------------------------------- */

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
	bool selects = filter_is_set(&opts->filter) || opts->filter.all;
	int n = opts->noperands;

	if (cmd->operands_max >= 0 && n > cmd->operands_max)
		return refuse(cmd, "superfluous argument ",
		    opts->operands[cmd->operands_max], "");
	if (n >= cmd->operands_min || selects)
		return -1;
	(void)fprintf(stderr, "spoolq: which %s?\n",
	    cmd->operand != NULL ? cmd->operand : "message");
	help_put_usage(stderr, cmd);
	return EX_USAGE;
}

static int
parse_command(struct options *opts, const struct command *const commands[],
    int argc, char *argv[])
{
	int code;

	opts->command = find_command(commands, argv[0]);
	if (opts->command == NULL)
		return refuse(NULL, "there is no command ", argv[0], "");
	code = take_options(opts, commands, argc, argv);
	if (code >= 0)
		return code;
	opts->operands = argv + optind;
	opts->noperands = argc - optind;
	return check_operands(opts);
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
		help_put_summary(stderr, commands);
		return EX_USAGE;
	}
	code = parse_command(&opts, commands, argc - optind, argv + optind);
	if (code < 0)
		*ret = opts;
	else
		options_release(&opts);
	return code;
}

void
options_release(struct options *opts)
{
	filter_release(&opts->filter);
}
