/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See sendmail/flags.h. */

#include "config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "lib/conf-value.h"
#include "lib/submit.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "lib/when.h"
#include "sendmail/flags.h"

/* How much of a bad argument is worth showing. */
#define SHOWN_BYTES_MAX 60
/* Longest --wait: a year. */
#define WAIT_S_MAX (365u * 86400)

#define FIELD(name) offsetof(struct options, name)

int
flag_refuse(
    FILE *diag, const char *before, const char *value, const char *after)
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
		return flag_refuse(
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
		opts->mode = MODE_ALIASES;
		return 0;
	case 'h':
	case 'H':
		opts->mode = MODE_NOTHING;
		return 0;
	case 'd':
	case 'D':
	case 'l':
		return flag_refuse(diag, "option -b", value,
		    " is not supported: the daemon is spoold");
	default:
		return flag_refuse(
		    diag, "option -b", value, " is not supported");
	}
}

static int
act_aliases(struct options *opts, const char *value, FILE *diag)
{
	(void)value;
	(void)diag;
	opts->mode = MODE_ALIASES;
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
	switch (value[0]) {
	case '\0':
	case 'f':
		break;
	case 'I':
		opts->flush_id = value + 1;
		break;
	case 'R':
		opts->flush_to = value + 1;
		break;
	case 'S':
		opts->flush_from = value + 1;
		break;
	default:
		return flag_refuse(
		    diag, "option -q", value, " is not supported");
	}
	opts->mode = MODE_FLUSH;
	return 0;
}

static int
act_wait(struct options *opts, const char *value, FILE *diag)
{
	unsigned seconds = 0;

	if (value[0] != '\0' &&
	    (!config_parse_duration(value, WAIT_S_MAX, &seconds) ||
		seconds == 0))
		return flag_refuse(diag,
		    "--wait takes a time such as 30s, 5m or 1h, not '", value,
		    "'");
	opts->wait = true;
	opts->wait_us = (int64_t)seconds * 1000000;
	return 0;
}

static int
act_ttl(struct options *opts, const char *value, FILE *diag)
{
	unsigned seconds;

	if (!config_parse_duration(value, SUBMIT_TTL_MAX_S, &seconds) ||
	    seconds == 0)
		return flag_refuse(diag,
		    "--ttl takes a time up to 365d, such as 90s, 10m or 2h, "
		    "not '",
		    value, "'");
	opts->ttl_s = seconds;
	return 0;
}

static int
act_not_before(struct options *opts, const char *value, FILE *diag)
{
	int64_t us;

	/* When that is, is seen when the message arrives. */
	if (!when_parse(span_of(value), 0, &us))
		return flag_refuse(diag,
		    "--not-before takes a time before the year 10000, at most "
		    "+49710d, such as 18:00, 2026-11-22T18:00, +2h or "
		    "@1763834400, not '",
		    value, "'");
	opts->not_before = value;
	return 0;
}

static int
act_lane(struct options *opts, const char *value, FILE *diag)
{
	if (envelope_lane_fault(value) != NULL)
		return flag_refuse(diag,
		    "--lane takes 1 to 40 letters, digits, '-' and '_', not '",
		    value, "'");
	opts->lane = value;
	return 0;
}

/* Of the old options with a name those that are ours. */
static int
act_named_option(struct options *opts, const char *value, FILE *diag)
{
	static const struct {
		const char *name;
		flag_fn *act;
	} named[] = {
		{ "ttl", act_ttl },
		{ "at", act_not_before },
		{ "not-before", act_not_before },
		{ "lane", act_lane },
	};
	size_t len = strcspn(value, "="), i;
	struct span name = { value, len };

	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (span_is_word(name, named[i].name))
			return named[i].act(
			    opts, value + len + (value[len] == '='), diag);
	}
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

const struct flag flags[] = {
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
	    "i: look the aliases through; h, H: do nothing",
	    0 },
	{ 'q', ARG_GLUED, act_queue, NULL, "[WHAT]",
	    "try now: alone and f, all messages; Iid, that one;\n"
	    "Rtext, Stext: with text in a recipient, in the sender;\n"
	    "an interval: do nothing",
	    0 },
	{ 'I', ARG_NONE, act_aliases, NULL, NULL, "the same as -bi", 0 },
	{ 'C', ARG_VALUE, NULL, "config", "FILE",
	    "configuration file; not when set-group-id", FIELD(config) },
	{ '\0', ARG_VALUE, NULL, "spool", "DIR",
	    "spool directory; not when set-group-id", FIELD(spool) },
	{ '\0', ARG_NONE, NULL, "explain", NULL,
	    "say what would become of the message, queue nothing",
	    FIELD(explain) },
	{ '\0', ARG_GLUED, act_wait, "wait", "[=TIME]",
	    "until the relay took or refused it, TIME at most", 0 },
	{ '\0', ARG_VALUE, act_ttl, "ttl", "TIME",
	    "of no use when older than TIME: not delivered then", 0 },
	{ '\0', ARG_VALUE, act_not_before, "not-before", "TIME",
	    "not to be sent before TIME (18:00, +2h, ...)", 0 },
	{ '\0', ARG_VALUE, act_lane, "lane", "NAME",
	    "the lane to take, of those that are configured", 0 },
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
	{ 'O', ARG_VALUE, act_named_option, NULL, "OPTION",
	    "ttl=TIME, at=TIME, not-before=TIME, lane=NAME: the same as\n"
	    "with two dashes; others are ignored",
	    0 },
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

const size_t flags_count = sizeof(flags) / sizeof(flags[0]);
