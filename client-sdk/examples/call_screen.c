/*
 * call_screen: the views for people. On a terminal a block of lines (participants with level bars,
 * a status line, what is being typed) is drawn in place below the chat; elsewhere each thing that
 * happens is one line. Strings of others pass call_text_clean() before they are printed.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client-sdk/examples/call.h"
#include "client-sdk/examples/call_clock.h"
#include "client-sdk/examples/call_text.h"

#define BAR 20u
#define LEVEL_FLOOR 60u /* -dBov at which the bar is empty */
#define LEVEL_STALE (CALL_SECOND / 2) /* after that the talker is silent */
#define ROWS_MAX 20u /* participants shown */
#define LINE_SIZE 1024u

struct call_screen {
	bool color;
	unsigned drawn; /* lines of the block on the screen now */
};

bool call_screen_open(struct call *c)
{
	const char *no_color = getenv("NO_COLOR");

	c->screen = calloc(1, sizeof(*c->screen));
	if (c->screen != NULL) {
		c->screen->color = no_color == NULL || no_color[0] == '\0';
	}
	return c->screen != NULL;
}

static void erase_block(struct call_screen *s)
{
	if (s != NULL && s->drawn > 0) {
		printf("\r\033[%uA\033[J", s->drawn);
		s->drawn = 0;
	}
}

void call_screen_close(struct call *c)
{
	erase_block(c->screen);
	fflush(stdout);
	free(c->screen);
	c->screen = NULL;
}

/* One line that stays, above the block. */
static void say(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct call *c, const char *format, ...)
{
	va_list ap;

	erase_block(c->screen);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* ---------------------------------------------------------------- what happens */

static void show_joined(struct call *c, const struct helio_participant *self)
{
	char id[512];

	call_text_clean(id, sizeof(id), self->id, strlen(self->id));
	if (c->options.room != NULL) {
		say(c, "* you are %s in room %s", id, c->options.room);
	} else { /* a guest: the invite knows the room */
		say(c, "* you are %s in the room of the invite", id);
	}
}

static void show_person(struct call *c, const struct call_person *person, bool here, int error)
{
	if (here) {
		say(c, "* %s (%s) is here", person->name, person->id);
	} else {
		say(c, "* %s (%s) has left%s%s", person->name, person->id,
			error != HELIO_OK ? ": " : "",
			error != HELIO_OK ? helio_error_text(error) : "");
	}
}

static void show_stream(struct call *c, const struct call_stream *stream, bool there)
{
	static const char *const names[] = { "?", "audio", "video", "screen", "data" };

	if (c->options.verbose) {
		say(c, "* %s %s %s (%s)", stream->person->name, there ? "sends" : "no longer sends",
			names[(unsigned)stream->kind <= HELIO_DATA ? stream->kind : 0],
			stream->codec);
	}
}

static void say_chat(
	struct call *c, const char *name, const char *mark, const char *text, size_t length)
{
	size_t size = length * 3 + 1; /* a byte that is no UTF-8 becomes three */
	char *safe = malloc(size);

	if (safe != NULL) {
		call_text_clean(safe, size, text, length);
		bool color = c->screen != NULL && c->screen->color;
		say(c, "%s<%s>%s%s %s", color ? "\033[1m" : "", name, color ? "\033[0m" : "", mark,
			safe);
		free(safe);
	}
}

static void show_chat(struct call *c, const struct helio_chat *chat)
{
	char name[512];
	const char *from = chat->from_name != NULL && chat->from_name[0] != '\0' ? chat->from_name
										 : chat->from_id;

	call_text_clean(name, sizeof(name), from, strlen(from));
	say_chat(c, name, chat->is_private ? " (to you alone)" : "", chat->text, chat->length);
}

static void show_chat_sent(struct call *c, const char *text, size_t length)
{
	say_chat(c, "you", "", text, length);
}

static void show_notice(
	struct call *c, const char *what, const struct helio_participant *who, const char *text)
{
	(void)what;
	(void)who;
	say(c, "* %s", text);
}

static const char *advice(int error)
{
	switch (call_session_exit_code(error)) {
	case CALL_EXIT_UNREACHABLE:
		return "Check --authd, the network and the certificates (--authd-ca, --ca)";
	case CALL_EXIT_DENIED:
		return "Check --user, the password and --room, or ask who runs the server";
	default:
		return "Try again with --verbose";
	}
}

static void show_problem(struct call *c, const char *what, int error, const char *text)
{
	char why[LINE_SIZE], raw[LINE_SIZE];

	snprintf(raw, sizeof(raw), "%s (%s)%s%s", helio_error_text(error), helio_error_name(error),
		text != NULL ? ": " : "", text != NULL ? text : "");
	call_text_clean(why, sizeof(why), raw, strlen(raw));
	erase_block(c->screen);
	fflush(stdout);
	call_text_error(what, why, advice(error));
}

static void show_summary(struct call *c, int exit_code)
{
	const struct call_send_counts *sent = call_send_counts(c->send);
	const struct call_counts *n = &c->counts;

	if (!c->joined) {
		return;
	}
	say(c, "sent: audio %.1f s, video %" PRIu64 " frames, chat %" PRIu64,
		(double)sent->audio_samples / 48000.0, sent->video_frames, n->chat_sent);
	say(c, "received: audio %.1f s, video %" PRIu64 " frames, chat %" PRIu64,
		(double)n->audio_samples / 48000.0, n->video_received, n->chat_received);
	if (n->dropped != 0 || sent->refused != 0) {
		say(c, "not received: %" PRIu64 " frames; not sent: %" PRIu64, n->dropped,
			sent->refused);
	}
	if (exit_code != CALL_EXIT_OK) {
		say(c, "the call did not end well (exit code %d)", exit_code);
	}
}

/* ---------------------------------------------------------------- the block */

static unsigned columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) {
		return size.ws_col;
	}
	return 80;
}

