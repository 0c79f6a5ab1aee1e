/*
 * starve: the wrapped allocation functions. Nothing fails, and nothing is counted, where
 * starve_counting is not set.
 */
#include "tests/unit/starve.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *p);
json_t *__real_json_loadb(const char *bytes, size_t len, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *bytes, size_t len, size_t flags, json_error_t *error);

struct tally *tally;
bool starve_counting;
static bool shielded;

static bool refuse_now(void)
{
	if (!starve_counting || shielded) {
		return false;
	}
	unsigned n = ++tally->allocations;
	if (tally->fail_at != 0 &&
		(n == tally->fail_at || (tally->for_good && n > tally->fail_at))) {
		tally->failed = true;
		return true;
	}
	return false;
}

static void *counted(void *p)
{
	if (starve_counting && p != NULL) {
		tally->live++;
	}
	return p;
}

void *__wrap_malloc(size_t size)
{
	return refuse_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refuse_now() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	if (refuse_now()) {
		return NULL;
	}
	return p == NULL ? counted(__real_realloc(p, size)) : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return refuse_now() ? NULL : counted(__real_strdup(s));
}

void __wrap_free(void *p)
{
	if (starve_counting && p != NULL) {
		tally->live--;
	}
	__real_free(p);
}

/*
 * jansson's parser writes past a string whose text it could not grow, so it is not starved inside:
 * it fails as a whole, as it says it does.
 */
json_t *__wrap_json_loadb(const char *bytes, size_t len, size_t flags, json_error_t *error)
{
	json_t *json;

	if (refuse_now()) {
		memset(error, 0, sizeof(*error));
		return NULL;
	}
	shielded = true;
	json = __real_json_loadb(bytes, len, flags, error);
	shielded = false;
	return json;
}

void starve_init(void)
{
	json_set_alloc_funcs(__wrap_malloc, __wrap_free);
	tally = mmap(
		NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(tally != MAP_FAILED);
}

void starve_finish(void)
{
	munmap(tally, sizeof(*tally));
}
