/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* Spoolgore's command line: what is hidden of it, and what it means. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "spoold/spoolgore.h"
#include "tests/unit/unit.h"

#define ARGS_MAX 12

/* ---- the list of processes ------------------------------------------- */

/* Each argument followed by '|'. */
static const struct {
	const char *argv[ARGS_MAX];
	const char *want;
} hidden[] = {
	{ { "spoold", "-smtpuser", "ann", "-smtppassword", "pw", "dir" },
	    "spoold|-smtpuser|ann|-smtppassword|*|dir|" },
	{ { "spoold", "--smtppassword=pw", "dir" },
	    "spoold|--smtppassword=*|dir|" },
	{ { "spoold", "-smtpp", "pw", "-smtpmd5p=pw2" },
	    "spoold|-smtpp|*|-smtpmd5p=*|" },
	{ { "spoold", "-smtpmd5password", "-pw-" },
	    "spoold|-smtpmd5password|*|" },
	{ { "spoold", "dir", "-smtppassword" }, "spoold|dir|-smtppassword|" },
	{ { "spoold", "-smtppassword", "", "x" }, "spoold|-smtppassword||x|" },
	{ { "spoold", "-smtppassword=", "x" }, "spoold|-smtppassword=|x|" },
	{ { "spoold", "--password-file", "f", "-smtpuser", "smtppassword",
	      "x" },
	    "spoold|--password-file|f|-smtpuser|smtppassword|x|" },
	{ { "spoold", "-smtppasswords", "x", "-s", "y", "-", "--" },
	    "spoold|-smtppasswords|x|-s|y|-|--|" },
	{ { "spoold" }, "spoold|" },
};

static void
put(FILE *out, const char *value)
{
	fprintf(out, "%s|", value);
}

START_TEST(passwords_are_overwritten)
{
	char *argv[ARGS_MAX + 1] = { NULL }, **copy, *text;
	size_t lengths[ARGS_MAX], size;
	int argc = 0;
	FILE *out;

	for (; hidden[_i].argv[argc] != NULL; argc++) {
		argv[argc] = strdup(hidden[_i].argv[argc]);
		lengths[argc] = strlen(argv[argc]);
	}
	copy = spoolgore_hide(argc, argv);
	ck_assert_ptr_nonnull(copy);
	out = open_memstream(&text, &size);
	for (int i = 0; i < argc; i++) {
		ck_assert_str_eq(copy[i], hidden[_i].argv[i]);
		put(out, argv[i]);
		/* Nothing is left behind the end, either. */
		for (size_t k = strlen(argv[i]); k < lengths[i]; k++)
			ck_assert_int_eq(argv[i][k], '\0');
		free(argv[i]);
	}
	ck_assert_ptr_null(copy[argc]);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, hidden[_i].want);
	free(text);
	spoolgore_forget(copy);
}
END_TEST

/* ---- the configuration ----------------------------------------------- */

static const struct {
	struct spoolgore sg;
	const char *host; /* NULL: refused */
	enum auth_mode auth;
	const char *user, *password;
} meant[] = {
	{ { .is_meant = true }, "127.0.0.1:25", AUTH_AUTO, NULL, NULL },
	{ { .addr = "mail.test:587" }, "mail.test:587", AUTH_AUTO, NULL, NULL },
	{ { .addr = ":2525" }, "127.0.0.1:2525", AUTH_AUTO, NULL, NULL },
	{ { .addr = "[::1]:25" }, "[::1]:25", AUTH_AUTO, NULL, NULL },
	{ { .addr = "" }, "127.0.0.1:25", AUTH_AUTO, NULL, NULL },
	{ { .addr = "mail.test:587", .user = "ann", .password = "pw" },
	    "mail.test:587", AUTH_PLAIN, "ann", "pw" },
	{ { .md5_user = "bob", .md5_password = "pw2" }, "127.0.0.1:25",
	    AUTH_CRAM_MD5, "bob", "pw2" },
	{ { .user = "ann",
	      .password = "pw",
	      .md5_user = "bob",
	      .md5_password = "pw2" },
	    "127.0.0.1:25", AUTH_PLAIN, "ann", "pw" },
	{ { .addr = "mail.test:0" }, NULL, AUTH_AUTO, NULL, NULL },
	{ { .addr = "a b" }, NULL, AUTH_AUTO, NULL, NULL },
	{ { .user = "ann", .password = "" }, NULL, AUTH_AUTO, NULL, NULL },
	{ { .user = "ann", .password = "p\nw" }, NULL, AUTH_AUTO, NULL, NULL },
};

static void
check_text(const char *got, const char *want)
{
	if (want == NULL)
		ck_assert_ptr_null(got);
	else
		ck_assert_str_eq(got, want);
}

START_TEST(options_make_a_configuration)
{
	struct config_error err = { "" };
	struct config cfg;
	int result =
	    spoolgore_load(&cfg, &meant[_i].sg, NULL, "/nowhere/spool", &err);

	ck_assert_ptr_null(cfg.path);
	if (meant[_i].host == NULL) {
		ck_assert_int_lt(result, 0);
		ck_assert_ptr_null(strstr(err.text, "p\nw"));
		ck_assert_str_ne(err.text, "");
		config_release(&cfg);
		return;
	}
	ck_assert_int_eq(result, 0);
	ck_assert_int_eq(config_check(&cfg, &err), 0);
	ck_assert_str_eq(cfg.spool, "/nowhere/spool");
	ck_assert_uint_eq(cfg.nrelays, 1);
	ck_assert_str_eq(cfg.relays[0].hosts[0], meant[_i].host);
	ck_assert_int_eq(cfg.relays[0].tls, TLS_OPPORTUNISTIC);
	ck_assert(cfg.relays[0].tls_verify);
	ck_assert_int_eq(cfg.relays[0].auth, meant[_i].auth);
	check_text(cfg.relays[0].user, meant[_i].user);
	check_text(cfg.relays[0].password, meant[_i].password);
	config_release(&cfg);
}
END_TEST

START_TEST(a_password_needs_a_user_and_a_user_a_password)
{
	struct spoolgore alone = { .is_meant = true, .password = "pw" };
	struct spoolgore alone_md5 = { .is_meant = true, .md5_password = "pw" };
	struct spoolgore user = { .is_meant = true, .user = "ann" };
	struct spoolgore fine = { .is_meant = true };
	struct config_error err;
	struct config cfg;

	ck_assert_int_eq(spoolgore_check(&alone, NULL, "/"), EX_USAGE);
	ck_assert_int_eq(spoolgore_check(&alone_md5, NULL, "/"), EX_USAGE);
	ck_assert_int_eq(spoolgore_check(&fine, NULL, "/"), 0);
	ck_assert_int_eq(spoolgore_check(&fine, NULL, NULL), EX_USAGE);
	ck_assert_int_eq(spoolgore_check(&fine, "/some.conf", NULL), 0);
	ck_assert_int_eq(
	    spoolgore_check(&fine, NULL, "/no/such/dir"), EX_NOINPUT);
	ck_assert_int_eq(spoolgore_load(&cfg, &user, NULL, "/s", &err), 0);
	ck_assert_int_eq(config_check(&cfg, &err), -EINVAL);
	config_release(&cfg);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spoolgore");
	TCase *tc = tcase_create("spoolgore");

	tcase_add_loop_test(tc, passwords_are_overwritten, 0,
	    sizeof(hidden) / sizeof(hidden[0]));
	tcase_add_loop_test(tc, options_make_a_configuration, 0,
	    sizeof(meant) / sizeof(meant[0]));
	tcase_add_test(tc, a_password_needs_a_user_and_a_user_a_password);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
