/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the test, one a line on stdin. */
#ifndef PHONE_COMMAND_H
#define PHONE_COMMAND_H

#include "phone.h"

struct command;

/* Reads stdin until it ends or says "quit", which leaves the event loop. */
struct command *command_new(struct phone *phone, int fd);
void command_free(struct command *command);

#endif
