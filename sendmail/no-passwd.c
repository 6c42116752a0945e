/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * libconfuse completes "~" in paths, which we never ask it to, and would bring
 * the name service switch into a set-group-id program, plug-ins and all.  The
 * linker gives it these instead (--wrap, see local.mk).
 */

#include "config.h"

#include <pwd.h>
#include <stddef.h>

struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwuid(uid_t uid);

struct passwd *
__wrap_getpwnam(const char *name)
{
	(void)name;
	return NULL;
}

struct passwd *
__wrap_getpwuid(uid_t uid)
{
	(void)uid;
	return NULL;
}
