/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Envelopes in memory and as text.  What envelope_address_fault() refuses is
 * refused on every way in, so no address that could break a line, a queue
 * file or an SMTP command ever gets further.
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "lib/envelope.h"
#include "lib/spool.h"
#include "lib/wire.h"

static const struct {
	const char *name;
	unsigned bit;
} notify_bits[] = {
	{ "NEVER", NOTIFY_NEVER },
	{ "SUCCESS", NOTIFY_SUCCESS },
	{ "FAILURE", NOTIFY_FAILURE },
	{ "DELAY", NOTIFY_DELAY },
};

/* As wire text, what envelope-read.c parses. */
static const char *const ret_names[] = {
	[RET_FULL] = "FULL",
	[RET_HDRS] = "HDRS",
};

static const char *const body_names[] = {
	[BODY_7BIT] = "7BIT",
	[BODY_8BITMIME] = "8BITMIME",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void
envelope_release(struct envelope *env)
{
	for (size_t i = 0; i < env->nrcpts; i++) {
		free(env->rcpts[i].addr);
		free(env->rcpts[i].orcpt);
	}
	free(env->rcpts);
	free(env->sender);
	free(env->envid);
	free(env->lane);
	free(env->report_of);
	free(env->raw);
	free(env->message_id);
	*env = (struct envelope){ 0 };
}

/* What is wrong with BYTE outside quotes, NULL if nothing. */
static const char *
bare_byte_fault(char byte)
{
	switch (byte) {
	case ' ':
		return "has a bare space";
	case '<':
	case '>':
		return "has a bare '<' or '>'";
	case '\\':
		return "has a bare backslash";
	default:
		return NULL;
	}
}

/*
 * The rules that depend on quoting: inside "…" of the local part a space or
 * an angle bracket is legal and a backslash takes the next byte along.
 */
static const char *
quoting_fault(const char *addr)
{
	bool is_quoted = false, in_domain = false;
	const char *fault = NULL;

	for (const char *at = addr; *at != '\0' && fault == NULL; at++) {
		if (*at == '"') {
			if (in_domain)
				return "has a quote in its domain";
			is_quoted = !is_quoted;
		} else if (!is_quoted) {
			in_domain = in_domain || *at == '@';
			fault = bare_byte_fault(*at);
		} else if (*at == '\\' && *++at == '\0') {
			break;
		}
	}
	if (fault == NULL && is_quoted)
		fault = "has an unclosed quote";
	return fault;
}

const char *
envelope_address_fault(const char *addr)
{
	size_t len = strnlen(addr, ENVELOPE_ADDRESS_MAX + 1);

	if (len == 0)
		return "is empty";
	if (len > ENVELOPE_ADDRESS_MAX)
		return "is longer than 900 bytes";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)addr[i] < ' ' || addr[i] == 0x7f)
			return "has a control character";
	/* An option to any program that an address is ever handed to. */
	if (addr[0] == '-')
		return "begins with '-'";
	return quoting_fault(addr);
}

/* How long TEXT is as xtext (RFC 3461, section 4). */
static size_t
xtext_len(const char *text)
{
	size_t len = 0;

	for (; *text != '\0'; text++)
		len +=
		    *text > ' ' && *text < 0x7f && *text != '+' && *text != '='
		    ? 1
		    : 3;
	return len;
}

