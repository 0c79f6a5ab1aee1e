/*
 * replay: feeds the corpus of a fuzz target to it, once, so that `make check` with any compiler
 * meets what fuzzing found. The corpus is SRCDIR/tests/fuzz/corpus/FUZZ_TARGET.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX 200000u

static void feed(const char *path)
{
	FILE *fp = fopen(path, "re");
	uint8_t *bytes = malloc(INPUT_MAX);

	if (fp == NULL || bytes == NULL) {
		perror(path);
		exit(1);
	}
	size_t len = fread(bytes, 1, INPUT_MAX, fp);
	fclose(fp);
	/* exactly as large as the input, so that a read past it is found */
	uint8_t *exact = malloc(len > 0 ? len : 1);
	for (size_t i = 0; exact != NULL && i < len; i++) {
		exact[i] = bytes[i];
	}
	free(bytes);
	if (exact != NULL) {
		LLVMFuzzerTestOneInput(exact, len);
	}
	free(exact);
}

int main(void)
{
	static const char dir_name[] = SRCDIR "/tests/fuzz/corpus/" FUZZ_TARGET;
	DIR *dir = opendir(dir_name);
	struct dirent *entry;
	unsigned count = 0;

	if (dir == NULL) {
		perror(dir_name);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		char path[4096];

		if (entry->d_name[0] == '.') {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", dir_name, entry->d_name);
		feed(path);
		count++;
	}
	closedir(dir);
	printf("%u inputs\n", count);
	return count > 0 ? 0 : 1;
}
