/*
 * policy_hours: the one file that knows of time zones (GLib reads the system's data). Local time
 * is only ever turned into seconds since the epoch within a stretch of constant offset, so that
 * hours which come twice or never need no rule of their own.
 */
#include "authd/policy_hours.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400
#define MINUTE 60
#define BACK_DAYS 2 /* a window that is open began at most this long ago */
#define AHEAD_DAYS 9
#define STRETCHES_MAX 16

static const char *const day_names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

int policy_hours_parse_time(const char *text, unsigned *minutes)
{
	if (strlen(text) != 5 || strspn(text, "0123456789") != 2 || text[2] != ':' ||
		strspn(text + 3, "0123456789") != 2) {
		return ERR_INVALID;
	}
	unsigned hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	unsigned minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');

	if (minute > 59 || hour * 60 + minute > POLICY_DAY_MINUTES) {
		return ERR_INVALID;
	}
	*minutes = hour * 60 + minute;
	return 0;
}

unsigned policy_hours_parse_day(const char *text)
{
	for (unsigned i = 0; i < 7; i++) {
		if (strcmp(text, day_names[i]) == 0) {
			return 1u << i;
		}
	}
	return 0;
}

/* GLib also takes offsets ("+01:00"), POSIX rules ("CET-1CEST") and paths: none of these is the
 * name of a place. NULL when it is not known. */
static GTimeZone *zone_open(const char *zone)
{
	static const char *const allowed =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t len = strspn(zone, allowed);

	if (strcmp(zone, "UTC") == 0) {
		return g_time_zone_new_utc();
	}
	if (len == 0 || len > POLICY_ZONE_MAX || zone[len] != '\0' || !g_ascii_isupper(zone[0]) ||
		strchr(zone, '/') == NULL || strstr(zone, "//") != NULL) {
		return NULL;
	}
	return g_time_zone_new_identifier(zone);
}

bool policy_hours_zone_known(const char *zone)
{
	GTimeZone *tz = zone_open(zone);

	if (tz == NULL) {
		return false;
	}
	g_time_zone_unref(tz);
	return true;
}

/* A time in which the zone's offset to UTC stays the same. */
struct stretch {
	int64_t begin, end, offset;
};

static int64_t offset_at(GTimeZone *tz, int64_t at)
{
	return g_time_zone_get_offset(tz, g_time_zone_find_interval(tz, G_TIME_TYPE_UNIVERSAL, at));
}

/* The first second in (low, high] with another offset than low's; they differ at high. */
static int64_t find_change(GTimeZone *tz, int64_t low, int64_t high)
{
	int64_t offset = offset_at(tz, low);

	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;
		if (offset_at(tz, mid) == offset) {
			low = mid;
		} else {
			high = mid;
		}
	}
	return high;
}

static size_t find_stretches(
	GTimeZone *tz, int64_t begin, int64_t end, struct stretch out[STRETCHES_MAX])
{
	size_t count = 1;

	out[0] = (struct stretch){ begin, end, offset_at(tz, begin) };
	for (int64_t at = begin; at < end; at += DAY) {
		int64_t next = at + DAY < end ? at + DAY : end;
		if (offset_at(tz, next) != out[count - 1].offset && count < STRETCHES_MAX) {
			int64_t change = find_change(tz, at, next);
			out[count - 1].end = change;
			out[count++] = (struct stretch){ change, end, offset_at(tz, change) };
		}
	}
	return count;
}

struct span {
	int64_t begin, end;
};

struct spans {
	struct span *list;
	size_t count, capacity;
};

static void add_span(struct spans *s, int64_t begin, int64_t end)
{
	if (begin < end && s->count < s->capacity) {
		s->list[s->count++] = (struct span){ begin, end };
	}
}

/* Every opening of the windows that touches the stretch, cut to it. */
static void add_stretch(
	struct spans *s, const struct policy_hours *hours, const struct stretch *stretch)
{
	int64_t first = (stretch->begin + stretch->offset) / DAY - 1;
	int64_t last = (stretch->end + stretch->offset) / DAY;

