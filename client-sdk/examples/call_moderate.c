/*
 * call_moderate: commands that are typed ("/kick 3"), and what moderators and administrators do in
 * words. Knows nothing of terminals.
 */
#include "client-sdk/examples/call_moderate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-sdk/examples/call_text.h"

#define LINE_MAX_LENGTH 4096

static const struct {
	const char *name;
	unsigned bit;
} kinds[] = { { "audio", HELIO_KIND_BIT(HELIO_AUDIO) }, { "video", HELIO_KIND_BIT(HELIO_VIDEO) },
	{ "screen", HELIO_KIND_BIT(HELIO_SCREEN) }, { "data", HELIO_KIND_BIT(HELIO_DATA) } };

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static void notice(struct call *c, const char *what, const struct helio_participant *who,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

static void notice(struct call *c, const char *what, const struct helio_participant *who,
	const char *format, ...)
{
	char raw[768], text[768];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	call_text_clean(text, sizeof(text), raw, strlen(raw));
	c->view->notice(c, what, who, text);
}

/* "audio and video"; out has room for all. */
static void name_kinds(char out[64], unsigned bits)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if ((bits & kinds[i].bit) != 0) {
			used += (size_t)snprintf(out + used, 64 - used, "%s%s",
				used > 0 ? " and " : "", kinds[i].name);
		}
	}
}

static void tell_muted(struct call *c, const struct helio_event *e)
{
	char names[64];

	name_kinds(names, e->moderation->kinds);
	notice(c, e->moderation->on ? "muted" : "unmuted", e->participant, "%s of %s is %s", names,
		e->participant->name, e->moderation->on ? "muted" : "no longer muted");
}

void call_moderate_event(struct call *c, const struct helio_event *e)
{
	switch (e->type) {
	case HELIO_EVENT_LOBBY:
		notice(c, "lobby", NULL, "waiting to be let into room %s", e->text);
		break;
	case HELIO_EVENT_WAITING:
		notice(c, "waiting", e->participant, "%s (%s) waits: /admit %u or /deny %u",
			e->participant->name, e->participant->id, e->participant->number,
			e->participant->number);
		break;
	case HELIO_EVENT_WAITING_LEFT:
		notice(c, "waiting-left", e->participant, "%s waits no longer",
			e->participant->name);
		break;
	case HELIO_EVENT_MUTED:
		tell_muted(c, e);
		break;
	case HELIO_EVENT_LOCKED:
		notice(c, e->moderation->on ? "locked" : "unlocked", NULL, "the room is %s",
			e->moderation->on ? "locked" : "no longer locked");
		break;
	case HELIO_EVENT_POLICY:
		notice(c, "policy", NULL, "the rules of the room have changed");
		break;
	case HELIO_EVENT_REKEY:
		notice(c, "rekey", NULL, "the room has a new media key (epoch %llu)",
			(unsigned long long)e->moderation->epoch);
		break;
	case HELIO_EVENT_MOVED:
		notice(c, "moved", NULL, "an administrator sends you to room %s", e->text);
		break;
	default:
		break;
	}
}

/* ---------------------------------------------------------------- commands */

/* The next word, cut out of *rest; NULL at the end. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " ");
	size_t len = strcspn(word, " ");

	if (len == 0) {
		return NULL;
	}
	*rest = word + len;
	if (**rest != '\0') {
		*(*rest)++ = '\0';
	}
	return word;
}

static bool read_number(const char *word, unsigned long max, unsigned long *out)
{
	char *end;

	if (word == NULL || *word < '0' || *word > '9') {
		return false;
	}
	*out = strtoul(word, &end, 10);
	return *end == '\0' && *out <= max;
}

static int run_mute(struct call *c, uint16_t number, char *rest, bool muted)
{
	unsigned bits = 0;

	for (char *word = next_word(&rest); word != NULL; word = next_word(&rest)) {
		unsigned bit = 0;
		for (size_t i = 0; i < KIND_COUNT; i++) {
			bit = strcmp(kinds[i].name, word) == 0 ? kinds[i].bit : bit;
		}
		if (bit == 0) {
			return HELIO_ERR_INVALID;
		}
		bits |= bit;
	}
	return helio_mute(c->helio, number, bits != 0 ? bits : kinds[0].bit, muted);
}

static int run_kick(struct call *c, uint16_t number, char *rest)
{
	char *text = rest;
	unsigned long ban_s = 0;

	text += strspn(text, " ");
	if (*text >= '0' && *text <= '9') {
		if (!read_number(next_word(&text), 86400, &ban_s)) {
			return HELIO_ERR_INVALID;
		}
		text += strspn(text, " ");
	}
	return helio_kick(c->helio, number, (unsigned)ban_s, *text != '\0' ? text : NULL);
}

static int run_who(struct call *c)
{
	for (unsigned i = 0; i < c->roster.person_count; i++) {
		const struct call_person *person = c->roster.persons[i];
		notice(c, "who", NULL, "%u: %s (%s)", person->number, person->name, person->id);
	}
	return HELIO_OK;
}

static int run(struct call *c, const char *name, char *rest)
{
	static const char *const of_one[] = { "mute", "unmute", "kick", "admit", "deny" };
	unsigned long number = 0;

	if (strcmp(name, "who") == 0) {
		return run_who(c);
	}
	if (strcmp(name, "lock") == 0 || strcmp(name, "unlock") == 0) {
		return helio_lock(c->helio, name[0] == 'l');
	}
	for (size_t i = 0; i < sizeof(of_one) / sizeof(of_one[0]); i++) {
		if (strcmp(of_one[i], name) != 0) {
			continue;
		}
		if (!read_number(next_word(&rest), UINT16_MAX, &number)) {
			return HELIO_ERR_INVALID;
		}
		uint16_t n = (uint16_t)number;
		return i < 2     ? run_mute(c, n, rest, i == 0)
			: i == 2 ? run_kick(c, n, rest)
			: i == 3 ? helio_admit(c->helio, n)
				 : helio_deny(c->helio, n);
	}
	return HELIO_ERR_INVALID;
}

bool call_moderate_command(struct call *c, const char *text, size_t length)
{
	char line[LINE_MAX_LENGTH + 1];

	if (length < 2 || text[0] != '/' || text[1] == '/' || length > LINE_MAX_LENGTH) {
		return false;
	}
	memcpy(line, text + 1, length - 1);
	line[length - 1] = '\0';
	char *rest = line;
	const char *name = next_word(&rest);
	int err = name != NULL ? run(c, name, rest) : HELIO_ERR_INVALID;
	if (err == HELIO_ERR_INVALID) {
		notice(c, "usage", NULL,
			"/who, /mute N [audio|video|screen|data], /unmute N, /kick N [SECONDS] [WHY], "
			"/lock, /unlock, /admit N, /deny N; N as in /who; //TEXT says /TEXT");
	} else if (err != HELIO_OK) {
		c->view->problem(c, "the command was not carried out", err, NULL);
	}
	return true;
}
