/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See sendmail/options.h.  One table has every flag, also those that do
 * nothing: whether a flag takes an argument decides what the next one means.
 *
 * getopt(3) is not used: it has no options with two dashes that stop at the
 * first recipient, and its messages name argv[0], which is the caller's.
 */

#include "config.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "lib/submit.h"
#include "lib/utf8.h"
#include "lib/text.h"
#include "sendmail/options.h"

/* How much of a bad argument is worth showing. */
#define SHOWN_BYTES_MAX 60

enum argument {
	ARG_NONE,
	ARG_VALUE,   /* glued, or the next argument */
	ARG_GLUED,   /* glued, or none */
	ARG_REFUSED, /* known, and an error */
};

/* Act on a flag with its VALUE ("" without); 0 or an exit status. */
typedef int flag_fn(struct options *opts, const char *value, FILE *diag);

struct flag {
	char letter; /* '\0': only the long name */
	enum argument argument;
	flag_fn *act;      /* NULL: see FIELD */
	const char *name;  /* after two dashes, or NULL */
	const char *value; /* what the help calls the argument */
	const char *help;
	size_t field; /* where in struct options the value goes, a
			 string, or true; 0: ignored */
};

#define FIELD(name) offsetof(struct options, name)

/* "sendmail: BEFORE VALUE AFTER", VALUE made harmless. */
static int
refuse(FILE *diag, const char *before, const char *value, const char *after)
{
	fprintf(diag, "sendmail: %s", before);
	text_put_clean(diag, span_of(value), SHOWN_BYTES_MAX);
	fprintf(diag, "%s\n", after);
	return EX_USAGE;
}

/* Of the old options with a letter only the dot's has a meaning left. */
static int
act_old_option(struct options *opts, const char *value, FILE *diag)
{
	(void)diag;
	if (value[0] == 'i')
		opts->dot_is_text = true;
	return 0;
}

static int
act_body(struct options *opts, const char *value, FILE *diag)
{
	if (strcasecmp(value, "7BIT") == 0)
		opts->body = BODY_7BIT;
	else if (strcasecmp(value, "8BITMIME") == 0)
		opts->body = BODY_8BITMIME;
	else
		return refuse(
		    diag, "-B takes 7BIT or 8BITMIME, not '", value, "'");
	return 0;
}

/* A wrong wish about reports is no reason to lose the message. */
static int
act_notify(struct options *opts, const char *value, FILE *diag)
{
	if (!notify_parse(span_of(value), &opts->notify))
		fputs("sendmail: warning: -N takes never, or a list of "
		      "success, failure, delay; ignored\n",
		    diag);
	return 0;
}

static int
act_return(struct options *opts, const char *value, FILE *diag)
{
	if (strcasecmp(value, "full") == 0)
		opts->ret = RET_FULL;
	else if (strcasecmp(value, "hdrs") == 0)
		opts->ret = RET_HDRS;
	else
		fputs("sendmail: warning: -R takes full or hdrs; ignored\n",
		    diag);
	return 0;
}

static int
act_envid(struct options *opts, const char *value, FILE *diag)
{
	if (envelope_envid_fault(value) == NULL &&
	    !utf8_has_8bit(span_of(value)))
		opts->envid = value;
	else
		fprintf(diag,
		    "sendmail: warning: -V takes 1 to %d printable "
		    "ASCII characters; ignored\n",
		    ENVELOPE_XTEXT_MAX);
	return 0;
}

static int
act_mode(struct options *opts, const char *value, FILE *diag)
{
	switch (value[0]) {
	case 'm':
		opts->mode = MODE_DELIVER;
		return 0;
	case 's':
		opts->mode = MODE_SMTP;
		return 0;
	case 'p':
		opts->mode = MODE_LIST;
		return 0;
	case 'i':
	case 'h':
	case 'H':
		opts->mode = MODE_NOTHING;
		return 0;
	case 'd':
	case 'D':
	case 'l':
		return refuse(diag, "option -b", value,
		    " is not supported: the daemon is spoold");
	default:
		return refuse(diag, "option -b", value, " is not supported");
	}
}

static int
act_aliases(struct options *opts, const char *value, FILE *diag)
{
	(void)value;
	(void)diag;
	opts->mode = MODE_NOTHING;
	return 0;
}

static int
act_queue(struct options *opts, const char *value, FILE *diag)
{
	if (isdigit((unsigned char)value[0])) {
		/* An interval: spoold runs the queue all the time. */
		opts->mode = MODE_NOTHING;
		return 0;
	}
	if (value[0] != '\0' && strchr("IRSf", value[0]) == NULL)
		return refuse(diag, "option -q", value, " is not supported");
	opts->mode = MODE_FLUSH;
	if (value[0] == 'I')
		opts->flush_id = value + 1;
	return 0;
}

static int
act_help(struct options *opts, const char *value, FILE *diag)
{
	(void)value;
	(void)diag;
	opts->mode = MODE_HELP;
	return 0;
}

