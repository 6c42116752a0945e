/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * See sendmail/options.h.
 *
 * getopt(3) is not used: it has no options with two dashes that stop at the
 * first recipient, and its messages name argv[0], which is the caller's.
 */

#include "config.h"

#include <limits.h>
#include <string.h>

#include "lib/conf-value.h"
#include "sendmail/flags.h"

static const struct flag *
flag_of_letter(char letter)
{
	size_t i;

	for (i = 0; i < flags_count; i++) {
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

	for (i = 0; i < flags_count; i++) {
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
			return flag_refuse(diag, "unknown option -", shown, "");
		if (flag->argument == ARG_REFUSED)
			return flag_refuse(
			    diag, "option -", shown, " is not supported");
		if (flag->argument == ARG_NONE) {
			status = act(flag, opts, "", diag);
			continue;
		}
		if (letters[1] != '\0' || flag->argument == ARG_GLUED)
			return act(flag, opts, letters + 1, diag);
		if ((*argv)[1] == NULL)
			return flag_refuse(
			    diag, "option -", shown, " needs an argument");
		++*argv;
		return act(flag, opts, **argv, diag);
	}
	return status;
}

/*
 * "--spool=DIR", "--spool DIR", "--wait", "--wait=1m": WORD is what follows
 * the dashes.
 */
static int
parse_word(const char *word, char ***argv, struct options *opts, FILE *diag)
{
	size_t len = strcspn(word, "=");
	const struct flag *flag = flag_of_name(word, len);
	bool has_value = word[len] == '=';

	if (flag == NULL)
		return flag_refuse(diag, "unknown option --", word, "");
	if (flag->argument == ARG_NONE)
		return has_value ? flag_refuse(diag, "option --", flag->name,
				       " takes no argument")
				 : act(flag, opts, "", diag);
	if (has_value && word[len + 1] == '\0' && flag->argument == ARG_GLUED)
		return flag_refuse(diag, "option --", flag->name,
		    " has nothing behind its '='");
	if (has_value)
		return act(flag, opts, word + len + 1, diag);
	if (flag->argument == ARG_GLUED)
		return act(flag, opts, "", diag);
	if ((*argv)[1] == NULL)
		return flag_refuse(
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
		return MODE_ALIASES;
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

/* "--wait 5s" would wait for ever, and send to somebody called "5s". */
static int
check_wait(const struct options *opts, FILE *diag)
{
	const char *rcpt = opts->rcpts[0];
	unsigned seconds;

	if (!opts->wait || opts->wait_us != 0 || rcpt == NULL ||
	    !config_parse_duration(rcpt, UINT_MAX, &seconds))
		return 0;
	return flag_refuse(
	    diag, "the time is part of the option: --wait=", rcpt, "");
}

/* An option that was given and is about one message; or NULL. */
static const char *
message_option(const struct options *opts)
{
	if (opts->explain)
		return "explain";
	if (opts->wait)
		return "wait";
	if (opts->ttl_s != 0)
		return "ttl";
	if (opts->not_before != NULL)
		return "not-before";
	return opts->lane != NULL ? "lane" : NULL;
}

/* What goes with a message only. */
static int
check_mode(const struct options *opts, FILE *diag)
{
	const char *name = message_option(opts);

	if (opts->mode == MODE_DELIVER || opts->mode == MODE_HELP ||
	    opts->mode == MODE_VERSION)
		return 0;
	if (opts->rcpts[0] != NULL)
		return flag_refuse(
		    diag, "of no use here: '", opts->rcpts[0], "'");
	if (name != NULL)
		return flag_refuse(diag, "--", name,
		    " is for a message on standard input; of no use here");
	return 0;
}

int
options_parse(char **argv, struct options *ret, FILE *diag)
{
	struct options opts = { .mode = mode_of_name(argv[0]) };
	int status;

	if (argv[0] != NULL)
		argv++;
	status = parse_flags(&argv, &opts, diag);
	opts.rcpts = argv;
	if (status == 0)
		status = check_mode(&opts, diag);
	if (status == 0)
		status = check_wait(&opts, diag);
	if (status == 0)
		*ret = opts;
	ret->mode = opts.mode;
	return status;
}

/* How FLAG is called, in both its forms: "-C, --config FILE". */
static void
call_of(const struct flag *flag, char *ret, size_t size)
{
	char letter[3] = { '-', flag->letter, '\0' };
	const char *name = flag->name != NULL ? flag->name : "";
	const char *value = flag->value != NULL ? flag->value : "";

	if (flag->letter == '\0')
		letter[0] = '\0';
	snprintf(ret, size, "%s%s%s%s%s%s", letter,
	    letter[0] != '\0' && name[0] != '\0' ? ", " : "",
	    name[0] != '\0' ? "--" : "", name,
	    value[0] != '\0' && value[0] != '[' ? " " : "", value);
}

/* A line of help, or several where the flag's text has them. */
static void
put_flag_help(FILE *out, const struct flag *flag)
{
	const char *text = flag->help;
	char left[40];

	call_of(flag, left, sizeof(left));
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
	for (i = 0; i < flags_count; i++)
		put_flag_help(out, &flags[i]);
	fputs("\nOptions end at the first recipient.\n", out);
}
