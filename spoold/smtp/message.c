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

#include "spoold/smtp/message.h"

/*
 * Why ADDR cannot be sent; NULL if it can.  All that could do harm in a
 * command envelope_read() has kept out.
 */
static const char *
address_fault(const char *addr)
{
	for (const char *p = addr; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return "[local] the address has 8-bit characters, "
			       "which cannot be sent yet (SMTPUTF8)";
	return NULL;
}

void
message_check_addresses(struct job *job)
{
	const struct envelope *env = &job->qf.env;
	const char *fault;

	fault = env->sender[0] != '\0' ? address_fault(env->sender) : NULL;
	if (fault != NULL) {
		job_tell_rest(job, OUTCOME_FAILED, fault);
		return;
	}
	for (size_t i = 0; i < job->target_count; i++) {
		struct target *target = &job->targets[i];

		fault = address_fault(env->rcpts[target->index].addr);
		if (fault != NULL)
			job_tell(job, target, OUTCOME_FAILED, fault);
	}
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

	if (envelope_orcpt_fault(orcpt) != NULL)
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
	smtp_recipient_t handle = smtp_add_recipient(message, rcpt->addr);

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

/* The parameters of MAIL, those that the server knows. */
static int
add_parameters(smtp_message_t message, const struct job *job,
    const struct capabilities *caps)
{
	const struct envelope *env = &job->qf.env;

	if (caps->has_size)
		(void)smtp_size_set_estimate(
		    message, (unsigned long)job->qf.msg_bytes);
	/* Demands the extension of the server: only where it is offered. */
	if (caps->has_8bitmime && env->body == BODY_8BITMIME)
		(void)smtp_8bitmime_set_body(message, E8bitmime_8BITMIME);
	if (!caps->has_dsn)
		return 0;
	if (env->ret != RET_UNSPECIFIED)
		(void)smtp_dsn_set_ret(
		    message, env->ret == RET_FULL ? Ret_FULL : Ret_HDRS);
	if (env->envid == NULL || envelope_envid_fault(env->envid) != NULL)
		return 0;
	return smtp_dsn_set_envid(message, env->envid) ? 0 : -ENOMEM;
}

int
message_add(smtp_session_t lib, struct job *job,
    const struct capabilities *caps, smtp_messagecb_t read, void *arg)
{
	const struct envelope *env = &job->qf.env;
	smtp_message_t message = smtp_add_message(lib);
	int err;

	if (message == NULL)
		return -ENOMEM;
	if (!smtp_set_messagecb(message, read, arg) ||
	    !smtp_set_reverse_path(
		message, env->sender[0] != '\0' ? env->sender : NULL))
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