static int
act_version(struct options *opts, const char *value, FILE *diag)
{
	(void)value;
	(void)diag;
	opts->mode = MODE_VERSION;
	return 0;
}

static const struct flag flags[] = {
	{ 't', ARG_NONE, NULL, NULL, NULL,
	    "send to the To, Cc and Bcc of the header as well",
	    FIELD(header_rcpts) },
	{ 'i', ARG_NONE, NULL, NULL, NULL,
	    "a dot alone on a line is text, not the end", FIELD(dot_is_text) },
	{ 'f', ARG_VALUE, NULL, NULL, "ADDRESS",
	    "envelope sender; '' or '<>': nobody", FIELD(sender) },
	{ 'r', ARG_VALUE, NULL, NULL, "ADDRESS", "the same", FIELD(sender) },
	{ 'F', ARG_VALUE, NULL, NULL, "NAME", "full name for a missing From",
	    FIELD(full_name) },
	{ 'G', ARG_NONE, NULL, NULL, NULL, "add nothing to the header",
	    FIELD(keep_header) },
	{ 'B', ARG_VALUE, act_body, NULL, "TYPE", "7BIT or 8BITMIME", 0 },
	{ 'N', ARG_VALUE, act_notify, NULL, "WHEN",
	    "reports: never, or of success, failure, delay", 0 },
	{ 'R', ARG_VALUE, act_return, NULL, "WHAT",
	    "what reports return: full or hdrs", 0 },
	{ 'V', ARG_VALUE, act_envid, NULL, "ID", "envelope id for reports", 0 },
	{ 'b', ARG_VALUE, act_mode, NULL, "MODE",
	    "m: read a message (default); s: SMTP; p: list the queue;\n"
	    "i, h, H: do nothing",
	    0 },
	{ 'q', ARG_GLUED, act_queue, NULL, "[WHAT]",
	    "run the queue: f, R…, S…: all of it; Iid: one message;\n"
	    "an interval: do nothing",
	    0 },
	{ 'I', ARG_NONE, act_aliases, NULL, NULL, "the same as -bi", 0 },
	{ 'C', ARG_VALUE, NULL, "config", "FILE",
	    "configuration file; not when set-group-id", FIELD(config) },
	{ '\0', ARG_VALUE, NULL, "spool", "DIR",
	    "spool directory; not when set-group-id", FIELD(spool) },
	{ '\0', ARG_NONE, act_help, "help", NULL, "this text", 0 },
	{ '\0', ARG_NONE, act_version, "version", NULL, "the version", 0 },
	{ 'o', ARG_VALUE, act_old_option, NULL, "OPTION",
	    "i: as -i; others are ignored", 0 },
	{ 'A', ARG_VALUE, NULL, NULL, "FILE", "ignored", 0 },
	{ 'c', ARG_NONE, NULL, NULL, NULL, "ignored", 0 },
	{ 'e', ARG_VALUE, NULL, NULL, "MODE", "ignored", 0 },
	{ 'h', ARG_VALUE, NULL, NULL, "HOPS", "ignored", 0 },
	{ 'L', ARG_VALUE, NULL, NULL, "TAG", "ignored", 0 },
	{ 'm', ARG_NONE, NULL, NULL, NULL, "ignored", 0 },
	{ 'n', ARG_NONE, NULL, NULL, NULL, "ignored", 0 },
	{ 'O', ARG_VALUE, NULL, NULL, "OPTION", "ignored", 0 },
	{ 'p', ARG_VALUE, NULL, NULL, "PROTOCOL", "ignored", 0 },
	{ 'U', ARG_NONE, NULL, NULL, NULL, "ignored", 0 },
	{ 'v', ARG_NONE, NULL, NULL, NULL, "ignored", 0 },
	{ 'X', ARG_VALUE, NULL, NULL, "FILE", "ignored", 0 },
	{ 'x', ARG_NONE, NULL, NULL, NULL, "ignored", 0 },
	/* Debugging, macros and vendors': a caller that means them would
	 * not get what it asks for. */
	{ 'D', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'd', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'E', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'J', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'k', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'M', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 's', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'T', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'Y', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'Z', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
	{ 'z', ARG_REFUSED, NULL, NULL, NULL, "refused", 0 },
};

#define FLAGS (sizeof(flags) / sizeof(flags[0]))

static const struct flag *
flag_of_letter(char letter)
{
	size_t i;

	for (i = 0; i < FLAGS; i++) {
		if (letter != '\0' && flags[i].letter == letter)
			return &flags[i];
	}
	return NULL;
}

/* The flag called by the LEN bytes at NAME. */
static const struct flag *
flag_of_name(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < FLAGS; i++) {
		if (flags[i].name != NULL && strlen(flags[i].name) == len &&
		    memcmp(flags[i].name, name, len) == 0)
			return &flags[i];
	}
	return NULL;
}

