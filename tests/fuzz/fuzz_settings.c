/*
 * fuzz_settings: values of the settings file. What an address says of itself must parse again.
 */
#include <stdlib.h>
#include <string.h>

#include "common/net.h"
#include "common/settings.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings_addr addr;
	uint16_t first = 1;
	uint16_t last = 1;
	uint64_t v = 0;
	char text[64];
	char *value = malloc(size + 1);

	if (value == NULL) {
		abort();
	}
	memcpy(value, data, size);
	value[size] = '\0';
	if (settings_parse_addr(value, &addr) == 0) {
		struct settings_addr again;

		net_addr_text((const struct sockaddr *)&addr.sa, addr.len, text);
		if (settings_parse_addr(text, &again) != 0) {
			abort();
		}
	}
	if (settings_parse_port_range(value, &first, &last) == 0 && (first == 0 || first > last)) {
		abort();
	}
	if ((settings_parse_duration(value, &v) == 0 || settings_parse_size(value, &v) == 0) &&
		v > INT64_MAX) {
		abort();
	}
	free(value);
	return 0;
}
