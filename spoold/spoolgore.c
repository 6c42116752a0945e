/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See spoold/spoolgore.h. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "spoold/spoolgore.h"

#define DEFAULT_ADDR "127.0.0.1:25"

/* ---- the list of processes ------------------------------------------- */

/*
 * Whether ARG is an option whose value nobody should see, maybe shortened.
 * *RET_VALUE is the value behind a "=", or NULL.
 */
static bool
is_secret(char *arg, char **ret_value)
{
	/* With how much of it there is no other option. */
	static const struct {
		const char *name;
		size_t least;
	} options[] = { { "smtppassword", 5 }, { "smtpmd5password", 8 } };
	size_t len;

	*ret_value = NULL;
	if (arg[0] != '-')
		return false;
	arg += arg[1] == '-' ? 2 : 1;
	len = strcspn(arg, "=");
	if (arg[len] == '=')
		*ret_value = arg + len + 1;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (len >= options[i].least &&
		    strncmp(arg, options[i].name, len) == 0)
			return true;
	return false;
}

/* Something stays, so that what follows is not taken for something else. */
static void
overwrite(char *value)
{
	size_t len = strlen(value);

	if (len > 0) {
		explicit_bzero(value, len);
		value[0] = '*';
	}
}

static void
overwrite_all(int argc, char *argv[])
{
	char *value;

	for (int i = 1; i < argc; i++) {
		if (!is_secret(argv[i], &value))
			continue;
		if (value == NULL && i + 1 < argc)
			value = argv[++i];
		if (value != NULL)
			overwrite(value);
	}
}

void
spoolgore_forget(char **copy)
{
	for (size_t i = 0; copy != NULL && copy[i] != NULL; i++) {
		explicit_bzero(copy[i], strlen(copy[i]));
		free(copy[i]);
	}
	free(copy);
}

char **
spoolgore_hide(int argc, char *argv[])
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));
	bool is_whole = copy != NULL;

	for (int i = 0; is_whole && i < argc; i++) {
		copy[i] = strdup(argv[i]);
		is_whole = copy[i] != NULL;
	}
	overwrite_all(argc, argv);
	if (is_whole)
		return copy;
	spoolgore_forget(copy);
	return NULL;
}

/* ---- the options ----------------------------------------------------- */

static int
complain(const char *what)
{
	(void)fprintf(stderr, "spoold: %s\n", what);
	return EX_USAGE;
}

static int
check_login(const struct spoolgore *sg)
{
	if (sg->password != NULL && sg->user == NULL)
		return complain("-smtppassword needs -smtpuser");
	if (sg->md5_password != NULL && sg->md5_user == NULL)
		return complain("-smtpmd5password needs -smtpmd5user");
	return 0;
}

int
spoolgore_check(
    const struct spoolgore *sg, const char *config, const char *spool)
{
	struct stat st;

	if (sg->password != NULL || sg->md5_password != NULL) {
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		(void)complain(
		    "a password on the command line is hidden now, but was "
		    "seen there, and stays in scripts and histories: "
		    "--password-file reads it from a file");
	}
	if (!sg->is_meant)
		return 0;
	if (spool == NULL && config == NULL)
		return complain("please specify a spool directory");
	/* One that is misspelt is not to be made. */
	if (spool != NULL && stat(spool, &st) < 0) {
		(void)fprintf(stderr, "spoold: the spool directory '%s': %s\n",
		    spool, strerror(errno));
		return EX_NOINPUT;
	}
	return check_login(sg);
}

/* ---- the configuration ----------------------------------------------- */

/* Prepend the option's name to what is wrong with a key. */
static int
set(struct config *cfg, const char *option, const char *key, const char *value,
    struct config_error *err)
{
	struct config_error why;
	int result = config_set(cfg, key, value, &why);

	if (result < 0)
		(void)snprintf(err->text, sizeof(err->text), "%s: %.450s",
		    option, why.text);
	return result;
}

static int
set_relay(struct config *cfg, const char *addr, struct config_error *err)
{
	char *whole = NULL;
	int result;

	if (addr == NULL || addr[0] == '\0')
		addr = DEFAULT_ADDR;
	/* To Go, no host is this one. */
	if (asprintf(&whole, "%s%s", addr[0] == ':' ? "127.0.0.1" : "", addr) <
	    0)
		return -ENOMEM;
	result = set(cfg, "-smtpaddr", "relay", whole, err);
	free(whole);
	cfg->stock[0].tls_verify = true;
	return result;
}

static int
set_login(struct config *cfg, const char *option, const char *auth,
    const char *user, const char *password, struct config_error *err)
{
	int result = set(cfg, option, "user", user, err);

	if (result == 0)
		result = set(cfg, option, "auth", auth, err);
	/* Without one there is --password-file, or config_check() complains. */
	if (result == 0 && password != NULL)
		result = config_set_secret(cfg, password, err);
	return result;
}

int
spoolgore_load(struct config *cfg, const struct spoolgore *sg,
    const char *config, const char *spool, struct config_error *err)
{
	int result =
	    config_load(cfg, config != NULL ? config : "/dev/null", spool, err);

	if (config == NULL) {
		free(cfg->path);
		cfg->path = NULL;
	}
	if (result == 0)
		result = set_relay(cfg, sg->addr, err);
	if (result < 0)
		return result;
	if (sg->user != NULL)
		return set_login(
		    cfg, "-smtpuser", "plain", sg->user, sg->password, err);
	if (sg->md5_user != NULL)
		return set_login(cfg, "-smtpmd5user", "cram-md5", sg->md5_user,
		    sg->md5_password, err);
	return 0;
}