static int
act(const struct flag *flag, struct options *opts, const char *value,
    FILE *diag)
{
	void *field = (char *)opts + flag->field;

	if (flag->act != NULL)
		return flag->act(opts, value, diag);
	if (flag->field != 0 && flag->argument == ARG_NONE)
		*(bool *)field = true;
	else if (flag->field != 0)
		*(const char **)field = value;
	return 0;
}

/*
 * "-tif": LETTERS is what follows the dash; a value may be the next of *ARGV,
 * which is advanced then.
 */
static int
parse_letters(
    const char *letters, char ***argv, struct options *opts, FILE *diag)
{
	int status = 0;

	for (; *letters != '\0' && status == 0; letters++) {
		const struct flag *flag = flag_of_letter(*letters);
		char shown[2] = { *letters, '\0' };

		if (flag == NULL)
			return refuse(diag, "unknown option -", shown, "");
		if (flag->argument == ARG_REFUSED)
			return refuse(
			    diag, "option -", shown, " is not supported");
		if (flag->argument == ARG_NONE) {
			status = act(flag, opts, "", diag);
			continue;
		}
		if (letters[1] != '\0' || flag->argument == ARG_GLUED)
			return act(flag, opts, letters + 1, diag);
		if ((*argv)[1] == NULL)
			return refuse(
			    diag, "option -", shown, " needs an argument");
		++*argv;
		return act(flag, opts, **argv, diag);
	}
	return status;
}

/* "--spool=DIR", "--spool DIR": WORD is what follows the dashes. */
static int
parse_word(const char *word, char ***argv, struct options *opts, FILE *diag)
{
	size_t len = strcspn(word, "=");
	const struct flag *flag = flag_of_name(word, len);
	bool has_value = word[len] == '=';

	if (flag == NULL)
		return refuse(diag, "unknown option --", word, "");
	if (flag->argument == ARG_NONE)
		return has_value ? refuse(diag, "option --", flag->name,
				       " takes no argument")
				 : act(flag, opts, "", diag);
	if (has_value)
		return act(flag, opts, word + len + 1, diag);
	if ((*argv)[1] == NULL)
		return refuse(
		    diag, "option --", flag->name, " needs an argument");
	++*argv;
	return act(flag, opts, **argv, diag);
}

static enum mode
mode_of_name(const char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : path;

	if (name == NULL)
		return MODE_DELIVER;
	if (strcmp(name, "mailq") == 0)
		return MODE_LIST;
	if (strcmp(name, "newaliases") == 0)
		return MODE_NOTHING;
	if (strcmp(name, "runq") == 0)
		return MODE_FLUSH;
	return MODE_DELIVER;
}

/* Parse the options at *ARGV, which is left at the first argument. */
static int
parse_flags(char ***argv, struct options *opts, FILE *diag)
{
	int status = 0;

	for (; **argv != NULL && status == 0; ++*argv) {
		const char *arg = **argv;

		if (arg[0] != '-' || arg[1] == '\0')
			break;
		if (strcmp(arg, "--") == 0) {
			++*argv;
			break;
		}
		status = arg[1] == '-'
		    ? parse_word(arg + 2, argv, opts, diag)
		    : parse_letters(arg + 1, argv, opts, diag);
	}
	return status;
}

int
options_parse(char **argv, struct options *ret, FILE *diag)
{
	struct options opts = { .mode = mode_of_name(argv[0]) };
	int status;

	if (argv[0] != NULL)
		argv++;
	status = parse_flags(&argv, &opts, diag);
	if (status != 0)
		return status;
	if (*argv != NULL && opts.mode != MODE_DELIVER &&
	    opts.mode != MODE_HELP && opts.mode != MODE_VERSION)
		return refuse(diag, "of no use here: '", *argv, "'");
	opts.rcpts = argv;
	*ret = opts;
	return 0;
}

/* A line of help; TEXT may have further lines. */
static void
put_flag_help(FILE *out, const struct flag *flag)
{
	char left[40];
	const char *text = flag->help;

	if (flag->name != NULL && flag->letter != '\0')
		snprintf(left, sizeof(left), "-%c, --%s %s", flag->letter,
		    flag->name, flag->value != NULL ? flag->value : "");
	else if (flag->name != NULL)
		snprintf(left, sizeof(left), "--%s %s", flag->name,
		    flag->value != NULL ? flag->value : "");
	else
		snprintf(left, sizeof(left), "-%c %s", flag->letter,
		    flag->value != NULL ? flag->value : "");
	for (;;) {
		int len = (int)strcspn(text, "\n");

		fprintf(out, "  %-20s %.*s\n", left, len, text);
		if (text[len] == '\0')
			break;
		text += len + 1;
		left[0] = '\0';
	}
}

void
options_put_help(FILE *out)
{
	size_t i;

	fputs("usage: sendmail [options] [--] [recipient ...] < message\n"
	      "       mailq | runq | newaliases\n\n"
	      "Puts a message into the spool; spoold delivers it.\n\n",
	    out);
	for (i = 0; i < FLAGS; i++)
		put_flag_help(out, &flags[i]);
	fputs("\nOptions end at the first recipient.\n", out);
}
