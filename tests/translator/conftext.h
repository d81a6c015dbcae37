/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration from a text of the test. */
#ifndef VIADUCT_TESTS_TRANSLATOR_CONFTEXT_H
#define VIADUCT_TESTS_TRANSLATOR_CONFTEXT_H

#include "common/conf.h"

/* Never NULL: a mistake fails the test. conf->path is "test.conf". */
struct conf *conftext_read(const char *text);

#endif
