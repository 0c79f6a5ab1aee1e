/*
 * ports_ephemeral: reads what the kernel says of its ephemeral ports. Files of /proc are not
 * untrusted, but what is no number ends the reading.
 */
#include "reflector/ports_ephemeral.h"

#include <stdio.h>

/* A port that the file names is set to true. */
static void read_reserved(const char *reserved_file, bool reserved[65536])
{
	FILE *file = fopen(reserved_file, "re");
	unsigned from, to;

	if (file == NULL) {
		return;
	}
	while (fscanf(file, "%u", &from) == 1) {
		to = from;
		int next = getc(file);
		if (next == '-') {
			if (fscanf(file, "%u", &to) != 1) {
				break;
			}
			next = getc(file);
		}
		for (unsigned port = from; port <= to && port < 65536u; port++) {
			reserved[port] = true;
		}
		if (next != ',') {
			break;
		}
	}
	(void)fclose(file);
}

bool ports_ephemeral(const uint16_t *ports, size_t count, const char *range_file,
	const char *reserved_file, unsigned *first, unsigned *last)
{
	bool reserved[65536] = { false };
	FILE *file = fopen(range_file, "re");

	if (file == NULL) {
		return false;
	}
	int got = fscanf(file, "%u %u", first, last);
	(void)fclose(file);
	if (got != 2) {
		return false;
	}
	read_reserved(reserved_file, reserved);
	for (size_t i = 0; i < count; i++) {
		if (ports[i] >= *first && ports[i] <= *last && !reserved[ports[i]]) {
			return true;
		}
	}
	return false;
}
