/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a configuration from a text, for tests. */
#ifndef VIADUCT_TESTS_COMMON_CONFCASE_H
#define VIADUCT_TESTS_COMMON_CONFCASE_H

#include "common/conf.h"

/* Realms inside and outside as most tests want them: 2 lines. */
#define CONF_TWO_REALMS                                             \
	"realm inside { interface = in0 networks = \"10.0.0.0/8\" " \
	"reaches = outside }\n"                                     \
	"realm outside { interface = out0 "                         \
	"pool = \"203.0.113.16/30:16384-32767\" }\n"

struct confcase {
	char folder[64];
	char path[80]; /* of the file "f" in it */
	char *told;    /* what was told, with "f:" for the path */
	struct conf *conf;
};

/* Writes the file, reads it. What is there is freed by confcase_done. */
void confcase_read(struct confcase *ret, const char *text);
/* Reads the file once more. */
void confcase_again(struct confcase *c);
/* Another file beside it. */
void confcase_add_file(const struct confcase *c, const char *name,
		       const char *text);
void confcase_done(struct confcase *c);

#endif