/* Prints a line of the block, cut to the width; text is clean, so a byte sequence is a column. */
static void block_line(struct call_screen *s, const char *text, unsigned width)
{
	unsigned column = 0;
	size_t n = 0;

	while (text[n] != '\0') {
		column += ((uint8_t)text[n] & 0xc0) != 0x80;
		if (column >= width) {
			break;
		}
		n++;
	}
	printf("%.*s\n", (int)n, text);
	s->drawn++;
}

static void block_person(
	struct call_screen *s, const struct call_person *person, int64_t now_ns, unsigned width)
{
	char bar[BAR + 1], line[LINE_SIZE];
	bool talks = now_ns - person->level_ns < LEVEL_STALE;
	unsigned level = talks && person->level < LEVEL_FLOOR ? LEVEL_FLOOR - person->level : 0;

	for (unsigned i = 0; i < BAR; i++) {
		bar[i] = i * LEVEL_FLOOR < level * BAR ? '#' : '.';
	}
	bar[BAR] = '\0';
	int pad = 20 - (int)call_text_width(person->name);
	snprintf(line, sizeof(line), "%s%*s [%s] audio %" PRIu64 " video %" PRIu64, person->name,
		pad > 0 ? pad : 0, "", bar, person->audio_frames, person->video_frames);
	if (s->color && level > 0) {
		fputs("\033[32m", stdout);
	}
	block_line(s, line, width);
	if (s->color && level > 0) {
		fputs("\033[0m", stdout);
	}
}

static void block_status(struct call *c, int64_t now_ns, unsigned width)
{
	struct helio_stats stats = { .size = sizeof(stats) };
	char line[LINE_SIZE];
	const struct call_send_counts *sent = call_send_counts(c->send);

	if (!c->joined) {
		block_line(c->screen, "-- joining ...", width);
		return;
	}
	helio_get_stats(c->helio, &stats);
	unsigned seconds = (unsigned)((now_ns - c->joined_ns) / CALL_SECOND);
	snprintf(line, sizeof(line),
		"-- %s  %u:%02u  %u other%s  rtt %u ms  sent %.0f s / %" PRIu64 " pictures%s",
		c->options.room, seconds / 60, seconds % 60, c->roster.person_count,
		c->roster.person_count == 1 ? "" : "s", stats.rtt_ms,
		(double)sent->audio_samples / 48000.0, sent->video_frames,
		c->leaving ? "  leaving" : "");
	block_line(c->screen, line, width);
}

static void draw(struct call *c, int64_t now_ns)
{
	char typed[CALL_LINE_MAX * 3 + 8] = "> ";
	unsigned width = columns();

	erase_block(c->screen);
	for (unsigned i = 0; i < c->roster.person_count && i < ROWS_MAX; i++) {
		block_person(c->screen, c->roster.persons[i], now_ns, width);
	}
	if (c->roster.person_count > ROWS_MAX) {
		char more[64];
		snprintf(more, sizeof(more), "and %u more", c->roster.person_count - ROWS_MAX);
		block_line(c->screen, more, width);
	}
	block_status(c, now_ns, width);
	if (c->input.editing) {
		call_text_clean(typed + 2, sizeof(typed) - 2, c->input.line, c->input.length);
		size_t over =
			call_text_width(typed) >= width ? call_text_width(typed) - width + 1 : 0;
		const char *from = typed; /* its end is what matters */
		for (; over > 0; over--) {
			do {
				from++;
			} while (((uint8_t)*from & 0xc0) == 0x80);
		}
		fputs(from, stdout);
	}
	fflush(stdout);
}

static void show_no_tick(struct call *c, int64_t now_ns)
{
	(void)c;
	(void)now_ns;
}

const struct call_view call_view_terminal = {
	.joined = show_joined,
	.person = show_person,
	.stream = show_stream,
	.chat = show_chat,
	.chat_sent = show_chat_sent,
	.notice = show_notice,
	.problem = show_problem,
	.tick = draw,
	.summary = show_summary,
	.period_ns = 100 * CALL_MS,
};

const struct call_view call_view_lines = {
	.joined = show_joined,
	.person = show_person,
	.stream = show_stream,
	.chat = show_chat,
	.chat_sent = show_chat_sent,
	.notice = show_notice,
	.problem = show_problem,
	.tick = show_no_tick,
	.summary = show_summary,
	.period_ns = CALL_SECOND,
};
