/*
 * json_page: measures items and fills pages. Knows nothing of what the items mean.
 */
#include "reflector/json_page.h"

size_t json_page_size(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

int json_page_take(const json_t *items, size_t *at, size_t limit, json_t **page)
{
	size_t bytes = 2;

	*page = json_array();
	if (*page == NULL) {
		return ERR_NOMEM;
	}
	for (; *at < json_array_size(items); (*at)++) {
		json_t *item = json_array_get(items, *at);
		size_t size = json_page_size(item) + 1;
		if (json_array_size(*page) > 0 && bytes + size > limit) {
			break;
		}
		if (json_array_append(*page, item) != 0) {
			json_decref(*page);
			*page = NULL;
			return ERR_NOMEM;
		}
		bytes += size;
	}
	return 0;
}
