/* SPDX-License-Identifier: GPL-2.0-or-later */
/* phone: a SIP user agent for tests, on libosip2's parser. */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <osipparser2/osip_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

static const char usage[] =
	"usage: phone --sip ADDR:PORT --aor URI --proxy ADDR:PORT\n"
	"  [--user NAME --password WORD]  answer digest challenges\n"
	"  [--media ADDR:PORT]...         an m= line each, RTCP one port above\n"
	"  [--auto ring|answer|none]      on an incoming call (ring)\n"
	"  [--ring-ms N]                  with answer: how long it rings (0)\n"
	"  [--early yes|no]               183 with SDP and early media (no)\n"
	"  [--late-offer]                 INVITE without SDP, answer in ACK\n"
	"  [--contact-user WORD] [--expires N] [--log FILE]\n"
	"Commands are read from stdin, events are written to stdout.\n";

enum option_name {
	OPT_SIP = 1,
	OPT_AOR,
	OPT_PROXY,
	OPT_USER,
	OPT_PASSWORD,
	OPT_MEDIA,
	OPT_AUTO,
	OPT_RING_MS,
	OPT_EARLY,
	OPT_LATE_OFFER,
	OPT_CONTACT_USER,
	OPT_EXPIRES,
	OPT_LOG,
};

static const struct option long_options[] = {
	{ "sip", required_argument, NULL, OPT_SIP },
	{ "aor", required_argument, NULL, OPT_AOR },
	{ "proxy", required_argument, NULL, OPT_PROXY },
	{ "user", required_argument, NULL, OPT_USER },
	{ "password", required_argument, NULL, OPT_PASSWORD },
	{ "media", required_argument, NULL, OPT_MEDIA },
	{ "auto", required_argument, NULL, OPT_AUTO },
	{ "ring-ms", required_argument, NULL, OPT_RING_MS },
	{ "early", required_argument, NULL, OPT_EARLY },
	{ "late-offer", no_argument, NULL, OPT_LATE_OFFER },
	{ "contact-user", required_argument, NULL, OPT_CONTACT_USER },
	{ "expires", required_argument, NULL, OPT_EXPIRES },
	{ "log", required_argument, NULL, OPT_LOG },
	{ NULL, 0, NULL, 0 },
};

static int take_number(const char *text, unsigned *ret_number)
{
	unsigned long number;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || number > 1000000000)
		return -EINVAL;
	*ret_number = (unsigned)number;
	return 0;
}

static int take_auto(const char *text, enum phone_auto *ret_auto)
{
	if (!strcmp(text, "ring"))
		*ret_auto = AUTO_RING;
	else if (!strcmp(text, "answer"))
		*ret_auto = AUTO_ANSWER;
	else if (!strcmp(text, "none"))
		*ret_auto = AUTO_NONE;
	else
		return -EINVAL;
	return 0;
}

static int take_early(const char *text, bool *ret_early)
{
	*ret_early = !strcmp(text, "yes");
	return *ret_early || !strcmp(text, "no") ? 0 : -EINVAL;
}

static int take_media(const char *text, struct phone_options *options)
{
	struct address address;

	/* an odd last port leaves none for RTCP */
	if (options->n_media == MEDIA_STREAMS ||
	    address_parse(text, &address) || address_port(&address) == 65535)
		return -EINVAL;
	options->media[options->n_media++] = address;
	return 0;
}

static int take_option(int name, const char *value,
		       struct phone_options *options)
{
	switch (name) {
	case OPT_SIP:
		return address_parse(value, &options->sip);
	case OPT_AOR:
		options->aor = value;
		return strncmp(value, "sip:", 4) ? -EINVAL : 0;
	case OPT_PROXY:
		return address_parse(value, &options->proxy);
	case OPT_USER:
		options->user = value;
		return 0;
	case OPT_PASSWORD:
		options->password = value;
		return 0;
	case OPT_MEDIA:
		return take_media(value, options);
	case OPT_AUTO:
		return take_auto(value, &options->automatic);
	case OPT_RING_MS:
		return take_number(value, &options->ring_ms);
	case OPT_EARLY:
		return take_early(value, &options->early);
	case OPT_LATE_OFFER:
		options->late_offer = true;
		return 0;
	case OPT_CONTACT_USER:
		options->contact_user = value;
		return 0;
	case OPT_EXPIRES:
		return take_number(value, &options->expires);
	case OPT_LOG:
		options->log_file = value;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct phone_options *options)
{
	int index = 0;
	int name;

	while ((name = getopt_long(argc, argv, "", long_options, &index)) !=
	       -1) {
		if (name != '?' && !take_option(name, optarg, options))
			continue;
		if (name != '?')
			fprintf(stderr, "phone: --%s: bad value \"%s\"\n",
				long_options[index].name, optarg);
		return -EINVAL;
	}
	if (optind < argc || !options->sip.length || !options->proxy.length ||
	    !options->aor)
		return -EINVAL;
	return 0;
}

/* What the parser complains of is no news: the phone reports the message. */
static void ignore_trace(const char *file, int line, osip_trace_level_t level,
			 const char *format, va_list args)
{
	(void)file;
	(void)line;
	(void)level;
	(void)format;
	(void)args;
}

int main(int argc, char **argv)
{
	struct phone_options options = { .expires = 3600 };
	struct event_base *base;
	struct command *command;
	struct phone *phone;

	if (parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	parser_init();
	osip_trace_initialize_func(END_TRACE_LEVEL, ignore_trace);
	base = event_base_new();
	phone = base ? phone_new(base, &options) : NULL;
	if (!phone) {
		fprintf(stderr, "phone: cannot start: %s\n", strerror(errno));
		if (base)
			event_base_free(base);
		return 1;
	}
	command = command_new(phone, STDIN_FILENO);
	report_event(phone->report, "ready", NULL);
	event_base_dispatch(base);
	command_free(command);
	phone_free(phone);
	event_base_free(base);
	return 0;
}