const char *
envelope_envid_fault(const char *envid)
{
	if (envid[0] == '\0')
		return "is empty";
	for (const char *at = envid; *at != '\0'; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return "has a control character";
	if (xtext_len(envid) > ENVELOPE_XTEXT_MAX)
		return "is longer than 250 bytes";
	return NULL;
}

const char *
envelope_orcpt_fault(const char *orcpt)
{
	size_t type = strspn(orcpt,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	if (type == 0 || orcpt[type] != ';' || orcpt[type + 1] == '\0')
		return "is not \"type;address\"";
	return envelope_envid_fault(orcpt);
}

const char *
envelope_lane_fault(const char *lane)
{
	size_t len = strspn(lane,
	    "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	if (lane[0] == '\0')
		return "is empty";
	if (lane[len] != '\0')
		return "has more than letters, digits, '-' and '_'";
	return len > ENVELOPE_LANE_MAX ? "is longer than 40 bytes" : NULL;
}

/* "0-2,5": whether numbers of at most nine digits are all there is. */
static bool
is_list_of_places(const char *text)
{
	size_t len;

	for (;;) {
		len = strspn(text, "0123456789");
		if (len == 0 || len > 9)
			return false;
		text += len;
		if (*text == '\0')
			return true;
		if (*text != '-' && *text != ',')
			return false;
		text++;
	}
}

const char *
envelope_report_of_fault(const char *report_of)
{
	static const char *const kinds[] = { "failed ", "delayed ",
		"relayed " };
	char id[SPOOL_ID_SIZE];
	size_t len;

	if (strnlen(report_of, ENVELOPE_REPORT_OF_MAX + 1) >
	    ENVELOPE_REPORT_OF_MAX)
		return "is too long";
	for (size_t i = 0; i < COUNT(kinds); i++) {
		len = strlen(kinds[i]);
		if (strncmp(report_of, kinds[i], len) != 0)
			continue;
		report_of += len;
		len = strcspn(report_of, " ");
		if (len >= sizeof(id) || report_of[len] == '\0')
			break;
		memcpy(id, report_of, len);
		id[len] = '\0';
		if (spool_is_id(id) && is_list_of_places(report_of + len + 1))
			return NULL;
		break;
	}
	return "is not \"kind id places\"";
}

/* The wishes about when and how fast. */
static const char *
schedule_fault(const struct envelope *env)
{
	const char *fault = NULL;

	if (env->lane != NULL)
		fault = envelope_lane_fault(env->lane);
	if (fault == NULL && env->report_of != NULL)
		fault = envelope_report_of_fault(env->report_of);
	if (env->expires_us < 0 || env->expires_us > ENVELOPE_TIME_MAX_US)
		fault = "expires at no time that there is";
	if (env->not_before_us < 0 || env->not_before_us > ENVELOPE_TIME_MAX_US)
		fault = "is to be sent at no time that there is";
	return fault;
}

static const char *
recipients_fault(const struct envelope *env)
{
	const char *fault = NULL;

	for (size_t i = 0; i < env->nrcpts && fault == NULL; i++) {
		fault = envelope_address_fault(env->rcpts[i].addr);
		if (fault == NULL && env->rcpts[i].orcpt != NULL)
			fault = envelope_orcpt_fault(env->rcpts[i].orcpt);
	}
	return fault;
}

const char *
envelope_fault(const struct envelope *env)
{
	const char *fault = NULL;

	if (env->sender == NULL)
		return "lacks its sender";
	if (env->nrcpts == 0)
		return "lacks a recipient";
	if (env->sender[0] != '\0')
		fault = envelope_address_fault(env->sender);
	if (fault == NULL && env->envid != NULL)
		fault = envelope_envid_fault(env->envid);
	if (fault == NULL)
		fault = schedule_fault(env);
	return fault != NULL ? fault : recipients_fault(env);
}

int
envelope_set_sender(struct envelope *env, const char *addr)
{
	char *copy;

	if (addr[0] != '\0' && envelope_address_fault(addr) != NULL)
		return -EINVAL;
	copy = strdup(addr);
	if (copy == NULL)
		return -ENOMEM;
	free(env->sender);
	env->sender = copy;
	return 0;
}

/* Room for one more recipient: the array doubles at powers of two. */
static int
grow(struct envelope *env)
{
	size_t n = env->nrcpts;
	struct recipient *rcpts;

	if ((n & (n - 1)) != 0)
		return 0;
	if (n > SIZE_MAX / 2 / sizeof(*rcpts))
		return -ENOMEM;
	rcpts = realloc(env->rcpts, (n == 0 ? 1 : n * 2) * sizeof(*rcpts));
	if (rcpts == NULL)
		return -ENOMEM;
	env->rcpts = rcpts;
	return 0;
}

int
envelope_add(struct envelope *env, const char *addr)
{
	char *copy;

	if (envelope_address_fault(addr) != NULL)
		return -EINVAL;
	if (grow(env) < 0)
		return -ENOMEM;
	copy = strdup(addr);
	if (copy == NULL)
		return -ENOMEM;
	env->rcpts[env->nrcpts++] = (struct recipient){ .addr = copy };
	return 0;
}

const char *
notify_name(unsigned notify)
{
	static const char *const names[] = { "", "SUCCESS", "FAILURE",
		"SUCCESS,FAILURE", "DELAY", "SUCCESS,DELAY", "FAILURE,DELAY",
		"SUCCESS,FAILURE,DELAY" };

	if (notify & NOTIFY_NEVER)
		return "NEVER";
	return names[notify >> 1 & 7];
}

static unsigned
notify_bit(struct span word)
{
	for (size_t i = 0; i < COUNT(notify_bits); i++)
		if (word.len == strlen(notify_bits[i].name) &&
		    strncasecmp(word.ptr, notify_bits[i].name, word.len) == 0)
			return notify_bits[i].bit;
	return 0;
}

bool
notify_parse(struct span text, unsigned *ret_notify)
{
	unsigned notify = 0;
	const char *comma;

	for (;;) {
		struct span word = text;
		unsigned bit;

		comma = text.len == 0 ? NULL : memchr(text.ptr, ',', text.len);
		if (comma != NULL)
			word.len = (size_t)(comma - text.ptr);
		bit = notify_bit(word);
		if (bit == 0)
			return false;
		notify |= bit;
		if (comma == NULL)
			break;
		text.ptr += word.len + 1;
		text.len -= word.len + 1;
	}
	if ((notify & NOTIFY_NEVER) && notify != NOTIFY_NEVER)
		return false;
	*ret_notify = notify;
	return true;
}

/* ---- writing --------------------------------------------------------- */

static void
write_recipient(const struct recipient *rcpt, FILE *out)
{
	fputs("rcpt ", out);
	wire_puts(out, rcpt->addr);
	if (rcpt->notify != 0)
		fprintf(out, " NOTIFY=%s", notify_name(rcpt->notify));
	if (rcpt->orcpt != NULL) {
		fputs(" ORCPT=", out);
		wire_puts(out, rcpt->orcpt);
	}
	putc('\n', out);
}

static void
write_schedule(const struct envelope *env, FILE *out)
{
	if (env->lane != NULL) {
		fputs("lane ", out);
		wire_puts(out, env->lane);
		putc('\n', out);
	}
	if (env->expires_us > 0)
		fprintf(out, "expires %" PRId64 "\n", env->expires_us);
	if (env->not_before_us > 0)
		fprintf(out, "not-before %" PRId64 "\n", env->not_before_us);
}

/* Its three fields: nothing in them needs encoding, or it is no report-of. */
static void
write_report_of(const struct envelope *env, FILE *out)
{
	if (env->report_of != NULL &&
	    envelope_report_of_fault(env->report_of) == NULL)
		fprintf(out, "report-of %s\n", env->report_of);
}

/* A line of KEY and VALUE, unless that is NULL. */
static void
write_word(FILE *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	fputs(key, out);
	wire_puts(out, value);
	putc('\n', out);
}

void
envelope_write(const struct envelope *env, FILE *out)
{
	fprintf(out, "arrival %lld\nuid %lu\nsender ",
	    env->arrival_us < 0 ? 0LL : (long long)env->arrival_us,
	    (unsigned long)env->uid);
	wire_puts(out, env->sender == NULL ? "" : env->sender);
	putc('\n', out);
	if (env->envid != NULL) {
		fputs("envid ", out);
		wire_puts(out, env->envid);
		putc('\n', out);
	}
	if (env->ret != RET_UNSPECIFIED)
		fprintf(out, "ret %s\n", ret_names[env->ret]);
	if (env->body != BODY_UNSPECIFIED)
		fprintf(out, "body %s\n", body_names[env->body]);
	if (env->is_utf8)
		fputs("smtputf8 yes\n", out);
	write_schedule(env, out);
	write_report_of(env, out);
	write_word(out, "raw ", env->raw);
	write_word(out, "message-id ", env->message_id);
	for (size_t i = 0; i < env->nrcpts; i++)
		write_recipient(&env->rcpts[i], out);
}
