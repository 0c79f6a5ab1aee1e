#!/bin/bash
# What libhelio shows to the outside: its symbols, its header in C and C++, and the program in doc/sdk.md, which
# is the one that is built.
set -u
top=${srcdir:-$(dirname "$0")/../..}
build=${BUILD:-$PWD}
failed=0

fail()
{
	echo "FAIL: $*"
	failed=1
}

# Every function of the header is exported, and nothing else.
library=$build/client-sdk/.libs/libhelio.so
if [ -e "$library" ]; then
	exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub("@.*", "", $3); print $3 }' | sort)
	declared=$(sed -n 's/^[a-z].*[ *]\(helio_[a-z_]*\)(.*/\1/p' "$top/client-sdk/include/helio.h" | sort)
	[ -n "$exported" ] || fail "no symbols in $library"
	diff <(echo "$declared") <(echo "$exported") || fail 'exported (>) is not what helio.h declares (<)'
else
	echo 'no shared library here: its symbols are not checked'
fi

# The header stands alone, in C and in C++.
warnings='-Wall -Wextra -Wstrict-prototypes -pedantic -Werror'
# shellcheck disable=SC2086
echo '#include <helio.h>' | ${CC:-cc} -fsyntax-only -std=c11 $warnings -I "$top/client-sdk/include" -x c - ||
	fail 'helio.h is not clean C11'
if command -v "${CXX:-g++}" >/dev/null; then
	echo '#include <helio.h>' |
		"${CXX:-g++}" -fsyntax-only -std=c++11 -Wall -Wextra -pedantic -Werror \
			-I "$top/client-sdk/include" -x c++ - || fail 'helio.h is not clean C++11'
else
	echo 'no C++ compiler here: helio.h is not checked with one'
fi

# shellcheck disable=SC2016 # these are no commands
diff <(sed -n '/^```c$/,/^```$/p' "$top/doc/sdk.md" | sed '1d;$d') \
	<(sed -n '/^#include <helio.h>/,$p' "$top/client-sdk/examples/minimal.c") ||
	fail 'the program in doc/sdk.md (<) is not client-sdk/examples/minimal.c (>)'

[ "$failed" -eq 0 ] && echo 'PASS'
exit "$failed"
