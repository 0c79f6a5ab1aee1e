#!/bin/bash
exec "${srcdir:-$(dirname "$0")/../..}/tests/unit/pg_run.sh" "${BUILD:-$PWD}/tests/unit/test_authd_store"
