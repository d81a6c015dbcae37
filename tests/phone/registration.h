/* SPDX-License-Identifier: GPL-2.0-or-later */
/* REGISTER: one binding of our Contact, refreshed before it ends. */
#ifndef PHONE_REGISTRATION_H
#define PHONE_REGISTRATION_H

#include "phone.h"

struct registration *registration_new(struct phone *phone);
void registration_free(struct registration *registration);
/* Binds for so many seconds; 0 removes the binding. */
void registration_send(struct registration *registration, unsigned expires);

#endif
