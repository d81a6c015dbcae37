/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with a message when its body is settled: it leaves, or not. */
#ifndef VIADUCT_PROXY_PASS_H
#define VIADUCT_PROXY_PASS_H

#include "proxy/job.h"

/* May end the call and free the relay; takes the job's message out of it. */
void pass_message(struct job *job, const struct exchange_result *result);

#endif
