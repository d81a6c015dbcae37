/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `viaduct events`: a line for each thing that happens. */
#ifndef VIADUCT_CLI_EVENTS_H
#define VIADUCT_CLI_EVENTS_H

#include "cli/command.h"

enum exit_code events_run(const struct command_env *env, json_t *options,
			  char *const *words);

#endif
