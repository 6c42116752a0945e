/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <stddef.h>
#include <openssl/ssl.h>
#include <auth-client.h>
#include <libesmtp.h>

#include "lib/fold.h"
#include "lib/utf8.h"
#include "spoold/smtp/idn.h"
#include "spoold/smtp/message.h"

/* Room for a fault of an address with the address. */
#define WHY_MAX 800

/* Whether an address, or the sender's, is beyond ASCII. */
static bool
has_8bit_address(const struct job *job)
{
	const struct envelope *env = &job->qf.env;

	if (utf8_has_8bit(span_of(env->sender)))
		return true;
	for (size_t i = 0; i < job->target_count; i++)
		if (utf8_has_8bit(
			span_of(env->rcpts[job->targets[i].index].addr)))
			return true;
	return false;
}

/*
 * ADDR as the relay can take it; NULL: as it is.  0, -ENOMEM, or -EINVAL
 * with WHY.  All that could do harm in a command envelope_read() has kept out.
 */
static int
fit_address(
    const struct job *job, const char *addr, char **ret, char why[WHY_MAX])
{
	const char *fault = "is not UTF-8";
	int err = -EINVAL;

	if (!utf8_has_8bit(span_of(addr)))
		return 0;
	if (job->is_utf8 && utf8_is_valid(span_of(addr)))
		return 0;
	if (!job->is_utf8)
		err = idn_ascii(addr, ret, &fault);
	if (err == 0 || err == -ENOMEM)
		return err;
	(void)snprintf(why, WHY_MAX, "[local] %s <%.500s>: %.200s",
	    err == -EDOM ? "5.1.2" : "5.6.7", addr, fault);
	return -EINVAL;
}

/* 0 or -ENOMEM. */
static int
check_addresses(struct job *job)
{
	const struct envelope *env = &job->qf.env;
	char why[WHY_MAX];
	int err = fit_address(job, env->sender, &job->ascii_sender, why);

	if (err == -EINVAL)
		job_tell_rest(job, OUTCOME_FAILED, why);
	for (size_t i = 0; i < job->target_count && err == 0; i++) {
		struct target *target = &job->targets[i];

		err = fit_address(
		    job, env->rcpts[target->index].addr, &target->ascii, why);
		if (err != -EINVAL)
			continue;
		job_tell(job, target, OUTCOME_FAILED, why);
		err = 0;
	}
	return err == -ENOMEM ? err : 0;
}

int
message_check(struct job *job, const struct capabilities *caps)
{
	bool has_8bit = has_8bit_address(job);
	char why[WHY_MAX];

	job->is_utf8 = caps->has_smtputf8 && (job->qf.env.is_utf8 || has_8bit);
	job_forget_ascii(job);
	if (has_8bit && check_addresses(job) < 0)
		return -ENOMEM;
	/* What a folded one is long nobody has counted: the relay may. */
	if (job->is_folded || caps->size_limit == 0 ||
	    job->qf.msg_bytes <= caps->size_limit)
		return 0;
	(void)snprintf(why, sizeof(why),
	    "[local] message of %llu "
	    "bytes is larger than the relay's limit of %llu",
	    (unsigned long long)job->qf.msg_bytes,
	    (unsigned long long)caps->size_limit);
	job_tell_rest(job, OUTCOME_FAILED, why);
	return 0;
}

bool
message_has_long_line(const struct qfile *qf, char *block, size_t size)
{
	uint64_t off = 0;
	size_t line = 0;

	while (off < qf->msg_bytes) {
		ssize_t n = qfile_read(qf, block, size, off);

		if (n <= 0)
			return false;
		if (fold_is_due(block, (size_t)n, &line))
			return true;
		off += (uint64_t)n;
	}
	return false;
}

int64_t
message_longest_ms(const struct job *job, int64_t reply_ms)
{
	int64_t replies = 4 + (int64_t)job->left / 10;

	return replies * reply_ms + (int64_t)job->qf.msg_bytes;
}

/*
 * "rfc822;bob@example.net": the type is a word, the rest is encoded.  What
 * libESMTP's buffer has no room for is left out.
 */