	for (int64_t day = first; day <= last; day++) {
		unsigned bit = 1u << ((day + 3) % 7); /* day 0 was a Thursday */
		for (size_t i = 0; i < hours->count; i++) {
			const struct policy_window *w = &hours->windows[i];
			if ((w->days & bit) == 0) {
				continue;
			}
			int64_t to = w->to + (w->to <= w->from ? POLICY_DAY_MINUTES : 0);
			int64_t midnight = day * DAY - stretch->offset;
			int64_t begin = midnight + (int64_t)w->from * MINUTE;
			int64_t end = midnight + to * MINUTE;
			add_span(s, begin > stretch->begin ? begin : stretch->begin,
				end < stretch->end ? end : stretch->end);
		}
	}
}

/* Grows [*begin, *end) by every span that touches it, as long as there is one. */
static void join_spans(const struct spans *s, struct span *span)
{
	bool grew = true;

	while (grew) {
		grew = false;
		for (size_t i = 0; i < s->count; i++) {
			const struct span *other = &s->list[i];
			if (other->begin > span->end || other->end < span->begin ||
				(other->begin >= span->begin && other->end <= span->end)) {
				continue;
			}
			span->begin = other->begin < span->begin ? other->begin : span->begin;
			span->end = other->end > span->end ? other->end : span->end;
			grew = true;
		}
	}
}

static void judge(const struct spans *s, int64_t now, bool *open, int64_t *from, int64_t *until)
{
	for (size_t i = 0; i < s->count; i++) {
		struct span span = s->list[i];
		if (span.begin <= now && now < span.end) {
			join_spans(s, &span);
			*open = true;
			*from = span.begin;
			*until = span.end;
			return;
		}
		if (span.begin > now && (*from == 0 || span.begin < *from)) {
			*from = span.begin;
		}
	}
}

int policy_hours_look(
	const struct policy_hours *hours, int64_t now, bool *open, int64_t *from, int64_t *until)
{
	struct stretch stretches[STRETCHES_MAX];
	struct spans spans = { 0 };

	*open = hours->count == 0;
	*from = *until = 0;
	if (hours->count == 0) {
		return 0;
	}
	GTimeZone *tz = zone_open(hours->zone);
	if (tz == NULL) {
		return ERR_INVALID;
	}
	size_t count = find_stretches(
		tz, now - BACK_DAYS * (int64_t)DAY, now + AHEAD_DAYS * (int64_t)DAY, stretches);
	g_time_zone_unref(tz);
	/* each day of each window at most once, and once more for each stretch that cuts it */
	spans.capacity = hours->count * (BACK_DAYS + AHEAD_DAYS + 3 * STRETCHES_MAX);
	spans.list = g_try_new(struct span, spans.capacity);
	if (spans.list == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		add_stretch(&spans, hours, &stretches[i]);
	}
	judge(&spans, now, open, from, until);
	g_free(spans.list);
	return 0;
}

void policy_hours_text(const char *zone, int64_t at, char out[96])
{
	static const char *const days[] = { "", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	GTimeZone *tz = zone_open(zone);
	GDateTime *utc = g_date_time_new_from_unix_utc(at);
	GDateTime *local = tz != NULL && utc != NULL ? g_date_time_to_timezone(utc, tz) : NULL;

	out[0] = '\0';
	if (local != NULL) {
		snprintf(out, 96, "%s %04d-%02d-%02d %02d:%02d %s",
			days[g_date_time_get_day_of_week(local)], g_date_time_get_year(local),
			g_date_time_get_month(local), g_date_time_get_day_of_month(local),
			g_date_time_get_hour(local), g_date_time_get_minute(local), zone);
		g_date_time_unref(local);
	}
	if (utc != NULL) {
		g_date_time_unref(utc);
	}
	if (tz != NULL) {
		g_time_zone_unref(tz);
	}
}