static int
add_orcpt(smtp_recipient_t handle, const char *orcpt)
{
	char type[ENVELOPE_XTEXT_MAX + 1];
	size_t len;

	/* In a "rfc822" address 8-bit characters have no place (RFC 6533). */
	if (envelope_orcpt_fault(orcpt) != NULL ||
	    utf8_has_8bit(span_of(orcpt)))
		return 0;
	len = strcspn(orcpt, ";");
	(void)snprintf(type, sizeof(type), "%.*s", (int)len, orcpt);
	return smtp_dsn_set_orcpt(handle, type, orcpt + len + 1) ? 0 : -ENOMEM;
}

static void
add_notify(smtp_recipient_t handle, unsigned notify)
{
	int flags = Notify_NOTSET;

	if (notify & NOTIFY_SUCCESS)
		flags |= Notify_SUCCESS;
	if (notify & NOTIFY_FAILURE)
		flags |= Notify_FAILURE;
	if (notify & NOTIFY_DELAY)
		flags |= Notify_DELAY;
	if (notify & NOTIFY_NEVER)
		flags = Notify_NEVER;
	if (flags != Notify_NOTSET)
		(void)smtp_dsn_set_notify(handle, (enum notify_flags)flags);
}

static int
add_recipient(smtp_message_t message, struct target *target,
    const struct recipient *rcpt, bool has_dsn)
{
	smtp_recipient_t handle = smtp_add_recipient(
	    message, target->ascii != NULL ? target->ascii : rcpt->addr);

	if (handle == NULL)
		return -ENOMEM;
	target->handle = handle;
	target->is_accepted = false;
	smtp_recipient_set_application_data_release(handle, target, NULL);
	if (!has_dsn)
		return 0;
	add_notify(handle, rcpt->notify);
	return rcpt->orcpt != NULL ? add_orcpt(handle, rcpt->orcpt) : 0;
}

/* RFC 3461's parameters of MAIL. */
static int
add_dsn(smtp_message_t message, const struct envelope *env)
{
	if (env->ret != RET_UNSPECIFIED)
		(void)smtp_dsn_set_ret(
		    message, env->ret == RET_FULL ? Ret_FULL : Ret_HDRS);
	if (env->envid == NULL || envelope_envid_fault(env->envid) != NULL)
		return 0;
	return smtp_dsn_set_envid(message, env->envid) ? 0 : -ENOMEM;
}

/* The parameters of MAIL, those that the server knows. */
static int
add_parameters(smtp_message_t message, const struct job *job,
    const struct capabilities *caps)
{
	const struct envelope *env = &job->qf.env;
	bool is_8bit = env->body == BODY_8BITMIME || job->is_utf8;

	if (caps->has_size && !job->is_folded)
		(void)smtp_size_set_estimate(
		    message, (unsigned long)job->qf.msg_bytes);
	/* Demands the extension of the server: only where it is offered. */
	if (caps->has_8bitmime && is_8bit)
		(void)smtp_8bitmime_set_body(message, E8bitmime_8BITMIME);
	return caps->has_dsn ? add_dsn(message, env) : 0;
}

int
message_add(smtp_session_t lib, struct job *job,
    const struct capabilities *caps, smtp_messagecb_t read, void *arg)
{
	const struct envelope *env = &job->qf.env;
	const char *sender =
	    job->ascii_sender != NULL ? job->ascii_sender : env->sender;
	smtp_message_t message = smtp_add_message(lib);
	int err;

	if (message == NULL)
		return -ENOMEM;
	if (!smtp_set_messagecb(message, read, arg) ||
	    !smtp_set_reverse_path(message, sender[0] != '\0' ? sender : NULL))
		return -ENOMEM;
	err = add_parameters(message, job, caps);
	for (size_t i = 0; i < job->target_count && err == 0; i++) {
		struct target *target = &job->targets[i];

		if (!target->is_done)
			err = add_recipient(message, target,
			    &env->rcpts[target->index], caps->has_dsn);
	}
	return err;
}
